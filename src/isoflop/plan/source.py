"""Where the loss comes from: a published law with its constants, or a fit of one's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.fit.records import Minimum
from isoflop.fit.result import Fit
from isoflop.laws.law import Law
from isoflop.laws.published import Published, choose, published
from isoflop.laws.references import DEFINITION, reference
from isoflop.laws.registry import get
from isoflop.laws.resolve import resolve
from isoflop.plan.surface import Surface

if TYPE_CHECKING:
    from collections.abc import Mapping

_GIVEN = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*([^=]+?)\s*")
#: Laws of repetition that `unique_tokens` brings in.
_REPEATED, _EXCESS = "repeated_tokens", "excess_parameters"


class Constants(msgspec.Struct, frozen=True):
    """Constants of a law, plain or composed.

    Args:
        values: by parameter.
        names: the published set of each part: {"chinchilla": "tex"}; "given" if a person did.
        base: the published set of the law itself, before its inputs were replaced.
    """

    values: dict[str, float]
    names: dict[str, str]
    base: Published | None = None


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
    if isinstance(source, Fit):
        if constants:
            raise InputError(
                "a fit has constants of its own.", do="Drop --constants, or plan with --law."
            )
        base = _from_fit(source, level)
    else:
        law = resolve(source) if isinstance(source, str) else source
        if not isinstance(law, Law):
            raise InputError(
                f"a plan is made with a law, a fit or a name, not {type(source).__name__}.",
                do='iso.plan("chinchilla", 1e23)',
            )
        base = _from_law(law, constants, level)
    others: dict[str, float | str] = dict(inputs or {})
    if serve_bits is not None:
        base, others["P_post"] = _quantised(base), serve_bits
    if unique_tokens is not None:
        others["U"] = unique_tokens
        base = _repeating(base)
    return Surface(**{**_fields(base), "others": others})


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
    minima: tuple[Minimum, ...] = ()
    seed: int = 0


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
        minima=fit.minima,
        seed=fit.settings.seed,
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


def described(found: Constants) -> str:
    """Return where constants are from: `Hoffmann et al. 2022 (...), tex`."""
    names = ", ".join(
        f"{law} {name}" if len(found.names) > 1 else name for law, name in found.names.items()
    )
    if found.base is None or found.base.source == DEFINITION:
        return names or "given"
    return f"{reference(found.base.source).short}, {found.base.table}; set {names}"


def collect(law: Law, constants: str | Mapping[str, float] = "") -> Constants:
    """Return the constants of a law and of the laws it was composed of.

    The named set is that of the law itself; a transform or link takes its first published set,
    and shares the parameters that the law has already.

    Raises:
        InputError: a part has no published constants and none were given.
    """
    given = _given(constants)
    if given is not None:
        unknown = sorted(given.keys() - set(law.parameter_names))
        if unknown:
            raise InputError(
                f"`{law.name}` has no parameter {', '.join(unknown)}; it has"
                f" {', '.join(law.parameter_names)}."
            )
        for name, value in given.items():
            _checked(law, name, value)
        rest = _walk(law.recipe, "", law) if set(given) != set(law.parameter_names) else None
        values = {**(rest.values if rest else {}), **given}
        return Constants(values, {**(rest.names if rest else {}), law.name: "given"})
    return _walk(law.recipe, str(constants), law)


def _given(constants: str | Mapping[str, float]) -> dict[str, float] | None:
    if not isinstance(constants, str):
        return {name: float(value) for name, value in constants.items()}
    if "=" not in constants:
        return None
    found: dict[str, float] = {}
    for part in constants.split(","):
        pair = _GIVEN.fullmatch(part)
        name, value = (pair[1], _number(pair[2])) if pair else ("", None)
        if value is None:
            raise InputError(f"`{part.strip()}` is not NAME=NUMBER.", do='"E=1.7,A=400,alpha=0.34"')
        found[name] = value
    return found


def _checked(law: Law, name: str, value: float) -> None:
    """Refuse a constant that is no number, or outside what the law declares for it."""
    kind = next(one for one in law.parameters if one.name == name)
    if not kind.lower <= value <= kind.upper or not np.isfinite(value):
        raise InputError(
            f"{name} = {value:g} is not a number between {kind.lower:g} and {kind.upper:g}.",
            f"`{law.name}` declares no other for its {kind.kind.name}.",
            f"A formula may declare its own bounds:  --law '...; {name} in [-2, 2]'",
        )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _walk(recipe: Any, name: str, law: Law) -> Constants:
    """Return the constants of a recipe (see `isoflop.laws.recipe`); earlier parts win."""
    op = recipe.get("op") if isinstance(recipe, dict) else None
    if op is None:
        key = recipe.get("law", "") if isinstance(recipe, dict) else ""
        if not published(key):
            if name:
                choose(key or law.name, name)
            return Constants({}, {})
        chosen, record = choose(key, name)
        return Constants(dict(record.constants), {key: chosen}, record)
    first = _walk(recipe["of"], name, law)
    parts = [*recipe.get("with", {}).values()]
    parts += [recipe[key] for key in ("link", "other") if key in recipe]
    values, names = dict(first.values), dict(first.names)
    for part in parts:
        found = _walk(part, "", law)
        values = {**found.values, **values}
        names = {**found.names, **names}
    if op == "rename":
        values = {recipe["pairs"].get(key, key): value for key, value in values.items()}
    kept = {key: values[key] for key in law.parameter_names if key in values}
    return Constants(values if op == "replace" else kept or values, names, first.base)


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
    # The minima are of the law as it was fitted.
    return msgspec.structs.replace(base, law=law, constants=constants, samples=samples, minima=())


def _quantised(base: _Base) -> _Base:
    """Return the law of the model served at few bits a weight."""
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
