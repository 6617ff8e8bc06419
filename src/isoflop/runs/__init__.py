"""isoflop.runs"""
