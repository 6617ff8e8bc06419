"""isoflop.store"""
