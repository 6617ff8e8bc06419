"""isoflop.fit"""
