"""What is said about test-time compute: curves, and what to run for a budget."""

from __future__ import annotations

import msgspec

from isoflop.samples import Estimate


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy of one model at k samples a problem, as fractions.

    Args:
        k: samples; cost: what they cost for one problem, None if no cost was stated.
        observed: coverage (pass@k), unbiased from the attempts; None beyond the fewest attempts.
        predicted: coverage by the fitted distribution of success rates, or the stated law.
        power: coverage by the exponentiated power law through the observed curve.
        majority: accuracy of a majority vote, unbiased from the answers.
        weighted: accuracy of a vote weighted by scores, unbiased from answers and scores.
        best: accuracy of the best-scored sample, unbiased from the scores.
        verified: accuracy with the stated verifier, by the fitted distribution.
    """

    k: int
    cost: float | None = None
    observed: Estimate | None = None
    predicted: Estimate | None = None
    power: Estimate | None = None
    majority: Estimate | None = None
    weighted: Estimate | None = None
    best: Estimate | None = None
    verified: Estimate | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one model.

    Args:
        name: its label, "" if there is one only.
        problems: number of problems; solved: those that some attempt solved.
        attempts: fewest and most attempts at a problem; None for stated constants.
        families: parameters of each fitted distribution of success rates.
        family_weights: Akaike weight of each family.
        power: A and B of the power law.
        points: accuracy by k.
        reach: samples at which predicted coverage reaches the wanted one; None if not asked for.
            An infinite estimate or end is None: it is not reached.
    """

    name: str
    problems: int | None
    solved: int | None
    attempts: tuple[int, int] | None
    families: dict[str, dict[str, Estimate]]
    family_weights: dict[str, float]
    power: dict[str, Estimate] | None
    points: tuple[Point, ...]
    reach: Reach | None = None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Samples needed for a coverage.

    Args:
        coverage: the wanted one; k: samples [estimate]; None if it is not reached.
        interval: of k; an end that is None is open.
        highest: coverage that a trillion samples reach, the most there is.
    """

    coverage: float
    k: float | None
    interval: tuple[float | None, float | None] | None
    highest: float


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One way to spend a budget a problem.

    Args:
        model: label; k: samples; cost: of those; accuracy: with the chosen selector; best_share:
            share of the samples in which no other option is better, None without samples.
    """

    model: str
    k: int
    cost: float
    accuracy: Estimate
    best_share: float | None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """From this budget on (until the next step) a model is the best choice.

    Args:
        budget: a problem; model: label; k: samples; accuracy: there.
    """

    budget: float
    model: str
    k: int
    accuracy: float


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Compute-optimal inference: which model, how many samples.

    Args:
        budget: for one problem, in `unit`; unit: of costs, as it was stated.
        selector: how one answer is chosen from the samples.
        options: one a model that the budget can pay for, the best first.
        frontier: the best choice by budget, up to the given one.
    """

    budget: float
    unit: str
    selector: str
    options: tuple[Option, ...]
    frontier: tuple[Step, ...]


class Inference(msgspec.Struct, frozen=True, kw_only=True):
    """Test-time compute of one or more models.

    Args:
        models: what is known of each.
        choice: what to run for the budget; None without costs and a budget.
        level: of the intervals; samples: number of resamples of problems; seed: of them.
        warnings: what may make the answer wrong.
    """

    models: tuple[Model, ...]
    choice: Choice | None
    level: float
    samples: int
    seed: int
    warnings: tuple[str, ...]
