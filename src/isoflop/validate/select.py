"""Choose one law for a table, or for each group of it, from training rows alone.

Every law is fitted to a part of the training rows and predicts another part of them, as far away
as what will be asked of it; the smallest law that is not clearly worse than the best is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import InputError
from isoflop.fit.noise import parse_noise
from isoflop.fit.result import Fit
from isoflop.laws.resolve import resolve
from isoflop.runs.table import RunTable
from isoflop.runs.where import mask_of
from isoflop.validate.candidates import Candidate, choose, point_of, scores_of
from isoflop.validate.folds import labels_of, parts_of, rank_correlation
from isoflop.validate.generic import generic, numeric
from isoflop.validate.rolling import How
from isoflop.validate.split import usable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoflop.laws.law import Law

SCHEMA = "isoflop.selection/1"
#: Rank correlation with the input it goes with most above which a score is said to rise.
RISING = 0.3


class Selection(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A law chosen among several, fitted to all training rows.

    Args:
        chosen: name of the law; candidates: all laws, best score first.
        fits: by label of the group ("" without groups), one fit for each of `outputs`.
        outputs: columns that are predicted; group: column of labels, or "".
        noise: of the fits; along: column whose next larger values were predicted, or "" if parts
            were drawn at random; parts: number of parts predicted, over all groups.
        unit: what the standard error counts as one observation: "part", or "run" where there are
            fewer than six parts (then it is too small if the runs of a part miss together).
        runs: number of training rows that were used; note: which were left out, if any.
    """

    chosen: str
    candidates: tuple[Candidate, ...]
    fits: dict[str, tuple[Fit, ...]]
    outputs: tuple[str, ...]
    group: str
    noise: str
    along: str
    parts: int
    unit: str
    runs: int
    note: str = ""
    schema: str = SCHEMA

    def predict(self, table: RunTable | dict[str, Any]) -> np.ndarray:
        """Return the fits' point predictions, [run, output] in the order of `outputs`.

        Raises:
            InputError: if a run belongs to a group that had no training rows.
        """
        table = _table(table)
        labels = labels_of(table, self.group)
        if unknown := sorted(set(labels) - set(self.fits)):
            raise InputError(
                f"no law was fitted to {self.group} {', '.join(unknown[:3])}.",
                "Constants are fitted for each group, and this one had no training rows.",
            )
        found = np.empty((len(table), len(self.outputs)))
        for label, fits in self.fits.items():
            rows = np.flatnonzero(labels == label)
            if len(rows):
                found[rows] = np.stack([point_of(f, table.take(rows)) for f in fits], axis=1)
        return found

    def to_json(self) -> str:
        """Return the selection as one JSON document, fits included."""
        fits = {k: [msgspec.Raw(f.to_json().encode()) for f in x] for k, x in self.fits.items()}
        return msgspec.json.encode(msgspec.structs.asdict(self) | {"fits": fits}).decode()

    @classmethod
    def from_json(cls, document: bytes | str) -> Selection:
        """Read a selection from `to_json`.

        Raises:
            InputError: if the document is not a selection.
        """
        try:
            stored = msgspec.json.decode(document)
            if stored.get("schema") != SCHEMA:
                raise InputError(f"this has schema {stored.get('schema')}, not {SCHEMA}.")
            fits = {
                label: tuple(Fit.from_json(msgspec.json.encode(x)) for x in found)
                for label, found in stored.pop("fits").items()
            }
            plain = msgspec.convert(stored | {"fits": {}}, cls)
            return msgspec.structs.replace(plain, fits=fits)
        except (msgspec.MsgspecError, AttributeError, KeyError, TypeError) as error:
            raise InputError(f"this is not a selection: {error}.") from error


