"""All that a study says about its own trustworthiness, gathered from its runs and fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.runs.finding import Finding
from isoflop.validate.selfcheck import (
    RateProbe,
    check_minima,
    check_rates,
    check_ratio,
    check_slope,
    check_span,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.protocols.models import Fitted
    from isoflop.protocols.result import Approach, Heldout
    from isoflop.runs.run import Run

#: Fewer optimiser steps than this leave the schedule too coarse to compare widths.
MIN_STEPS = 500
#: Repeated text is nearly as good as fresh up to here (Muennighoff et al. 2023).
NEARLY_FRESH = 4.0


def rate_probes(runs: Sequence[Run]) -> list[RateProbe]:
    """Group learning-rate probes with the run of the same model at the study's own rate."""
    groups: dict[tuple[int, float], dict[float, float]] = {}
    probed = {_cell(r) for r in runs if r.role == "lr_probe"}
    own = {_cell(r): _rate(r) for r in runs if r.role != "lr_probe" and _cell(r) in probed}
    for run in runs:
        cell = _cell(run)
        if cell in own and run.loss is not None and run.seed == _seed(runs, cell):
            groups.setdefault(cell, {})[_rate(run) / own[cell]] = run.loss
    return [
        RateProbe(
            cell[0], cell[1], np.array(sorted(group)), np.array([group[m] for m in sorted(group)])
        )
        for cell, group in sorted(groups.items())
        if len(group) > 1
    ]


def _cell(run: Run) -> tuple[int, float]:
    return int(run.setup["architecture"]["width"]), run.budget


def _rate(run: Run) -> float:
    return float(run.setup["rates"]["hidden"])


def _seed(runs: Sequence[Run], cell: tuple[int, float]) -> int:
    return min(r.seed for r in runs if _cell(r) == cell)


def seed_noise(runs: Sequence[Run]) -> tuple[float, int]:
    """Return the standard deviation between seeds of one setup, and its degrees of freedom."""
    groups: dict[str, list[float]] = {}
    for run in runs:
        if run.role in ("isoflop", "seed") and run.loss is not None:
            key = f"{_cell(run)} {run.setup['rates']}"
            groups.setdefault(key, []).append(run.loss)
    repeated = [np.array(g) for g in groups.values() if len(g) > 1]
    freedom = sum(len(g) - 1 for g in repeated)
    squares = sum(float(((g - g.mean()) ** 2).sum()) for g in repeated)
    return (float(np.sqrt(squares / freedom)) if freedom else 0.0), freedom


def findings(
    runs: Sequence[Run],
    fitted: Fitted,
    approaches: Mapping[str, Approach],
    heldout: Heldout | None,
    disagreement: Sequence[str],
    added: Sequence[str] = (),
) -> list[Finding]:
    """Run every check of a study, worst first."""
    found: list[Finding] = []
    if fitted.surface is not None:
        found += [check_slope(fitted.surface), check_ratio(fitted.surface)]
        found += check_minima(fitted.surface)
    found.append(check_rates(rate_probes(runs), fitted.noise))
    found.append(check_span(fitted.data.C))
    found += [_failed(runs), _short(runs), _epochs(runs), _seeds(runs)]
    found += _unanswered(approaches)
    found += [_added(reason) for reason in added]
    found += [_disagree(sentence) for sentence in disagreement]
    found.append(_heldout(heldout))
    order = {"error": 0, "warning": 1, "note": 2, "ok": 3}
    return sorted(found, key=lambda f: order[f.severity])


def _failed(runs: Sequence[Run]) -> Finding:
    failed = [run for run in runs if run.status == "failed"]
    if not failed:
        return Finding(code="failed", severity="ok", message=f"all {len(runs)} runs finished.")
    listed = "; ".join(f"{run.id}: {run.reason}" for run in failed[:5])
    return Finding(
        code="failed",
        severity="warning",
        message=f"{len(failed)} of {len(runs)} runs failed ({listed}).",
        numbers={"failed": float(len(failed))},
        why="A run that is missing because it diverged is not missing at random.",
        remedy="Lower the learning rate of that width, or leave the size out and say so.",
    )


