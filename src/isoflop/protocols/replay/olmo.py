"""Bhagia et al. 2024: task accuracy in two steps, fitted on the ladder's sixteen small models."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from isoflop.fit import fit
from isoflop.protocols.replay.part import Context, Found, Outcome
from isoflop.protocols.replay.result import Axis, Picture, Series

if TYPE_CHECKING:
    from isoflop.fit.result import Fit
    from isoflop.runs.table import RunTable

TABLE = "olmo-ladder-checkpoints"
_LAST, _SKIPPED = 5, 0.1  # checkpoints averaged; share of a run's first ones left out
#: N and tokens of the two target models.
TARGETS = {"7B": (6887575552.0, 3945065873408.0), "13B": (13202396160.0, 5000088518656.0)}


class Task(NamedTuple):
    """A task's columns, each with its weight."""

    parts: dict[str, float]

    def values(self, runs: RunTable, kind: str) -> np.ndarray:
        """Return the weighted mean of columns such as `eval/downstream_bpb/x_bpb` [row]."""
        folder, ending = ("downstream_bpb", "bpb") if kind == "loss" else ("downstream", "len_norm")
        total = sum(self.parts.values())
        columns = [
            weight * runs[f"eval/{folder}/{name}_{ending}"] for name, weight in self.parts.items()
        ]
        return np.sum(columns, axis=0) / total


_GROUPS = {"stem": 0.215, "humanities": 0.335, "social_sciences": 0.219, "other": 0.231}
TASKS = {
    "mmlu": Task({f"mmlu_{group}_test_rc_5shot": w for group, w in _GROUPS.items()}),
    "hellaswag": Task({"hellaswag_val_rc_5shot": 1.0}),
    "arc-challenge": Task({"arc_challenge_test_rc_5shot": 1.0}),
    "csqa": Task({"csqa_val_rc_5shot": 1.0}),
}


def task(name: str, context: Context) -> Outcome:
    """Both steps of one task, and its accuracy predicted for the targets."""
    runs = context.table(TABLE, "split == 'train'")
    loss, accuracy = _first(runs, TASKS[name]), _second(runs, TASKS[name])
    found = {f"{name}.{key}": Found(loss.estimate[key]) for key in ("alpha", "beta", "E")}
    found |= {f"{name}.{key}": Found(accuracy.estimate[key]) for key in ("L0", "k")}
    for target, (N, D) in TARGETS.items():
        predicted = float(loss.point(N=N, D=D))
        found[f"{name}.{target}"] = Found(float(accuracy.point(L=predicted)))
    pictures = (_picture(runs, accuracy),) if name == "hellaswag" else ()
    return Outcome(found, pictures)


def _first(runs: RunTable, wanted: Task) -> Fit:
    """Fit the task's loss over N and D at the end of each run, its last checkpoints averaged."""
    rows = [_ordered(runs, name) for name in dict.fromkeys(runs["run"])]
    losses = [wanted.values(runs, "loss")[order] for order in rows]
    table = {
        "N": np.array([runs["N"][order[-1]] for order in rows]),
        "D": np.array([runs["D"][order[-1]] for order in rows]),
        "loss": np.array([x[-_LAST:].mean() for x in losses]),
    }
    return fit(table, "task_loss", profile=False)


def _second(runs: RunTable, wanted: Task) -> Fit:
    """Fit accuracy over the task's loss at every checkpoint, smoothed, with the point (0, 1)."""
    x, y = _smoothed(runs, wanted)
    table = {"L": np.append(x, 0.0), "accuracy": np.append(y, 1.0)}
    return fit(table, "sigmoid_accuracy", noise="raw-squared", output="accuracy", profile=False)


def _smoothed(runs: RunTable, wanted: Task) -> tuple[np.ndarray, np.ndarray]:
    """Return loss and accuracy of all runs' later checkpoints, each a mean of the last five."""
    pairs = []
    for name in dict.fromkeys(runs["run"]):
        order = _ordered(runs, name)
        kept = order[int(np.ceil(_SKIPPED * len(order))) :]
        pairs.append([_trailing(wanted.values(runs, kind)[kept]) for kind in ("loss", "accuracy")])
    x, y = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return x, y


def _ordered(runs: RunTable, name: str) -> np.ndarray:
    rows = np.flatnonzero(runs["run"] == name)
    return rows[np.argsort(runs["D"][rows])]


def _trailing(x: np.ndarray) -> np.ndarray:
    """Return the mean of each value and the four before it, of fewer at the start."""
    total = np.cumsum(x)
    counts = np.minimum(np.arange(1, len(x) + 1), _LAST)
    before = np.concatenate([np.zeros(_LAST), total])[: len(x)]
    return (total - before) / counts


def _picture(runs: RunTable, accuracy: Fit) -> Picture:
    x, y = _smoothed(runs, TASKS["hellaswag"])
    L = np.linspace(0.5, float(x.max()), 80)
    line = tuple(np.asarray(accuracy.point(L=L)).tolist())
    step = max(1, len(x) // 300)
    points = {"x": tuple(x[::step].tolist()), "y": tuple(y[::step].tolist())}
    return Picture(
        name="hellaswag",
        title="HellaSwag: accuracy over the loss on the right answer",
        caption=(
            "Points are checkpoints of the sixteen small models; the line is the second step's "
            "sigmoid. The targets lie to its left, where only the point at zero loss holds it."
        ),
        x=Axis(title="loss on the right answer, bits a byte"),
        y=Axis(title="accuracy"),
        series=(
            Series(
                name="checkpoints", role="neutral", mode="markers", x=points["x"], y=points["y"]
            ),
            Series(name="second step", role="approach3", x=tuple(L.tolist()), y=line),
        ),
    )


def mmlu(context: Context) -> Outcome:
    """MMLU, a weighted mean of four groups."""
    return task("mmlu", context)


def hellaswag(context: Context) -> Outcome:
    """HellaSwag."""
    return task("hellaswag", context)


def arc_challenge(context: Context) -> Outcome:
    """ARC-Challenge."""
    return task("arc-challenge", context)


def csqa(context: Context) -> Outcome:
    """CommonsenseQA."""
    return task("csqa", context)


PARTS = {"mmlu": mmlu, "hellaswag": hellaswag, "arc-challenge": arc_challenge, "csqa": csqa}
