"""Fitting laws to runs: estimate, evidence that it is the optimum, and uncertainty."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from isoflop.entry import verb

if TYPE_CHECKING:
    from isoflop.fit.fitting import fit
    from isoflop.fit.nested import Comparison, compare
    from isoflop.fit.result import Fit
    from isoflop.fit.verdict import Verdict

__all__ = ["Comparison", "Fit", "Verdict", "compare", "fit"]

_HOME = {
    "Comparison": "nested",
    "Fit": "result",
    "Verdict": "verdict",
    "compare": "nested",
    "fit": "fitting",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for: other modules of this layer do not need the solver.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


verb(__name__, "isoflop.fit.fitting:fit")
