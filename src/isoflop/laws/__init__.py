"""isoflop.laws"""
