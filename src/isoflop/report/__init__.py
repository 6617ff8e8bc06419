"""isoflop.report"""
