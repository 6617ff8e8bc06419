"""A small model sampled often against a larger one sampled once, for the same FLOPs in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.plan.sampling.exchange import exchange
from isoflop.plan.sampling.inference import open_curves
from isoflop.samples import Estimate, summarise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.plan.sampling.curve import Observed, Selector, Stated
    from isoflop.plan.sampling.verifier import Verifier


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """Training compute against inference compute.

    Args:
        scale: parameters of the larger model over those of the small one.
        ratio: tokens generated over the life for each training token.
        multiple: how many times more the small model may infer (`exchange`).
        small: label of the small model; samples: whole samples that the multiple buys.
        small_accuracy: of the small model with them; large_accuracy: of the larger model, once.
        small_share: share of the resamples in which the small model is better; None without.
        even_ratio: the ratio below which the small model is the better one by the estimates; None
            if it is better at any ratio, or at none (the accuracies say which).
        large: label of the larger model.
    """

    scale: float
    ratio: float
    multiple: float
    small: str
    large: str
    samples: int
    small_accuracy: Estimate
    large_accuracy: Estimate
    small_share: float | None
    even_ratio: float | None


def trade(
    source: Any = None,
    *,
    scale: float,
    ratio: float,
    small: str,
    large: str,
    by: str | None = None,
    columns: Mapping[str, str] | None = None,
    law: str = "",
    constants: Sequence[str] = (),
    selector: Selector = "coverage",
    verifier: Verifier | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    level: float = 0.9,
) -> Trade:
    """Compare a small model sampled often with a larger one sampled once, FLOPs being equal.

    Args:
        source, by, columns, law, constants, selector, verifier, bootstrap, seed, level: see
            `isoflop.plan.sampling.inference.inference`.
        scale: parameters of the larger model over those of the small one.
        ratio: tokens generated over the life for each training token.
        small: label of the small model.
        large: label of the larger one.

    Raises:
        InputError: there is no such model, accuracy at the multiple cannot be known, or scale or
            ratio is out of range.

    Source: Snell et al. 2024 (arXiv:2408.03314), section 7.
    """
    multiple = exchange(scale, ratio)
    curves = open_curves(source, columns, by, law, constants, bootstrap, seed)
    often, once = (_named(curves, name) for name in (small, large))
    samples = int(multiple * (1 + 1e-12))
    many, single = often.accuracy(samples, selector, verifier), once.accuracy(1, "coverage")
    if np.isnan(many[0]):
        raise InputError(
            f"the accuracy of `{small}` with {samples} samples by {selector} is not known.",
            "Votes and best scores are not extrapolated past the attempts.",
            "Sample more, or take --select coverage or a verifier of stated quality.",
        )
    paired = len(many) == len(single) > 1
    even = float(often.reach(float(single[0]))[0]) if selector == "coverage" else np.inf
    return Trade(
        scale=scale,
        ratio=ratio,
        multiple=multiple,
        small=small,
        large=large,
        samples=samples,
        small_accuracy=summarise(float(many[0]), many[1:], level),
        large_accuracy=summarise(float(single[0]), single[1:], level),
        small_share=float(np.mean(many[1:] > single[1:])) if paired else None,
        even_ratio=_even(even, scale),
    )


def _named(curves: dict[str, Observed | Stated], name: str) -> Observed | Stated:
    if name not in curves:
        raise InputError(
            f"there is no model `{name}`; there is {', '.join(curves)}.",
            do="Name the column that tells models apart:  --by model",
        )
    return curves[name]


def _even(samples: float, scale: float) -> float | None:
    """Return the ratio at which the multiple is a number of samples; None if it never is.

    The multiple falls from infinity to `scale` as the ratio grows, so fewer samples than that
    are always affordable.
    """
    if not np.isfinite(samples) or samples <= scale:
        return None
    return 3 * (scale - 1) / (samples - scale)
