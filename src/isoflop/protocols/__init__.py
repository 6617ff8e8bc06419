"""isoflop.protocols"""