def _short(runs: Sequence[Run]) -> Finding:
    steps = [int(run.setup["steps"]) for run in runs]
    fewest = min(steps)
    short = fewest < MIN_STEPS
    return Finding(
        code="steps",
        severity="note" if short else "ok",
        message=f"the shortest run has {fewest} optimiser steps.",
        numbers={"fewest steps": float(fewest)},
        why="A few hundred steps are mostly warmup and decay." if short else "",
        remedy="Use a smaller batch, or leave the largest width of that budget out."
        if short
        else "",
    )


def _epochs(runs: Sequence[Run]) -> Finding:
    most = max(run.D / run.U for run in runs if run.U)
    over = most > NEARLY_FRESH
    return Finding(
        code="epochs",
        severity="warning" if over else "ok",
        message=f"the longest run passed over the training text {most:.2f} times.",
        numbers={"epochs": most},
        why="Repeated text is worth less than fresh text; these laws do not know." if over else "",
        remedy="Give more text or smaller budgets." if over else "",
    )


def _seeds(runs: Sequence[Run]) -> Finding:
    noise, freedom = seed_noise(runs)
    if not freedom:
        return Finding(
            code="seeds",
            severity="note",
            message="every setup was trained once: run noise is read from the parabolas only.",
            remedy="Repeat one setup with two more seeds.",
        )
    return Finding(
        code="seeds",
        severity="ok",
        message=f"seeds of one setup differ by {noise:.4f} nats per token (sd, {freedom} degrees"
        " of freedom).",
        numbers={"sd": noise, "freedom": float(freedom)},
    )


def _unanswered(approaches: Mapping[str, Approach]) -> list[Finding]:
    found = []
    for approach in approaches.values():
        loose = [name for name, ok in approach.identified.items() if not ok]
        if not approach.ok:
            found.append(
                Finding(
                    code=approach.name,
                    severity="warning",
                    message=f"{approach.title} gave no answer: {' '.join(approach.notes)}",
                )
            )
        elif loose:
            found.append(
                Finding(
                    code="identified",
                    severity="note",
                    message=f"{approach.title}: {', '.join(loose)} not identified by these runs.",
                    why="Other values fit as well; do not quote them. Ranges that depend on"
                    " them, the loss at large C above all, are wide for this reason.",
                    remedy="A floor shows only where the loss comes near it: larger budgets.",
                )
            )
    return found


def _added(reason: str) -> Finding:
    return Finding(
        code="extended",
        severity="note",
        message=f"the study added {reason}",
        why="The expected optimum was off; the sizes around it were moved, not the data.",
    )


def _disagree(sentence: str) -> Finding:
    return Finding(
        code="disagreement",
        severity="warning",
        message=sentence,
        why="Each interval takes its own model for granted.",
        remedy="Trust the range that holds both, or add a budget.",
    )


def _heldout(heldout: Heldout | None) -> Finding:
    if heldout is None:
        return Finding(
            code="heldout",
            severity="warning",
            message="no held-out prediction could be made.",
            why="An extrapolation that was never tested is a hope.",
            remedy="Add a budget, so that the largest can be held out.",
        )
    hit = sum(cell.covered for cell in heldout.cells)
    missed = hit < len(heldout.cells)
    error = heldout.predicted / heldout.observed - 1
    return Finding(
        code="heldout",
        severity="warning" if not heldout.covered else "note" if missed else "ok",
        message=f"{hit} of {len(heldout.cells)} held-out runs at {heldout.budget:.3g} FLOPs lie"
        f" in their {100 * heldout.level:.0f} % interval; the best one was predicted"
        f" {100 * error:+.1f} %.",
        numbers={"covered": float(hit), "runs": float(len(heldout.cells)), "error": error},
        why=_why_missed(heldout) if missed else "",
        remedy="Do not trust the interval at larger budgets; add a budget, or look at the"
        " residuals."
        if missed
        else "",
    )


def _why_missed(heldout: Heldout) -> str:
    """Say what a missed interval means, by what the fit could know."""
    if len(heldout.fitted_budgets) == 2:
        return (
            "Only two budgets were left to fit: the line through two minima has nothing to check"
            " it, run noise in one of them tilts it, and no interval can show by how much."
        )
    return "The models miss something that the next budget will show more of."
