"""Cherti et al. 2022: zero-shot error of contrastive models over compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit import fit
from isoflop.protocols.replay.part import Context, Found, Outcome
from isoflop.protocols.replay.result import Axis, Picture, Series

if TYPE_CHECKING:
    from isoflop.fit.result import Fit
    from isoflop.runs.table import RunTable

TABLE = "openclip-zeroshot"

#: Task -> data set and column of the error.
TASKS = {
    "imagenet": ("imagenet1k", "error_top1"),
    "coco": ("mscoco_captions", "error_retrieval_r5_image"),
}
_OPENAI = "CLIP-WIT"
#: Samples seen by their round name, as the authors' notebook takes them: examples times epochs.
_SEEN = {"3B": 80000415.0 * 32, "13B": 407332084.0 * 32, "34B": 407332084.0 * 84}
_BINS, _PAST = 5, 0.1  # equal bins in log10 C; the last ends so far past the largest C


def lines(context: Context) -> Outcome:
    """Exponents of LAION's envelope and of OpenAI's three models, on both tasks."""
    found, pictures = {}, []
    for task in TASKS:
        laion, openai = (_models(context, task, own) for own in (False, True))
        ours, theirs = _envelope(laion), _line(openai)
        found[f"{task}.laion"] = Found(ours.estimate["alpha"])
        found[f"{task}.wit"] = Found(theirs.estimate["alpha"])
        if task == "imagenet":
            pictures.append(_picture(laion, openai, ours, theirs))
    return Outcome(found, tuple(pictures))


def predictions(context: Context) -> Outcome:
    """Mean absolute error of predicted accuracy over the models, in points."""
    found = {f"{task}.mae": Found(_mean_error(_models(context, task))) for task in TASKS}
    models = _models(context, "imagenet")
    largest = int(np.argmax(models["C"]))
    rest = models.take(np.delete(np.arange(len(models)), largest))
    found["imagenet.largest"] = Found(float(_envelope(rest).point(C=models["C"][largest])))
    return Outcome(found)


def _models(context: Context, task: str, openai: bool = False) -> RunTable:
    """Return one task's models with C in GMACs and their error."""
    name, column = TASKS[task]
    sign = "==" if openai else "!="
    table = context.table(TABLE, f"downstream_dataset == '{name}' and corpus {sign} '{_OPENAI}'")
    return table.with_columns(C=table["gmacs_total"], error=table[column])


def _line(table: RunTable | dict[str, np.ndarray]) -> Fit:
    return fit(table, "openclip", noise="squared", output="error", profile=False)


def _envelope(table: RunTable) -> Fit:
    """Return the line through the lowest error of each bin, at the bin's middle."""
    x, error = np.log10(table["C"]), table["error"]
    edges = np.linspace(x.min(), x.max() + _PAST, _BINS + 1)
    bins = np.digitize(x, edges) - 1
    used = [k for k in range(_BINS) if np.any(bins == k)]
    middle = np.array([0.5 * (edges[k] + edges[k + 1]) for k in used])
    lowest = np.array([error[bins == k].min() for k in used])
    return _line({"C": 10**middle, "error": lowest})


def _mean_error(table: RunTable) -> float:
    """Return the mean over architecture and samples seen, best training set each, in points."""
    line = _envelope(table)
    keys = np.array(
        [f"{a}|{s}" for a, s in zip(table["arch"], table["samples_seen_pretty"], strict=True)]
    )
    off = []
    for key in np.unique(keys):
        rows = np.flatnonzero(keys == key)
        seen = table["gmacs"][rows[0]] * _SEEN[str(table["samples_seen_pretty"][rows[0]])]
        off.append(abs(float(line.point(C=seen)) - table["error"][rows].min()))
    return 100 * float(np.mean(off))


def _picture(laion: RunTable, openai: RunTable, ours: Fit, theirs: Fit) -> Picture:
    C = np.geomspace(laion["C"].min(), laion["C"].max(), 40)
    series = []
    for table, line, name, role in (
        (laion, ours, "LAION", "approach3"),
        (openai, theirs, "OpenAI's WIT", "approach2"),
    ):
        points = {"x": tuple(table["C"].tolist()), "y": tuple(table["error"].tolist())}
        drawn = tuple(np.asarray(line.point(C=C)).tolist())
        series.append(Series(name=name, role=role, x=tuple(C.tolist()), y=drawn))
        series.append(Series(name="", role=role, mode="markers", x=points["x"], y=points["y"]))
    return Picture(
        name="imagenet",
        title="ImageNet error over compute: the slope belongs to the data",
        caption=(
            "Zero-shot top-1 error of CLIP models trained on LAION and on OpenAI's data. Lines "
            "are power laws, LAION's through the best model of each of five bins of compute."
        ),
        x=Axis(title="total forward GMACs (log scale)", kind="flops"),
        y=Axis(title="zero-shot top-1 error"),
        series=tuple(series),
    )


PARTS = {"lines": lines, "predictions": predictions}
