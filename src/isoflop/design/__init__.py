"""isoflop.design"""
