"""Plans: what to train with a budget."""

from isoflop.entry import verb

verb(__name__, "isoflop.protocols.question:plan")
