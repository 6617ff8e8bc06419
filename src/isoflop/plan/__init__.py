"""isoflop.plan"""
