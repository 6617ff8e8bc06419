"""Which words of a column `status` say that a run came to its end."""

from __future__ import annotations

import numpy as np

#: In lower case; a run that says nothing is taken to have finished.
FINISHED = frozenset({"", "finished", "done", "complete", "completed", "success", "ok"})


def finished(status: np.ndarray) -> np.ndarray:
    """Return the mask [run] of runs whose status says that they came to their end."""
    words = (str(word).strip().lower() in FINISHED for word in status)
    return np.fromiter(words, dtype=bool, count=len(status))
