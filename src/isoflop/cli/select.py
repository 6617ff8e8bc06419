"""`isoflop select`: one law for a table, chosen from training rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isoflop.cli import options as o

if TYPE_CHECKING:
    import numpy as np

    from isoflop.runs.table import RunTable
    from isoflop.validate.select import Selection

EPILOG = """\b
Examples:
  isoflop select runs.csv --input N --input D --train "split == 'train'"
  isoflop select runs.csv --law chinchilla --law kaplan --group corpus --along N
  isoflop select mixtures.csv --folds random --output loss_code --output loss_web --most 7

\b
Rows that are not training are predicted after the choice; what was observed there has no part in
it and gives R2 (errors over the variance of these rows, all groups together)."""


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "inputs",
    multiple=True,
    help="Column of numbers the output depends on; may be repeated. All that vary without it.",
)
@click.option(
    "--law",
    "laws",
    multiple=True,
    help="A law to compare; may be repeated. General forms in the inputs without it.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    default=("loss",),
    show_default=True,
    help="Column that is predicted; may be repeated.",
)
@click.option("--group", default="", help="Column of labels, each with its own constants.")
@click.option("--train", default="", help="Condition that training rows meet; every row without.")
@click.option("--along", default="", help="Column that is extended; C or the widest without.")
@click.option(
    "--folds",
    type=click.Choice(["rolling", "random"]),
    default="rolling",
    show_default=True,
    help="How training rows are held out: the largest sizes, or at random.",
)
@click.option("--most", type=click.IntRange(min=1), help="Parameters that a law may have.")
@click.option(
    "--noise", default="", help="Objective; squared, of logarithms if outputs are positive."
)
@o.runs_options
@o.seed_option
@o.json_flag
def command(source: Path, **flags: Any) -> int:
    """Choose a law for SOURCE among several, from its training rows alone, and fit it.

    Each law predicts the largest training rows from the smaller ones; the smallest law that is
    not clearly worse than the best is taken, fitted to all training rows and shown with what it
    predicts of the others.
    """
    from isoflop.validate.select import select

    table = o.open_runs(source, flags)
    names = ("inputs", "group", "train", "along", "folds", "most", "noise", "seed")
    chosen = {name: flags[name] for name in names}
    found = select(table, flags["laws"], output=flags["outputs"], **chosen)
    answer = document(found, table, flags["train"])
    if flags["as_json"]:
        o.print_json(answer)
    else:
        click.echo(text(answer))
    return 0


def document(found: Selection, table: RunTable, train: str) -> dict[str, Any]:
    """Return a selection as JSON types, with its predictions of the rows that are not training."""
    import msgspec
    import numpy as np

    from isoflop.runs.where import mask_of
    from isoflop.validate.scores import r_squared

    held = ~mask_of(train, table) if train else np.zeros(len(table), dtype=bool)
    test = table.where(held)
    predicted = found.predict(test) if len(test) else np.empty((0, len(found.outputs)))
    observed = np.stack([np.asarray(test[name], dtype=float) for name in found.outputs], axis=1)
    known = np.isfinite(observed).all(axis=1) & np.isfinite(predicted).all(axis=1)
    scored = bool(known.any())
    return {
        "chosen": found.chosen,
        "outputs": found.outputs,
        "noise": found.noise,
        "along": found.along,
        "parts": found.parts,
        "unit": found.unit,
        "runs": found.runs,
        "note": found.note,
        "candidates": msgspec.to_builtins(found.candidates),
        "groups": _groups(found, test, np.flatnonzero(held), predicted, observed),
        "predicted": len(test),
        "r2": r_squared(observed[known], predicted[known]) if scored else None,
        "relative_error": float(np.mean(np.abs(predicted[known] / observed[known] - 1)))
        if scored and np.all(observed[known] != 0)
        else None,
    }


def _groups(
    found: Selection,
    test: RunTable,
    rows: np.ndarray,
    predicted: np.ndarray,
    observed: np.ndarray,
) -> list[dict[str, Any]]:
    import numpy as np

    from isoflop.validate.folds import labels_of

    labels = labels_of(test, found.group)

    def numbers(values: np.ndarray) -> dict[str, float | None]:
        pairs = zip(found.outputs, values.tolist(), strict=True)
        return {name: x if np.isfinite(x) else None for name, x in pairs}

    return [
        {
            "group": label,
            "constants": {
                name: fitted.estimate for name, fitted in zip(found.outputs, fits, strict=True)
            },
            "predictions": [
                {
                    "row": int(rows[i]),
                    "predicted": numbers(predicted[i]),
                    "observed": numbers(observed[i]),
                }
                for i in np.flatnonzero(labels == label)
            ],
        }
        for label, fits in found.fits.items()
    ]


def text(answer: dict[str, Any]) -> str:
    """Return a selection as text: the choice, the candidates, the score."""
    along = f"along {answer['along']}" if answer["along"] else "at random"
    lines = [
        f"chosen: {answer['chosen']}",
        f"{answer['runs']} training rows in {len(answer['groups'])} groups; {answer['parts']} parts"
        f" {along} were each predicted from others (standard errors by {answer['unit']})",
        f"{'parameters':>10} {'score':>10} {'excess':>10} {'error':>10}  law",
    ]
    for c in answer["candidates"]:
        if c["score"] is None:
            lines.append(f"{c['parameters']:>10} {'-':>10} {'-':>10} {'-':>10}  {c['law']}")
            lines.append(f"{'':>45}{c['reason']}")
            continue
        numbers = " ".join(f"{c[name]:>10.3g}" for name in ("score", "excess", "error"))
        lines.append(f"{c['parameters']:>10} {numbers}  {c['law']}")
    if len(answer["groups"]) == 1:
        for name, values in answer["groups"][0]["constants"].items():
            listed = ", ".join(f"{key} = {value:.4g}" for key, value in values.items())
            lines.append(f"{name}: {listed}")
    if answer["r2"] is not None:
        error = answer["relative_error"]
        lines.append(
            f"{answer['predicted']} other rows predicted: R2 {answer['r2']:.4f}"
            + ("" if error is None else f", mean relative error {100 * error:.2f} %")
        )
    return "\n".join(filter(None, [*lines, answer["note"]]))
