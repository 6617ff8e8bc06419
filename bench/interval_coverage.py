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
import sys
import time
import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from coverage_figure import coverage_figure
from holdout_cases import Case, cases
from isoflop import __version__
from isoflop.errors import IsoflopError
from isoflop.laws.resolve import resolve
from isoflop.samples import interval
from isoflop.validate import past
from isoflop.validate.ensemble import ensemble, folds_of
from isoflop.validate.prediction import predict
from isoflop.validate.rolling import Fold, How, inputs_of
from isoflop.validate.split import size_of, splits, with_compute
from isoflop.validate.widening import Prior, fit_prior, learn, log_likelihood, middle, update

SAMPLES = 400
FEWEST = 3
#: How the error of the form grows, and whether a table's origins count as one, by kind of laws
#: (others: in proportion to the decades, each origin for itself). Chosen among four powers and four
#: weights by coverage on these very hold-outs; docs/log.md has the coverage with both chosen anew
#: without each family, which differs by a point.
START = {"N, D, C": Prior(scale=(1.4, 0.5), kappa=(0.2, 1.0), growth=0.5, once=True)}
Shares = list[dict[str, tuple[float, ...]]]


@dataclass(frozen=True)
class Measured:
    """What the training rows of a case gave, and the held-out losses.

    Args:
        observed: held-out losses [run]; distance: decades [run].
        plain, run: samples of mean and run, by "one" (the first law) and "all" [sample, run].
        reach, weights, point: by "one" and "all"; folds: rolling origins in the training rows.
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
    folds: list[Fold]
    weights: dict[str, dict[str, float]]
    point: np.ndarray
    seconds: float

    def likelihoods(self, growth: float) -> list[np.ndarray]:
        """Return the likelihoods of the folds for all laws together."""
        each = (log_likelihood(f, self.weights["all"], growth) for f in self.folds)
        return [x for x in each if x is not None]


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
        flat = update(Prior(scale=(1.0, 0.1), kappa=(0.1, 1.0)), [])
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
        folds=folds,
        weights={k: e.weights for k, e in groups.items()},
        point=found["all"].point,
        seconds=time.process_time() - start,
    )


def prior_of(found: list[Measured], kind: str, without: str = "") -> Prior:
    """Learn a kind's prior from the rolling origins of all its families but one.

    Where a kind has fewer families than `FEWEST`, those of all kinds are taken.
    """
    families = {m.family for m in found if m.kind == kind} - {without}
    start = START.get(kind)
    growth = 1.0 if start is None else start.growth
    likelihoods: dict[str, list[list[np.ndarray]]] = defaultdict(list)
    for m in found:
        same = m.kind == kind or len(families) < FEWEST
        if same and m.family != without and (own := m.likelihoods(growth)):
            likelihoods[m.family].append(own)
    return fit_prior(likelihoods, start)


def covered(m: Measured, prior: Prior) -> tuple[dict[str, tuple[float, ...]], dict[str, float]]:
    """Return the share of held-out runs inside each method's intervals, and their widths.

    Shares are at each of the nominal levels, the median width relative to the loss at 90 %.
    """

    def wide(group: str, own: bool = True) -> np.ndarray:
        width = learn(prior, m.folds if own else [], m.weights[group])
        centre = middle(m.plain[group])
        return width.widen(m.run[group], centre, m.reach[group], m.distance, logs=True, seed=0)

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
        for method in past.METHODS:
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
    parser.add_argument("--only", default="", help="cases whose family and name contain this")
    parser.add_argument("--figure", type=Path, help="write coverage over level as SVG")
    arguments = parser.parse_args()
    chosen = [c for c in cases(arguments.data) if arguments.only in f"{c.family} {c.name}"]
    with concurrent.futures.ProcessPoolExecutor(arguments.workers) as pool:
        futures = [
            pool.submit(_measure, arguments.data, i, arguments.only) for i in range(len(chosen))
        ]
        every = []
        for i, future in enumerate(futures):
            every.append(future.result())
            if i % 20 == 19:
                print(f"{i + 1} of {len(futures)}", file=sys.stderr)
    found = [m for m in every if isinstance(m, Measured)]
    for text in (m for m in every if isinstance(m, str)):
        print("left out:", text)
    pairs = sorted({(m.kind, m.family) for m in found})
    priors = {pair: prior_of(found, *pair) for pair in pairs}
    for pair, prior in priors.items():
        print(
            "prior for", *pair, *(tuple(round(x, 3) for x in y) for y in (prior.scale, prior.kappa))
        )
    both = [covered(m, priors[m.kind, m.family]) for m in found]
    shares, widths = [s for s, _ in both], [w for _, w in both]
    for m, s in zip(found, shares, strict=True):
        error = np.sqrt(np.mean(np.log(m.observed / m.point) ** 2))
        print(
            f"{m.name}, {m.holdout}: {len(m.observed)} runs, {np.median(m.distance):.2f} decades,"
            f" rms {error:.4f}, folds {len(m.folds)}, {m.seconds:.1f} s, "
            + ", ".join(f"{k} {v[2]:.2f}" for k, v in s.items())
        )
    table_of(found, shares, widths)
    if arguments.write:
        write(found, shares)
    if arguments.figure:
        arguments.figure.write_text(figure(shares), encoding="utf-8")


def _measure(folder: Path, index: int, only: str) -> Measured | str:
    warnings.simplefilter("ignore")
    chosen = [c for c in cases(folder) if only in f"{c.family} {c.name}"]
    return measure(chosen[index])


def write(found: list[Measured], shares: Shares) -> None:
    """Store the priors and the record of past hold-outs."""
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
    kinds = sorted({m.kind for m in found})
    many = [k for k in kinds if len({m.family for m in found if m.kind == k}) >= FEWEST]
    priors = {kind: prior_of(found, kind) for kind in [*many, "all"]}
    record = past.Past(priors=priors, holdouts=holdouts, made=made)
    past.FILE.write_bytes(compact(msgspec.to_builtins(record)))
    print("wrote", past.FILE)
    print({k: (p.scale, p.kappa) for k, p in priors.items()})


def compact(record: dict[str, Any]) -> bytes:
    """Return the record as JSON with a line a hold-out."""
    lines = [msgspec.json.encode(h).decode() for h in record.pop("holdouts")]
    head = msgspec.json.encode(record).decode()
    return (head[:-1] + ',"holdouts":[\n' + ",\n".join(lines) + "\n]}\n").encode()


def figure(shares: Shares) -> str:
    """Return the figure of coverage, the mean over all hold-outs."""
    names = {
        "samples": "bootstrap, mean",
        "samples and noise": "bootstrap and run noise",
        "widened": "widened (shipped)",
    }
    observed = {
        title: np.mean([s[method] for s in shares], axis=0).tolist()
        for method, title in names.items()
    }
    text = f"Observed over nominal coverage of {len(shares)} public hold-outs"
    return coverage_figure(past.LEVELS, observed, text)


if __name__ == "__main__":
    main()
