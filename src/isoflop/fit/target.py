"""The budget at which a fit states N* and D*, and how FLOPs follow from N and D there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.fit.allocation import FlopsPerToken, allocate, best_split, six
from isoflop.fit.records import Optimum, Shift
from isoflop.fit.runs import column, numbers
from isoflop.laws.dimensions import LOSSES
from isoflop.runs.cost import CostCurve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoflop.fit.result import Fit
    from isoflop.laws.law import Law

#: The target of a fit that was given none, in units of the largest C of its runs.
TIMES = 10.0


@dataclass(frozen=True)
class Target:
    """A budget, and what it takes to find the best N and D for it.

    Args:
        C: FLOPs; times: in units of the largest C of the runs.
        cost: how C follows from N and D, in words.
        flops: FLOPs a token by N.
        others: value of each further input of the law.
    """

    C: float
    times: float
    cost: str
    flops: FlopsPerToken
    others: dict[str, float | str]

    def optimum(self, fit: Fit) -> Optimum | None:
        """Return N*, D* and the loss there; None if the law has no interior optimum."""
        found = allocate(fit, self.C, flops_per_token=self.flops, cost=self.cost, **self.others)
        if not np.isfinite(found.N):
            return None
        known = found.estimates()
        return Optimum(
            C=self.C,
            times=self.times,
            cost=self.cost,
            others=self.others,
            N=known["N"],
            D=known["D"],
            loss=known["loss"],
            tokens_per_parameter=known["tokens_per_parameter"],
            sampling={
                name: x.interval
                for name, x in found.sampling().items()
                if x.interval is not None and x.holds != known[name].holds
            },
        )

    def shifted(self, law: Law, shift: Shift) -> Shift:
        """Return a line of the sensitivity table with N* and D* under its estimate."""
        columns = {name: np.full((1, 1), shift.estimate[name]) for name in law.parameter_names}
        N, D, _ = best_split(law, columns, self.C, self.flops, self.others)
        if not np.isfinite(N[0]):
            return shift
        return msgspec.structs.replace(shift, N=float(N[0]), D=float(D[0]))


def find_target(
    table: Any, law: Law, given: Mapping[str, float | str] | None, N: np.ndarray | None = None
) -> Target | None:
    """Return the target of a fit: the one given, or `TIMES` the largest C of the runs.

    FLOPs a token follow from the runs' own C where it is a function of N and D, as a plan does
    (`isoflop.runs.cost.CostCurve`); they are 6N otherwise, and the target says which.

    Args:
        table: the runs.
        law: the law that is fitted, groups filled in.
        given: `C` and values of inputs other than N and D.
        N: parameters [runs] counted another way than the table's.

    Returns:
        The target; None if none was given and the law does not tell the loss by N and D alone.

    Raises:
        InputError: if one was given and C or an input of the law is missing, or it names others.
    """
    inputs = set(law.input_names)
    fits = {"N", "D"} <= inputs and law.output.name in LOSSES
    if given is None and not (fits and inputs == {"N", "D"}):
        return None
    others = {name: value for name, value in (given or {}).items() if name != "C"}
    if given is not None:
        _check(law, fits, given, inputs - {"N", "D"})
    sizes, tokens = numbers(table, "N") if N is None else N, numbers(table, "D")
    if given is None and not (np.all(sizes > 0) and np.all(tokens > 0)):
        return None
    flops, cost, largest = _cost(table, sizes, tokens)
    C = TIMES * largest if given is None else float(given["C"])
    return Target(C, C / largest, cost, flops, others)


def _check(law: Law, fits: bool, given: Mapping[str, Any], others: set[str]) -> None:
    if not fits:
        raise InputError(
            f"`{law.name}` has no compute-optimal N and D.",
            f"It gives {law.output.name} from {', '.join(law.input_names)}.",
            "Leave the target out.",
        )
    wanted = {"C", *others}
    if given.keys() != wanted:
        missing, unknown = sorted(wanted - given.keys()), sorted(given.keys() - wanted)
        words = {"lacks": missing, "has no use for": unknown}
        what = " and ".join(f"{k} {', '.join(v)}" for k, v in words.items() if v)
        raise InputError(
            f"the target {what}.",
            f"`{law.name}` takes {', '.join(law.input_names)}; C decides N and D.",
            "Give " + ",".join(f"{name}=VALUE" for name in sorted(wanted)) + ".",
        )
    if not float(given["C"]) > 0:
        raise InputError(f"the target C = {given['C']} is not positive.")


def _cost(table: Any, N: np.ndarray, D: np.ndarray) -> tuple[FlopsPerToken, str, float]:
    """Return FLOPs a token by N, that count in words, and the largest C of the runs."""
    plain = 6.0 * N * D
    if "C" not in table or column(table, "C").dtype.kind == "O":
        return six, "6ND", float(np.max(plain))
    C = column(table, "C").astype(float)
    if np.allclose(C, plain, rtol=1e-6):
        return six, "6ND", float(np.max(plain))
    try:
        curve = CostCurve.from_runs(N, D, C)
    except InputError:
        curve = None
    if curve is None or not np.all(np.isfinite(curve.log_f)):
        return six, "6ND; the runs' own C is not a function of N and D", float(np.max(plain))
    return curve.flops_per_token, "as the runs' C", float(np.max(C))
