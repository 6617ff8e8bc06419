"""Nominal against observed coverage of intervals on public tables with a natural hold-out.

    python bench/interval_coverage.py --data DIR [--write] [--workers 2] [--only TEXT]

Each case is fitted on its training rows only. The prior of the widening is learned from rolling
origins within training rows, without the family of tables that is being predicted; a held-out
loss is read once, to be counted as covered or not. `--write` stores the prior of all families and
the coverage of each hold-out in `src/isoflop/validate/past.json`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import time
import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from holdout_cases import Case, cases
from isoflop import __version__
from isoflop.errors import IsoflopError
from isoflop.laws.resolve import resolve
from isoflop.samples import interval
from isoflop.validate import past
from isoflop.validate.ensemble import ensemble, folds_of
from isoflop.validate.prediction import predict
from isoflop.validate.rolling import How, inputs_of
from isoflop.validate.split import size_of, splits, with_compute
from isoflop.validate.widening import Prior, fit_prior, log_likelihood, update, widen

SAMPLES = 400
Shares = list[dict[str, tuple[float, ...]]]
METHODS = ("samples", "samples and noise", "widened", "widened, one law", "prior only")


@dataclass(frozen=True)
class Measured:
    """What the training rows of a case gave, and the held-out losses.

    Args:
        observed: held-out losses [run]; distance: decades [run].
        plain, run: samples of mean and run, by "one" (the first law) and "all" [sample, run].
        reach, likelihoods, point: by "one" and "all".
    """

    name: str
    family: str
    kind: str
    holdout: str
    laws: tuple[str, ...]
    observed: np.ndarray
    distance: np.ndarray
    plain: dict[str, np.ndarray]
    run: dict[str, np.ndarray]
    reach: dict[str, np.ndarray]
    likelihoods: dict[str, list[np.ndarray]]
    point: np.ndarray
    seconds: float


def measure(case: Case) -> Measured | str:
    """Fit a case's training rows and predict the held-out ones; a text says why it cannot be."""
    start = time.process_time()
    table, _ = with_compute(case.table)
    laws = [resolve(text, columns=tuple(table.columns)) for text in case.laws]
    how = How(samples=SAMPLES)
    try:
        size = size_of(table, laws)
        (split,) = splits(table, size, case.holdout, least=len(laws[0].parameters) + 1)
        train = table.take(np.flatnonzero(split.train))
        test = table.take(np.flatnonzero(split.test))
        folds = folds_of(train, laws, how)
        groups = {
            "one": ensemble(train, laws[:1], how=how, folds=folds),
            "all": ensemble(train, laws, how=how, folds=folds),
        }
        inputs = {k: x for law in laws for k, x in inputs_of(law, test).items()}
        flat = update(Prior(centre=1.0, spread=1.0), [])
        found = {k: predict(e, train, widening=flat, **inputs) for k, e in groups.items()}
    except IsoflopError as error:
        return f"{case.name}, {case.holdout}: {error.what}"
    return Measured(
        name=case.name,
        family=case.family,
        kind=past.kind_of(laws[0]),
        holdout=case.holdout,
        laws=case.laws,
        observed=np.asarray(test["loss"], dtype=float),
        distance=found["all"].distance,
        plain={k: p.plain for k, p in found.items()},
        run={k: e.predict(new_run=True, **inputs) for k, e in groups.items()},
        reach={k: p.reach for k, p in found.items()},
        likelihoods={
            k: [x for f in folds if (x := log_likelihood(f, e.weights)) is not None]
            for k, e in groups.items()
        },
        point=found["all"].point,
        seconds=time.process_time() - start,
    )


def prior_without(found: list[Measured], family: str = "") -> Prior:
    """Learn the prior from the rolling origins of all families but one."""
    likelihoods: dict[str, list[np.ndarray]] = defaultdict(list)
    for m in found:
        if m.family != family and m.likelihoods["all"]:
            likelihoods[m.family].append(np.sum(m.likelihoods["all"], axis=0))
    return fit_prior(likelihoods)


