"""isoflop.validate"""