def select(
    table: RunTable | dict[str, Any],
    laws: Sequence[Law | str] = (),
    *,
    inputs: Sequence[str] = (),
    most: int | None = None,
    output: str | Sequence[str] = "loss",
    group: str = "",
    train: str = "",
    along: str = "",
    folds: str = "rolling",
    noise: str = "",
    bootstrap: int = 0,
    seed: int = 0,
) -> Selection:
    """Choose a law from training rows alone, and fit it to all of them.

    The score of a law is its mean squared error on parts of the training rows that it was not
    fitted to. Laws within one standard error of the best (of the paired difference) are taken for
    equally good; the one with the fewest parameters is chosen, then the one with the better score.

    Args:
        table: runs, or a mapping of columns.
        laws: registered names, compositions, formulas (`isoflop.laws.resolve`) or laws; if none is
            given general forms in `inputs` are compared (`isoflop.validate.generic`).
        inputs: columns of numbers that the output depends on; only where no law is given. Every
            column of numbers that varies if none is named.
        most: parameters that a law may have; any number if None.
        output: column that is predicted, or several, each with its own constants.
        group: column of labels; the constants are fitted for each label, the law is one for all.
        train: condition on the runs that may be looked at ("split == 'train'"); all if "".
        along: column along which the law will be extrapolated; if "" C, or the input that spans
            most decades.
        folds: "rolling": in every group each of the three largest values of `along` is predicted
            from the smaller ones (random parts where that gives one alone); "random": five random
            parts, for interpolation.
        noise: as in `isoflop.fit`; if "" "squared" (of logarithms) where all outputs are positive
            and "raw-squared" elsewhere. The score has the scale of its residuals.
        bootstrap: samples of the chosen law's fits; seed: of everything random.

    Raises:
        InputError: no law, an unknown name, a column that is missing, or too few runs or sizes.
        NotIdentified: if no law could be fitted in every part.

    Source: the rule of one standard error is that of Breiman et al. 1984 (p. 80), here with
        the paired difference in place of the score.
    """
    rows = _training(_table(table), train)
    outputs = (output,) if isinstance(output, str) else tuple(output)
    rising = [] if laws else _rising(rows, inputs, outputs, group)
    if not laws:
        laws = _general(rows, inputs, outputs, group)
    known = _few(_resolved(laws, rows, outputs), most)
    rows, noise, note = _usable(rows, known, outputs, noise)
    hows = [How(noise=noise, output=o, seed=seed) for o in outputs]
    parts, column = parts_of(rows, known, group=group, along=along, folds=folds, seed=seed)
    if folds == "rolling" and not column:
        few = "One part alone could be rolled along, which decides nothing: parts are random."
        note = " ".join(filter(None, (note, few)))
    note = " ".join(filter(None, (note, *rising)))
    candidates, unit = scores_of(rows, known, parts, hows)
    chosen = choose(candidates)
    law = next(law for law in known if law.name == chosen)
    labels = labels_of(rows, group)
    fits = {
        label: tuple(how.fit(rows.where(labels == label), law, bootstrap) for how in hows)
        for label in dict.fromkeys(labels)
    }
    return Selection(
        chosen=chosen,
        candidates=tuple(candidates),
        fits=fits,
        outputs=outputs,
        group=group,
        noise=noise,
        along=column,
        parts=len(parts),
        unit=unit,
        runs=len(rows),
        note=note,
    )


def _table(table: RunTable | dict[str, Any]) -> RunTable:
    return table if isinstance(table, RunTable) else RunTable.from_columns(table)


def _training(table: RunTable, train: str) -> RunTable:
    rows = table.where(mask_of(train, table)) if train else table
    if not len(rows):
        raise InputError(f"`{train}` is true of none of {len(table)} runs.", "Nothing to fit.")
    return rows


def _general(
    rows: RunTable, inputs: Sequence[str], outputs: Sequence[str], group: str
) -> list[Law]:
    """Return general forms in the inputs, or in all columns of numbers that vary."""
    smallest = int(np.unique(labels_of(rows, group), return_counts=True)[1].min())
    inputs = inputs or numeric(rows, {*outputs, group})
    return generic(rows, inputs, smallest=smallest, loss=_positive(rows, outputs))


def _rising(rows: RunTable, inputs: Sequence[str], outputs: Sequence[str], group: str) -> list[str]:
    """Say which outputs are scores below one that rise, where most general forms fall."""
    inputs = inputs or numeric(rows, {*outputs, group})
    labels = labels_of(rows, group)
    told = []
    for output in outputs:
        values = rows[output][np.isfinite(rows[output])]
        if not len(values) or values.min() < 0 or values.max() >= 1:
            continue
        ranks = [rank_correlation(rows[x], rows[output], labels) for x in inputs]
        if max(ranks, key=abs, default=0.0) > RISING:
            told.append(
                f"`{output}` rises, and most forms fall: choose for what it lacks of one as well:"
                f'  --column "error=1-{output}" --output error'
            )
    return told


def _few(laws: list[Law], most: int | None) -> list[Law]:
    """Return the laws with few enough parameters.

    Raises:
        InputError: there is none.
    """
    found = [law for law in laws if most is None or len(law.parameters) <= most]
    if not found:
        least = min(len(law.parameters) for law in laws)
        raise InputError(f"every law has more than {most} parameters; the smallest has {least}.")
    return found


def _resolved(laws: Sequence[Law | str], rows: RunTable, outputs: Sequence[str]) -> list[Law]:
    columns = tuple(name for name in rows if name not in outputs)
    found = [resolve(x, columns=columns) if isinstance(x, str) else x for x in laws]
    if not found or not outputs:
        raise InputError(
            f"{len(found)} laws are to be compared on {len(outputs)} outputs.",
            "One is chosen among those that are named.",
            "Name laws or inputs, and an output:  iso.select(table, inputs=['N', 'D'])",
        )
    return list({law.name: law for law in found}.values())


def _positive(rows: RunTable, outputs: Sequence[str]) -> bool:
    rows.require(*outputs)
    return all(np.all(rows[o][np.isfinite(rows[o])] > 0) for o in outputs)


def _usable(
    rows: RunTable, laws: Sequence[Law], outputs: Sequence[str], noise: str
) -> tuple[RunTable, str, str]:
    """Return the rows that have all values, the noise, and a sentence on what is left out."""
    noise = noise or ("squared" if _positive(rows, outputs) else "raw-squared")
    notes = []
    for output in outputs:
        rows, note = usable(rows, laws, output, logs=parse_noise(noise).logs)
        notes.append(note)
    return rows, noise, " ".join(filter(None, notes))
