"""What a study found: one document, and all that a report is made of."""

from __future__ import annotations

from typing import Any

import msgspec

from isoflop.runs.finding import Finding
from isoflop.samples import Estimate
from isoflop.validate.audit.record import Skipped
from isoflop.validate.scores import Errors

SCHEMA = "isoflop.study/1"


class PowerLawFit(msgspec.Struct, frozen=True, kw_only=True):
    """y = coefficient * C**exponent, with the band to draw it: C, median, low, high.

    An end of the band that is open is None; `holds` says what the band holds.
    """

    exponent: Estimate
    coefficient: Estimate
    C: list[float] = []
    median: list[float] = []
    low: list[float | None] = []
    high: list[float | None] = []
    holds: str = ""


class Optimum(msgspec.Struct, frozen=True, kw_only=True):
    """The compute-optimal point of one budget, or why there is none.

    Args:
        budget: nominal FLOPs; C: mean exact FLOPs of the runs used.
        status: "ok", "edge" (the best run is the smallest or largest), "not convex",
            "too few" (fewer than two runs on a side of the minimum), "not identified" (most
            samples have none).
        N, D, loss: estimates at the minimum; None unless status is "ok".
        runs: ids of the runs used; curve_N, curve_loss: the fitted profile for a figure.
        rms: residual of the profile, nats per token; None where it meets every run.
        bias_N: known relative bias of the profile's N* for this grid (`fit.shapes`).
    """

    budget: float
    C: float
    status: str
    reason: str = ""
    N: Estimate | None = None
    D: Estimate | None = None
    loss: Estimate | None = None
    runs: list[str] = []
    curve_N: list[float] = []
    curve_loss: list[float] = []
    rms: float | None = None
    bias_N: float | None = None


class Approach(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three approaches: N* and D* as power laws of C, with its own details.

    `ok` is False when the approach could not answer; `notes` then say why. `residuals` are
    observed minus fitted loss by run, nats per token.
    """

    name: str
    title: str
    ok: bool
    N_exponent: Estimate | None = None
    D_exponent: Estimate | None = None
    N_opt: PowerLawFit | None = None
    D_opt: PowerLawFit | None = None
    loss_opt: PowerLawFit | None = None
    optima: list[Optimum] = []
    parameters: dict[str, Estimate] = {}
    identified: dict[str, bool] = {}
    residuals: dict[str, float] = {}
    envelope: dict[str, list[float]] = {}
    details: dict[str, Any] = {}
    notes: list[str] = []


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One held-out run: observed loss, and what each model predicted before seeing it."""

    id: str
    N: float
    D: float
    C: float
    observed: float
    predicted: float
    interval: tuple[float | None, float | None]
    covered: bool
    by_model: dict[str, Estimate] = {}
    baselines: dict[str, float] = {}


class Heldout(msgspec.Struct, frozen=True, kw_only=True):
    """Prediction of the largest budget from the smaller ones.

    predicted, interval, observed and covered are those of the best held-out run; `cells` has all.
    An end of an interval that is None is open: such an interval holds whatever comes.
    coverage is the share of the held-out runs inside their intervals. errors are of the
    prediction and of each model, skill is 1 - rms log error over that of each baseline.
    """

    budget: float
    level: float
    predicted: float
    interval: tuple[float | None, float | None]
    observed: float
    covered: bool
    fitted_budgets: list[float]
    decades: float
    cells: list[Cell]
    coverage: float
    errors: dict[str, Errors] = {}
    skill: dict[str, dict[str, float]] = {}
    notes: list[str] = []


class PlanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What to train with a larger budget.

    Args:
        C: the budget, exact training FLOPs; decades: log10 of C over the largest fitted C.
        N, D, loss: choice with intervals (all models' samples together); each says what it holds.
        loss_unit: of the loss; "" if the runs do not say.
        sampling: intervals of N, D and tokens per parameter with the models taken as right.
        by_model: the same per model: {"approach2": {"N": Estimate, ...}, ...}.
        flat: ranges of N that cost less than 0.1 % and 1 % in loss: {"0.1%": (low, high), ...}.
        curve: loss against N at this budget: N, median, low, high (for a figure).
    """

    C: float
    decades: float
    level: float
    convention: str
    N: Estimate
    D: Estimate
    loss: Estimate
    tokens_per_parameter: Estimate
    by_model: dict[str, dict[str, Estimate]] = {}
    flat: dict[str, tuple[float, float]] = {}
    curve: dict[str, list[float]] = {}
    warnings: list[str] = []
    loss_unit: str = "nats/token"
    sampling: dict[str, tuple[float | None, float | None]] = {}


class StudyResult(msgspec.Struct, frozen=True, kw_only=True):
    """The whole study.

    Args:
        question: what was asked, one sentence.
        settings: budgets, sizes, seed, level, workers, quick, convention, ...
        runs: {"finished": n, "failed": n}.
        table: the run table as columns (name -> list), one row a run.
        curves: run id -> {"C", "tokens", "train_loss", "val_C", "val_loss", "val_tokens"} (lists).
        approach1, approach2, approach3: the three approaches.
        conventions: N convention -> exponent of N*(C) under it (approach 2).
        disagreement: sentences about where the approaches differ beyond their intervals.
        heldout: held-out prediction, or None with a finding that says why.
        plan: the larger run, or None with a finding that says why.
        findings: the study's checks of itself (its audit), worst first.
        unchecked: checks that could not run, and why.
        corpus: name, digests, bytes, tokens.
        timing: where the time went, seconds of workers in disjoint parts, and of this process.
        provenance: versions, machine, command, seed, digests, started, finished.
        report: path of the HTML file, once written.
    """

    question: str
    settings: dict[str, Any]
    runs: dict[str, int]
    table: dict[str, list[Any]]
    curves: dict[str, dict[str, list[float]]]
    approach1: Approach
    approach2: Approach
    approach3: Approach
    conventions: dict[str, Estimate]
    disagreement: list[str]
    heldout: Heldout | None
    plan: PlanAnswer | None
    findings: list[Finding]
    corpus: dict[str, Any]
    timing: dict[str, float]
    provenance: dict[str, str]
    report: str = ""
    unchecked: list[Skipped] = []
    schema: str = SCHEMA
