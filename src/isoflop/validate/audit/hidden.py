"""A budget without an enclosed minimum: is that its sizes' fault, or does noise alone hide it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import IsoflopError
from isoflop.fit.isoflop import Profile, fit_profile

if TYPE_CHECKING:
    from isoflop.fit.surface import IsoflopSurface
    from isoflop.validate.audit.evidence import Evidence

#: Share of noise draws from which on a lost minimum is put down to noise.
BY_CHANCE = 0.01
#: Residuals of the budget, in units of noise, beyond which something other than noise is at work.
_ALIKE = 2.0
_DRAWS = 300


def hidden(e: Evidence, surface: IsoflopSurface, profile: Profile) -> float | None:
    """Return how often noise alone would hide the minimum of a budget, as a share of draws.

    The losses of the budget's sizes are drawn about the fitted law with the noise that the other
    budgets' profiles leave. None where the law's own minimum is not enclosed by the sizes, or
    the runs lie further from the law than that noise: then it is not noise that hides it.
    """
    rows = e.budgets == profile.budget
    N, D, C, loss = (e.runs[name][rows] for name in ("N", "D", "C", "loss"))
    try:
        law = np.asarray(e.fit.point(N=N, D=D), dtype=float)
    except (IsoflopError, TypeError):
        return None
    if not _kept(profile.budget, N, C, law):
        return None
    if np.sqrt(np.mean((loss - law) ** 2)) > _ALIKE * surface.noise:
        return None
    drawn = law + np.random.default_rng(0).normal(0.0, surface.noise, (_DRAWS, len(law)))
    return float(np.mean([not _kept(profile.budget, N, C, x) for x in drawn]))


def _kept(budget: float, N: np.ndarray, C: np.ndarray, loss: np.ndarray) -> bool:
    return fit_profile(budget, N, C, loss).ok
