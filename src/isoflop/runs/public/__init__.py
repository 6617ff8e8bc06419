"""Public run tables by name: where they come from, downloaded, checked, and as run tables.

    from isoflop.runs.public import load
    table = load("chinchilla-epoch-svg", where="epoch_outlier == 0")

Nothing of the tables is part of the package: a name stands for files of a public repository at
one commit, each with its sha256, and for the converter that makes a `RunTable` of them.
"""

from isoflop.runs.public.registry import Entry, File, names, show
from isoflop.runs.public.tables import fetch, load

__all__ = ["Entry", "File", "fetch", "load", "names", "show"]
