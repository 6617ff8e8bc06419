"""Checks of the fit: bounds, floor, what is determined, distance of the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError, IsoflopError
from isoflop.fit.verdict import Verdict
from isoflop.runs.finding import Finding
from isoflop.units import format_flops

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.validate.audit.evidence import Evidence

#: A floor whose interval ends below this share of the smallest loss is taken for zero.
_NO_FLOOR = 0.25
#: Decades beyond the runs that are told, and that are too far for the span of the runs.
_FAR = 1.05


def check_bounds(e: Evidence) -> Iterator[Finding]:
    """No parameter is at a bound."""
    fitted = e.fit
    at = [name for name in fitted.at_bound if name != "E"]
    yield Finding(
        code="bounds",
        severity="warning" if at else "ok",
        message=" ".join(fitted.reasons.get(n, f"`{n}` is at a bound.") for n in at)
        if at
        else f"no parameter of `{fitted.law.name}` is at a bound.",
        numbers={name: fitted.estimate[name] for name in at},
        why="The law would fit better outside what the parameter may be: it is not the law of"
        " these runs, or they do not determine it."
        if at
        else "",
        remedy="Look at the residuals; fix the parameter or use another law." if at else "",
    )


def check_floor(e: Evidence) -> Iterator[Finding]:
    """The loss floor lies between zero and the smallest loss."""
    fitted = e.fit
    if "E" not in fitted.estimate:
        raise InputError(f"`{fitted.law.name}` has no floor E.")
    E, smallest = fitted.estimate["E"], float(e.runs["loss"].min())
    high = (fitted.profiles or {}).get("E", (None, None))[1]
    numbers = {"E": E, "smallest loss": smallest}
    if smallest <= E:
        yield Finding(
            code="floor",
            severity="error",
            message=f"the floor E = {E:.4g} is not below the smallest loss {smallest:.4g}.",
            numbers=numbers,
            why="A run has beaten the loss that the law calls irreducible.",
            remedy="Fit again: a floor must lie below every run.",
        )
        return
    if E > 0:
        yield Finding(
            code="floor",
            severity="ok",
            message=f"the floor E = {E:.4g} lies below the smallest loss {smallest:.4g}.",
            numbers=numbers,
        )
        return
    none = high is not None and high < _NO_FLOOR * smallest
    yield Finding(
        code="floor",
        severity="warning" if none or E < 0 else "note",
        message=f"the floor E is {E:.3g}"
        + (f" and at most {high:.3g}." if high is not None else "; the runs do not determine it."),
        numbers=numbers | ({"highest": high} if high is not None else {}),
        why="Text has an entropy above zero. A floor that goes to zero says that the loss falls"
        " faster at large C than the law can: small runs that are badly trained, or too little"
        " span.",
        remedy="Check schedule and rates of the small runs; do not quote the loss at large C.",
    )


def check_identified(e: Evidence) -> Iterator[Finding]:
    """Every parameter is determined by the runs."""
    fitted = e.fit
    loose = [n for n, sure in fitted.identified.items() if not sure and n not in fitted.at_bound]
    yield Finding(
        code="identified",
        severity="note" if loose else "ok",
        message=" ".join(fitted.reasons.get(n, f"`{n}` is not identified.") for n in loose)
        if loose
        else "every parameter is determined by the runs.",
        numbers={name: fitted.estimate[name] for name in loose},
        why="Other values fit as well; do not quote them. What depends on them, the loss at large"
        " C above all, is open for this reason."
        if loose
        else "",
        remedy="isoflop design" if loose else "",
    )


def check_given(e: Evidence) -> Iterator[Finding]:
    """The fit that was given is of these runs, ended well, and counts as they do."""
    fitted = e.given
    if fitted is None:
        raise InputError("no fit was given (--fit); the law was fitted here.")
    wrong = []
    if fitted.verdict in (Verdict.EQUALS_START, Verdict.NOT_CONVERGED):
        wrong.append(fitted.verdict.message)
    if fitted.data_digest != e.table.digest:
        wrong.append(
            f"The fit is of {fitted.runs} other runs (digest {fitted.data_digest[:8]}, these"
            f" {e.table.digest[:8]})."
        )
    said = e.table.convention
    differ = [
        f"{name} {theirs} in the fit, {getattr(said, name)} in the table"
        for name, theirs in fitted.convention.items()
        if hasattr(said, name) and getattr(said, name) != theirs
    ]
    wrong += [f"Counted otherwise: {', '.join(differ)}."] if differ else []
    yield Finding(
        code="fit",
        severity="warning" if wrong else "ok",
        message=" ".join(wrong) or "the given fit is of these runs and converged.",
        numbers={"runs": float(fitted.runs)},
        why="An optimiser that stops early gives wrong constants and intervals far too narrow."
        if wrong
        else "",
        remedy="Fit again:  isoflop fit runs.csv --out fit.json" if wrong else "",
    )


def check_extrapolation(e: Evidence) -> Iterator[Finding]:
    """The target is not far beyond the runs."""
    if e.target is None:
        raise InputError("no target was given:  --target C=1e22")
    C = e.runs["C"]
    decades = float(np.log10(e.target / C.max()))
    span = float(np.log10(C.max() / C.min()))
    numbers = {"decades": decades, "span": span}
    outside = ""
    try:
        size = e.answer[e.named["size"]]
        numbers["N* over the largest N"] = size / float(e.runs["N"].max())
        outside = f"; N* there is {numbers['N* over the largest N']:.3g} times the largest N"
    except IsoflopError:
        pass  # no law: the distance in C is all there is to say
    far = decades > max(_FAR, 0.0) or decades > span
    yield Finding(
        code="extrapolation",
        severity="warning" if far else "note" if decades > 0 else "ok",
        message=f"{format_flops(e.target)} FLOPs lie {decades:+.2f} decades from the largest run;"
        f" the runs span {span:.2f}{outside}.",
        numbers=numbers,
        why="Errors grow with the distance, and no interval knows what changes on the way."
        if decades > 0
        else "",
        remedy="Test an extrapolation as far as this one on your own runs:  isoflop validate"
        if decades > 0
        else "",
    )
