"""`isoflop predict`: the loss of runs nobody has trained, with intervals that were tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from isoflop.cli import options as o
from isoflop.errors import InputError
from isoflop.units import format_count, parse_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoflop.validate.prediction import Prediction

EPILOG = """\b
Examples:
  isoflop predict runs.csv --at "N=70B,D=1.4T"
  isoflop predict runs.csv --law chinchilla --law kaplan --at "N=7B,D=2T" --at "N=70B,D=2T"
  isoflop predict fit.json --runs runs.csv --at "N=70B,D=1.4T" --json"""


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--at",
    "points",
    multiple=True,
    required=True,
    metavar="NAME=VALUE,...",
    help="A run to predict, with every input of the law; may be repeated.",
)
@o.laws_option
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    help="The runs that SOURCE, a fit, was fitted on: they tell distance and past misses.",
)
@o.noise_option
@o.output_option
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the prediction, samples too, as JSON."
)
@o.runs_options
@o.seed_option
@o.level_option
@o.json_flag
@click.pass_context
def command(ctx: click.Context, source: Path, **flags: Any) -> int:
    """Predict the loss of runs from SOURCE: runs (a study's folder, a table) or a fit's JSON.

    Laws are fitted to runs and weighed by how each predicted larger runs from smaller ones; without
    --law the usual forms for the runs' columns are taken. The interval holds the samples, the laws,
    the scatter of a single run, and an error of the form that grows with the distance from the
    runs; each line says how often such intervals held the truth on past hold-outs.
    """
    from isoflop.validate.prediction import predict
    from isoflop.validate.rolling import How

    at = points_of(flags["points"])
    level = flags["level"]
    if (known := fit_in(source)) is not None:
        for name in ("laws", "noise", "output"):
            if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
                raise InputError(f"{source} is a fit; its law, noise and output are chosen.")
        table = _table(flags["runs"], flags) if flags["runs"] else None
        answer = predict(known, table, level=level, **at)
    else:
        if flags["runs"]:
            raise InputError(f"{source} holds runs already.", do="Leave out --runs.")
        how = How(noise=flags["noise"], output=flags["output"], seed=flags["seed"], level=level)
        answer = predict(_table(source, flags), laws=flags["laws"], how=how, **at)
    if flags["as_json"]:
        o.print_json(document(answer))
    else:
        click.echo(text(answer))
    o.write(flags["out"], answer.to_json().encode())
    return 0


def points_of(texts: Sequence[str]) -> dict[str, Any]:
    """Read points such as "N=70B,D=1.4T" into one array by input; words stay words.

    Raises:
        InputError: if a point cannot be read, or points name different inputs.
    """
    import numpy as np

    points: list[dict[str, Any]] = []
    for text in texts:
        pairs = [part.partition("=") for part in text.split(",")]
        found = {name.strip(): _value(value.strip()) for name, sign, value in pairs if sign}
        if len(found) < len(pairs) or not all(found):
            raise InputError(f"`{text}` is not NAME=VALUE,...", do='--at "N=70B,D=1.4T"')
        points.append(found)
    if any(point.keys() != points[0].keys() for point in points):
        listed = "; ".join(", ".join(point) for point in points)
        raise InputError(f"the points name different inputs: {listed}.", do="Give each the same.")
    return {name: np.array([point[name] for point in points]) for name in points[0]}


def _value(text: str) -> float | str:
    if not text[:1].isdigit() and text[:1] not in ".-+":
        return text
    return parse_count(text)


def fit_in(path: Path) -> Any:
    """Return the fit or ensemble that a JSON file holds; None if the file is something else.

    Raises:
        InputError: if there is no such path, or the JSON is of another kind.
    """
    from isoflop.fit.result import Fit
    from isoflop.validate.ensemble import SCHEMA, Ensemble

    o.existing(path)
    if path.is_dir() or path.suffix != ".json":
        return None
    document = path.read_bytes()
    try:
        schema = msgspec.json.decode(document, type=_Schema).schema
    except msgspec.MsgspecError as error:
        raise InputError(
            f"{path} is not a fit: {error}.", do="isoflop fit runs.csv --out fit.json"
        ) from None
    return Ensemble.from_json(document) if schema == SCHEMA else Fit.from_json(document)


class _Schema(msgspec.Struct):
    schema: str


def _table(path: Path, flags: Mapping[str, Any]) -> Any:
    from isoflop.protocols.sources import points_of_one_law

    table = o.open_runs(path, flags)
    return points_of_one_law(table) if path.is_dir() else table


def document(answer: Prediction) -> dict[str, Any]:
    """Return a prediction as JSON types, without its samples."""
    return {
        "weights": answer.weights,
        "level": answer.level,
        "unit": answer.unit,
        "convention": answer.convention,
        "widening": {name: getattr(answer, name) for name in ("scale", "kappa", "growth", "folds")},
        "predictions": [_line(answer, i) for i in range(len(answer.coverage))],
        "notes": answer.notes,
    }


def _line(answer: Prediction, i: int) -> dict[str, Any]:
    def ends(of: str) -> list[float | None]:
        import math

        pair = (float(x.ravel()[i]) for x in answer.interval(of=of))
        return [x if math.isfinite(x) else None for x in pair]

    coverage = msgspec.to_builtins(answer.coverage[i])
    return {
        "inputs": {name: values[i] for name, values in answer.inputs.items()},
        "estimate": float(answer.point.ravel()[i]),
        "mean": ends("mean"),
        "new_run": ends("run"),
        "samples_only": ends("plain"),
        "distance": float(answer.distance.ravel()[i]),
        "coverage": coverage | {"text": str(answer.coverage[i])},
    }


def text(answer: Prediction) -> str:
    """Return a prediction as text, two lines a run."""
    share = f"{100 * answer.level:g} %"
    lines = [
        "laws: " + ", ".join(f"{name} ({100 * w:.0f} %)" for name, w in answer.weights.items()),
        f"unit: {answer.unit}; {share} intervals",
    ]
    for line in document(answer)["predictions"]:
        at = ", ".join(f"{k} = {_shown(v)}" for k, v in line["inputs"].items())
        run, mean, plain = (_ends(line[k]) for k in ("new_run", "mean", "samples_only"))
        lines += [
            f"{at}: {line['estimate']:.4f}   a new run {run}, the mean {mean}"
            f" (samples alone {plain})",
            f"  {line['distance']:.2f} decades outside the runs; {line['coverage']['text']}",
        ]
    lines.append(
        f"widened: samples and scatter {answer.scale:.2f} times, and {answer.kappa:.2f} of what the"
        " law moves in the first decade beyond its runs, growing as"
        f" decades^{answer.growth:g}, from {answer.folds} rolling origins and past predictions"
    )
    return "\n".join([*lines, *answer.notes])


def _ends(ends: list[float | None]) -> str:
    low, high = ("open" if x is None else f"{x:.4f}" for x in ends)
    return f"{low} to {high}"


def _shown(value: Any) -> str:
    return format_count(value) if isinstance(value, float) and value >= 1e3 else str(value)