def covered(m: Measured, prior: Prior) -> tuple[dict[str, tuple[float, ...]], dict[str, float]]:
    """Return the share of held-out runs inside each method's intervals, and their widths.

    Shares are at each of the nominal levels, the median width relative to the loss at 90 %.
    """

    def wide(group: str, own: bool = True) -> np.ndarray:
        width = update(prior, m.likelihoods[group] if own else [])
        return widen(m.run[group], m.reach[group], width, logs=True, seed=0)

    samples = {
        "samples": m.plain["one"],
        "samples and noise": m.run["one"],
        "widened": wide("all"),
        "widened, one law": wide("one"),
        "prior only": wide("one", own=False),
    }
    answer, widths = {}, {}
    for method, drawn in samples.items():
        ends = [interval(drawn, level) for level in past.LEVELS]
        low, high = ends[past.LEVELS.index(0.9)]
        widths[method] = float(np.median((high - low) / m.point))
        answer[method] = tuple(
            float(np.mean((low <= m.observed) & (m.observed <= high))) for low, high in ends
        )
    return answer, widths


def table_of(found: list[Measured], shares: Shares, widths: list[dict[str, float]]) -> None:
    """Print coverage and relative width by kind and distance, mean and median over hold-outs."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, m in enumerate(found):
        groups[f"{m.kind}: {past.band(float(np.median(m.distance)))}"].append(i)
        groups[f"{m.kind}"].append(i)
        groups["all"].append(i)
    levels = " / ".join(f"{100 * x:g}" for x in past.LEVELS)
    print(f"| hold-outs | number | method | covered at {levels} % | median width at 90 % |")
    print("| --- | --- | --- | --- | --- |")
    for name in sorted(groups):
        for method in METHODS:
            mean = np.mean([shares[i][method] for i in groups[name]], axis=0)
            text = " / ".join(f"{100 * x:.0f}" for x in mean)
            width = 100 * float(np.median([widths[i][method] for i in groups[name]]))
            print(f"| {name} | {len(groups[name])} | {method} | {text} | {width:.1f} % |")


def main() -> None:
    """Measure, print, and with --write store."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    chosen = [c for c in cases(arguments.data) if arguments.only in f"{c.family} {c.name}"]
    with concurrent.futures.ProcessPoolExecutor(arguments.workers) as pool:
        futures = [
            pool.submit(_measure, arguments.data, i, arguments.only) for i in range(len(chosen))
        ]
        every = [f.result() for f in futures]
    found = [m for m in every if isinstance(m, Measured)]
    for text in (m for m in every if isinstance(m, str)):
        print("left out:", text)
    priors = {family: prior_without(found, family) for family in {m.family for m in found}}
    both = [covered(m, priors[m.family]) for m in found]
    shares, widths = [s for s, _ in both], [w for _, w in both]
    for m, s in zip(found, shares, strict=True):
        error = np.sqrt(np.mean(np.log(m.observed / m.point) ** 2))
        print(
            f"{m.name}, {m.holdout}: {len(m.observed)} runs, {np.median(m.distance):.2f} decades,"
            f" rms {error:.4f}, folds {len(m.likelihoods['all'])}, {m.seconds:.1f} s, "
            + ", ".join(f"{k} {v[2]:.2f}" for k, v in s.items())
        )
    everything = prior_without(found)
    print({k: (round(p.centre, 3), round(p.spread, 2)) for k, p in priors.items()})
    print("prior of all:", everything)
    table_of(found, shares, widths)
    if arguments.write:
        write(found, shares, everything)


def _measure(folder: Path, index: int, only: str) -> Measured | str:
    warnings.simplefilter("ignore")
    chosen = [c for c in cases(folder) if only in f"{c.family} {c.name}"]
    return measure(chosen[index])


def write(found: list[Measured], shares: Shares, prior: Prior) -> None:
    """Store the prior and the record of past hold-outs."""
    holdouts = tuple(
        past.PastHoldout(
            table=m.name,
            family=m.family,
            kind=m.kind,
            holdout=m.holdout,
            laws=m.laws,
            runs=len(m.observed),
            distance=round(float(np.median(m.distance)), 4),
            covered={k: tuple(round(x, 4) for x in v) for k, v in s.items()},
            error=round(float(np.sqrt(np.mean(np.log(m.observed / m.point) ** 2))), 5),
        )
        for m, s in zip(found, shares, strict=True)
    )
    made = {
        "version": __version__,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": "python bench/interval_coverage.py --data DIR --write",
    }
    record = past.Past(prior=prior, holdouts=holdouts, made=made)
    past.FILE.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    print("wrote", past.FILE)


if __name__ == "__main__":
    main()
