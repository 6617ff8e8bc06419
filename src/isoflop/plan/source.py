"""Where the loss comes from: a published law with its constants, or a fit of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.fit.result import Fit
from isoflop.laws.law import Law
from isoflop.laws.registry import get
from isoflop.laws.resolve import resolve
from isoflop.plan.constants import collect, described
from isoflop.plan.surface import SIZES, Surface

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Laws of repetition that `unique_tokens` brings in.
_REPEATED, _EXCESS = "repeated_tokens", "excess_parameters"


def surface(
    source: Law | Fit | str,
    *,
    constants: str | Mapping[str, float] = "",
    unique_tokens: float | None = None,
    inputs: Mapping[str, float | str] | None = None,
    serve_bits: float | None = None,
    level: float | None = None,
) -> Surface:
    """Return the loss to plan on.

    Args:
        source: a law or its name, a composition, a formula; or a fit.
        constants: name of a published set ("tex"), key of a paper ("hoffmann2022"), "E=1.7,A=400"
            or values by name; the best-checked set if empty. Not with a fit, which has its own.
        unique_tokens: different tokens there are; repeating them is worth less and less
            (`repeated_tokens`, and `excess_parameters` where the law is Chinchilla's).
        inputs: values of the law's further inputs.
        serve_bits: bits a weight is quantised to after training; the loss is that of the model
            served (`quantisation_loss`).
        level: of intervals; the fit's or 0.9 if None.

    Raises:
        InputError: no such law or constants, or an input that is missing.
    """
    if level is not None and not 0 < level < 1:
        raise InputError(f"level = {level:g} is not between 0 and 1.", do="--level 0.9 for 90 %.")
    for name, value in (("unique tokens", unique_tokens), ("bits a weight", serve_bits)):
        if value is not None and not 0 < value < float("inf"):
            raise InputError(f"{value:g} {name} are not positive.", do="Give more than 0.")
    base = _based(source, constants, level)
    others: dict[str, float | str] = dict(inputs or {})
    if serve_bits is not None:
        base, others["P_post"] = _quantised(base), serve_bits
    if unique_tokens is not None:
        others["U"] = unique_tokens
        base = _repeating(base)
    return Surface(**{**_fields(base), "others": others})


def _based(
    source: Law | Fit | str, constants: str | Mapping[str, float], level: float | None
) -> _Base:
    if isinstance(source, Fit):
        if constants:
            raise InputError(
                "a fit has constants of its own.", do="Drop --constants, or plan with --law."
            )
        return _from_fit(source, level)
    law = resolve(source) if isinstance(source, str) else source
    if not isinstance(law, Law):
        raise InputError(
            f"a plan is made with a law, a fit or a name, not {type(source).__name__}.",
            do='iso.plan("chinchilla", 1e23)',
        )
    return _from_law(law, constants, level)


def _fields(base: _Base) -> dict[str, Any]:
    return {name: getattr(base, name) for name in base.__struct_fields__}


class _Base(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A law with constants before its further inputs are known."""

    law: Law
    constants: dict[str, float]
    samples: np.ndarray | None
    ranges: dict[str, tuple[float, float]]
    constants_from: str
    counted: dict[str, str]
    level: float
    warnings: tuple[str, ...]
    fit: Fit | None = None


def _from_fit(fit: Fit, level: float | None) -> _Base:
    warnings = []
    samples = fit.samples if fit.samples is not None and len(fit.samples) else None
    if samples is None:
        warnings.append("The fit has no samples, so nothing here has an interval.")
    if not fit.converged or not all(fit.identified.values()):
        warnings.append(f"The fit says of itself: {fit.message}")
    counted = {key: value for key, value in fit.convention.items() if value}
    if counted.get("C", "unstated") not in ("6ND", "unstated"):
        warnings.append(
            f"The runs count C as `{counted['C']}`; the plan counts 6 N D, which for small models"
            " is less than half of it. Only N, D and loss of the fit are used."
        )
    return _Base(
        law=fit.law,
        constants=dict(fit.estimate),
        samples=samples,
        ranges=dict(fit.ranges),
        constants_from=f"fit of {fit.runs} runs (data {fit.data_digest[:12]})",
        counted=counted,
        level=fit.settings.level if level is None else level,
        warnings=tuple(warnings),
        fit=fit,
    )


def _from_law(law: Law, constants: str | Mapping[str, float], level: float | None) -> _Base:
    found = collect(law, constants)
    base = found.base
    notes = [f"About these constants: {base.note}"] if base is not None and base.note else []
    if base is not None and "total" in base.convention.get("N", ""):
        notes.append("N counts all experts here, so 6 N D overstates the FLOPs of training.")
    return _Base(
        law=law,
        constants=found.values,
        samples=None,
        ranges=dict(base.range) if base is not None else {},
        constants_from=described(found),
        counted=dict(base.convention) if base is not None else {},
        level=0.9 if level is None else level,
        warnings=tuple(notes),
    )


def _extended(base: _Base, law: Law) -> _Base:
    """Return a base whose law was composed further; new parameters take published constants."""
    new = [name for name in law.parameter_names if name not in base.constants]
    added = {key: value for key, value in collect(law).values.items() if key in new}
    constants = {
        name: base.constants.get(name, added.get(name, float("nan")))
        for name in law.parameter_names
    }
    samples = base.samples
    if samples is not None:
        old = {name: k for k, name in enumerate(base.law.parameter_names)}
        samples = np.stack(
            [
                samples[:, old[name]] if name in old else np.full(len(samples), constants[name])
                for name in law.parameter_names
            ],
            axis=1,
        )
    # What the fit tells of misses is of the law as it was fitted.
    return msgspec.structs.replace(base, law=law, constants=constants, samples=samples, fit=None)


def _quantised(base: _Base) -> _Base:
    """Return the law of the model served at few bits a weight.

    Raises:
        InputError: the law's N is not all parameters of a dense model.
    """
    counted = [name for name in SIZES[1:] if name in base.law.input_names]
    if counted:
        raise InputError(
            f"what few bits cost is known in all parameters of a dense model; `{base.law.name}`"
            f" counts {counted[0]}.",
            "A law of quantised experts, or of another count, is not known.",
            "Drop --serve-bits, or plan a dense model:  --law chinchilla",
        )
    borrowed = (
        "What quantisation costs is borrowed from Kumar et al. 2024, fitted up to 1.7B parameters"
        " and 26B tokens, not measured with these constants."
    )
    extended = _extended(base, base.law + get("quantisation_loss"))
    return msgspec.structs.replace(extended, warnings=(*base.warnings, borrowed))


def _repeating(base: _Base) -> _Base:
    """Return the law with repeated tokens, unless it has them already."""
    if "U" in base.law.input_names:
        return base
    transforms = {"D": get(_REPEATED)}
    if base.law.name == "chinchilla":
        transforms["N"] = get(_EXCESS)
    parts = " and ".join(x.name for x in transforms.values())
    worth = get(_REPEATED).constants()["R_D"]
    extended = _extended(base, base.law.replace(**transforms))
    own = get(_EXCESS).constants()
    if all(base.constants.get(name) == own[name] for name in ("A", "alpha", "B", "beta")):
        return extended  # the law that the cost of repetition was fitted with
    borrowed = (
        f"What repetition costs is borrowed from Muennighoff et al. 2023 ({parts}, R_D ="
        f" {worth:.3g}, fitted on C4 with their recipe), not measured with these constants."
    )
    return msgspec.structs.replace(extended, warnings=(*base.warnings, borrowed))
