"""Sweeps: which models to train, with how many tokens, and what that costs."""

from isoflop.entry import verb

verb(__name__, "isoflop.design.sweep:isoflop")
