"""A study's folder of runs. The folder is the truth; an index may be derived from it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from isoflop.errors import InputError, StoreError
from isoflop.store.files import guard
from isoflop.store.index import Curve, Index
from isoflop.store.lock import Lock
from isoflop.store.points import read_points
from isoflop.store.records import read_run, read_spec, write_spec
from isoflop.store.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from isoflop.design.spec import RunSpec
    from isoflop.runs.run import Point, Run
    from isoflop.runs.table import RunTable

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Store:
    """The runs of a study: `runs/<id>/` with spec.json, points.jsonl, run.json, checkpoint.pt.

    Reading needs no lock and works while others write. Nothing is created before the first
    write.

    Args:
        path: the study's folder.

    Raises:
        StoreError: (every method) a file is malformed or of an unknown schema, or the folder
            cannot be read or written; the message names the file and what to do.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.folder = self.path / "runs"

    def run_folder(self, id: str) -> Path:  # noqa: A002
        """Return the folder of a run, whether or not it exists."""
        if not _ID.fullmatch(id):
            raise InputError(f"`{id}` is not the id of a run.")
        return self.folder / id

    def ids(self) -> list[str]:
        """Return the ids of all runs, asked for or made, in order."""
        with guard("read", self.folder):
            try:
                with os.scandir(self.folder) as entries:
                    return sorted(e.name for e in entries if e.is_dir() and _ID.fullmatch(e.name))
            except FileNotFoundError:
                return []

    def require(self) -> Store:
        """Return this store if it holds a study.

        Raises:
            StoreError: there is no such folder, or no run in it.
        """
        if not self.ids():
            what = "holds no runs" if self.path.is_dir() else "does not exist"
            raise StoreError(
                f"{self.path} {what}.",
                "A study is a folder with `runs/<id>/run.json` in it.",
                f"Make one:  isoflop study --out {self.path}",
            )
        return self

    def add(self, specs: Iterable[RunSpec]) -> None:
        """Record what is asked for; the first labels (budget, role) of a setup stay."""
        for spec in specs:
            path = self.run_folder(spec.id) / "spec.json"
            if read_spec(path) is None:
                with guard("make", path.parent):
                    path.parent.mkdir(parents=True, exist_ok=True)
                write_spec(path, spec)

    def spec(self, id: str) -> RunSpec | None:  # noqa: A002
        """Return what was asked for under an id, or None."""
        return read_spec(self.run_folder(id) / "spec.json")

    def specs(self) -> list[RunSpec]:
        """Return everything that was asked for, in order of ids."""
        return [spec for id in self.ids() if (spec := self.spec(id)) is not None]  # noqa: A001

    def run(self, id: str) -> Run | None:  # noqa: A002
        """Return the outcome of a run, or None while it has none."""
        return read_run(self.run_folder(id) / "run.json")

    def runs(self) -> list[Run]:
        """Return every finished or failed run, in order of ids."""
        return [run for id in self.ids() if (run := self.run(id)) is not None]  # noqa: A001

    def points(self, id: str) -> list[Point]:  # noqa: A002
        """Return the curve of a run so far, in order of steps (see `read_points`)."""
        return read_points(self.run_folder(id) / "points.jsonl")

    def curve(self, id: str) -> Curve:  # noqa: A002
        """Return the curve of a run as columns, NaN where a value was not taken."""
        return Curve.from_points(self.points(id))

    def curves(self) -> dict[str, Curve]:
        """Return the curve of every run that has one, by id; fast through the index."""
        return Index(self.path / "index.sqlite").curves(self.folder, self.ids())

    def writer(self, id: str, *, wait: float = 10.0) -> RunWriter:  # noqa: A002
        """Return the writer of a run, to be used as a context: one writer a run."""
        return RunWriter(self.run_folder(id), wait=wait)

    def exclusive(self, *, wait: float = 5.0) -> Lock:
        """Return the lock of the whole study, for a command that runs its sweep."""
        with guard("make", self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        return Lock(self.path / "lock", wait=wait)

    def todo(self, specs: Iterable[RunSpec], *, retry_failed: bool = False) -> list[RunSpec]:
        """Return the specs that have no outcome yet, each setup once.

        Args:
            specs: what is wanted.
            retry_failed: count failed runs as not done.
        """
        wanted = {spec.id: spec for spec in reversed(list(specs))}
        return [spec for spec in reversed(wanted.values()) if self._open(spec.id, retry_failed)]

    def columns(self) -> dict[str, np.ndarray]:
        """Return finished and failed runs as columns [run]; none where there is no run."""
        runs = self.runs()
        return dict(self._table(runs).columns) if runs else {}

    def table(self) -> RunTable:
        """Return finished and failed runs as a table (see `RunTable.from_runs`).

        Raises:
            StoreError: there is no such folder, or no run has an outcome yet.
        """
        runs = self.require().runs()
        if not runs:
            raise StoreError(
                f"{self.path}: none of its {len(self.ids())} runs has an outcome yet.",
                "There is nothing to make a table of.",
                f"Go on with it:  isoflop study --out {self.path}",
            )
        return self._table(runs)

    def _table(self, runs: list[Run]) -> RunTable:
        from isoflop.runs.table import RunTable

        return replace(RunTable.from_runs(runs), source=str(self.path))

    def _open(self, id: str, retry_failed: bool) -> bool:  # noqa: A002
        run = self.run(id)
        return run is None or (retry_failed and run.status == "failed")
