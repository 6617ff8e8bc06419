"""Sweeps: which models to train, with how many tokens, and what that costs."""
