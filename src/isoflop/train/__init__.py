"""isoflop.train"""
