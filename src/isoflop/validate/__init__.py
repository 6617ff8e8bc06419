"""Whether to believe a fit: held-out runs and the checks of a study."""

from isoflop.entry import verb

verb(__name__, "isoflop.protocols.question:validate")
