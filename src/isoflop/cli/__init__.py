"""isoflop.cli"""
