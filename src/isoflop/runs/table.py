"""A table of runs: columns with units, and how they were counted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from isoflop.errors import ConventionError, InputError
from isoflop.runs.cells import not_numeric
from isoflop.runs.columns import KNOWN, as_column, check_lengths, is_missing, missing_column
from isoflop.runs.convention import UNSTATED, Convention

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from isoflop.runs.guess import Source
    from isoflop.runs.run import Run


@dataclass(frozen=True, eq=False, repr=False)
class RunTable:
    """Runs as columns; nothing in it can be changed, every method gives a new table.

    Args:
        columns: name -> array [run]: float64 for numbers (NaN where missing), object arrays
            of str for text ("" where missing).
        convention: how N, D, C and loss were counted.
        source: where the runs come from (path, citation).
        licence: of the data, where known.
        origin: standard name -> the column of the file that it was read from.
    """

    columns: Mapping[str, np.ndarray]
    convention: Convention = field(default_factory=Convention)
    source: str = ""
    licence: str = ""
    origin: Mapping[str, Source] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = {name: as_column(name, values) for name, values in self.columns.items()}
        check_lengths(columns)
        object.__setattr__(self, "columns", MappingProxyType(columns))
        object.__setattr__(self, "origin", MappingProxyType(dict(self.origin)))

    @classmethod
    def from_columns(
        cls,
        mapping: Mapping[str, Any],
        *,
        convention: Convention | None = None,
        source: str = "",
        licence: str = "",
    ) -> RunTable:
        """Make a table from columns of equal length (arrays, lists).

        Raises:
            InputError: if lengths differ or a column is neither numbers nor text.
        """
        return cls(mapping, convention or Convention(), source, licence)

    @classmethod
    def from_frame(
        cls, frame: Any, *, convention: Convention | None = None, source: str = ""
    ) -> RunTable:
        """Make a table from a dataframe of any library that narwhals reads.

        Columns keep their names; `load` also maps them to the standard ones.
        """
        from isoflop.runs.frames import columns_of

        return cls(columns_of(frame), convention or Convention(), source)

    @classmethod
    def from_runs(cls, runs: Sequence[Run], *, N: str = "matrices+head") -> RunTable:
        """Make a table from our own runs; see `records.columns_of` for its columns."""
        from isoflop.runs import records

        convention = Convention(N=N, D="processed", C="exact", loss="nats/token")
        return cls(records.columns_of(runs, N), convention, "runs")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.resolve(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a column [run] by its standard name or its name in the file.

        Raises:
            InputError: if there is none, with the columns there are.
        """
        resolved = self.resolve(name)
        if resolved is None:
            raise missing_column(name, self.columns)
        return self.columns[resolved]

    def __repr__(self) -> str:
        return f"RunTable({len(self)} runs: {', '.join(self.columns)}; {self.convention})"

    def resolve(self, name: str) -> str | None:
        """Return the column that a standard name or a name in the file stands for."""
        if name in self.columns:
            return name
        names = (s for s, o in self.origin.items() if o.expression == name and s in self.columns)
        return next(names, None)

    @property
    def units(self) -> dict[str, str]:
        """Units of the columns that have one."""
        units = {name: KNOWN[name].unit for name in self.columns if name in KNOWN}
        if "loss" in units and self.convention.loss != UNSTATED:
            units["loss"] = self.convention.loss
        return {name: unit for name, unit in units.items() if unit}

    @cached_property
    def digest(self) -> str:
        """Return the sha256 over names, values and convention; column order does not matter."""
        state = hashlib.sha256(msgspec.json.encode(self.convention))
        for name in sorted(self.columns):
            column = self.columns[name]
            text = column.dtype.kind == "O"
            # NaN has many bit patterns and zero two; one of each goes into the digest.
            numbers = column if text else np.where(np.isnan(column), np.nan, column + 0.0)
            data = msgspec.json.encode(column.tolist()) if text else numbers.astype("<f8").tobytes()
            state.update(f"\0{len(name)}:{name}:{len(data)}\0".encode() + data)
        return state.hexdigest()

    def where(self, condition: str | np.ndarray) -> RunTable:
        """Return the runs that meet a condition.

        Args:
            condition: a mask [run], or text such as `"epoch_outlier == 0 and N > 1B"`.

        Raises:
            InputError: if the text cannot be read (with a caret) or the mask does not fit.
        """
        if isinstance(condition, str):
            from isoflop.runs.where import mask_of

            mask = mask_of(condition, self)
        else:
            mask = np.asarray(condition)
        if mask.dtype != bool or mask.shape != (len(self),):
            raise InputError(f"a mask of {len(self)} runs is needed, not {mask.dtype}{mask.shape}.")
        return self.take(np.flatnonzero(mask))

    def take(self, rows: np.ndarray) -> RunTable:
        """Return the rows with these indices [row], in this order, repeats allowed."""
        return self._with({name: column[rows] for name, column in self.columns.items()})

    def select(self, *names: str) -> RunTable:
        """Return a table of these columns only."""
        return self._with({name: self[name] for name in names})

    def with_columns(self, **arrays: Any) -> RunTable:
        """Return a table in which these columns [run] are added or replaced."""
        return self._with({**self.columns, **arrays})

    def state(self, **conventions: str) -> RunTable:
        """Return the same numbers with a convention said: `table.state(N="all")`.

        Raises:
            ConventionError: if the table already says otherwise.
            InputError: if it is not a convention.
        """
        for name, value in conventions.items():
            said = getattr(self.convention, name, UNSTATED)
            if said not in {UNSTATED, value}:
                raise ConventionError(
                    f"{name} is {said} in this table, not {value}.",
                    "Stating a convention does not change the numbers.",
                    f'Convert them:  isoflop.runs.combine.convert(table, {name}="{value}")',
                )
        return replace(self, convention=self.convention.saying(**conventions))

    def require(self, *names: str) -> None:
        """Check that columns are there and are numbers.

        Raises:
            InputError: naming the columns there are and the flag to paste, or the first cell
                that is not a number.
        """
        for name in names:
            column = self[name]
            if column.dtype.kind == "O":
                raise not_numeric(name, column)

    def require_one(self, name: str) -> str:
        """Return the single value of a column; "" if the table has no such column.

        Raises:
            ConventionError: if the runs differ in it, so that they do not fit together.
        """
        if name not in self:
            return ""
        values, counts = np.unique(self[name].astype(str), return_counts=True)
        if len(values) > 1:
            order = np.argsort(-counts, kind="stable")
            listed = ", ".join(f"{values[i][:24]} ({counts[i]} runs)" for i in order[:4])
            raise ConventionError(
                f"the runs have {len(values)} different values of `{name}`: {listed}.",
                "Runs that differ in it lie on different curves.",
                f"Take one:  --where \"{name} == '{values[order[0]]}'\"",
            )
        return str(values[0]) if len(values) else ""

    def to_dict(self) -> dict[str, list[Any]]:
        """Return name -> list of values; a missing number is NaN."""
        return {name: column.tolist() for name, column in self.columns.items()}

    def records(self) -> list[dict[str, Any]]:
        """Return one dict a run; a missing number is None."""
        lists = [
            [None if is_missing(cell) else cell for cell in column.tolist()]
            for column in self.columns.values()
        ]
        return [dict(zip(self.columns, row, strict=True)) for row in zip(*lists, strict=True)]

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame."""
        from isoflop.runs import frames

        return frames.to_pandas(self)

    def to_polars(self) -> Any:
        """Return a polars DataFrame."""
        from isoflop.runs import frames

        return frames.to_polars(self)

    def to_arrow(self) -> Any:
        """Return a pyarrow Table."""
        from isoflop.runs import frames

        return frames.to_arrow(self)

    def to_csv(self, path: str | Path) -> Path:
        """Write a CSV file that reads back to the same numbers, and return its path."""
        from isoflop.runs import frames

        return frames.to_csv(self, path)

    def _with(self, columns: Mapping[str, Any]) -> RunTable:
        return replace(self, columns=columns)
