"""Checkpoints: written whole or not at all, read without unpickling objects."""

from __future__ import annotations

import contextlib
import os
import time
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch

from isoflop.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = "isoflop.checkpoint/1"


def save(path: Path, setup_id: str, state: dict[str, Any]) -> None:
    """Write a checkpoint: temporary file in the same folder, fsync, rename.

    Args:
        path: of the checkpoint; its folder must exist.
        setup_id: identity of the run that it belongs to.
        state: tensors, numbers, text, and lists and dictionaries of them.

    Raises:
        StoreError: the folder is full or cannot be written; an older checkpoint stays.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            torch.save({"schema": SCHEMA, "setup": setup_id, "state": state}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise StoreError(
            f"the checkpoint {path} cannot be written: {error}.",
            "Without it an interrupted run starts again from its first step.",
            "Free some space, or take another --out.",
        ) from error


def load(path: Path, setup_id: str) -> dict[str, Any] | None:
    """Return the state saved at `path`, or None if there is no file.

    Raises:
        StoreError: the file cannot be read, or belongs to another run or version.
    """
    try:
        document = torch.load(path, weights_only=True)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, EOFError, ValueError, UnpicklingError) as error:
        raise StoreError(
            f"the checkpoint {path} cannot be read: {type(error).__name__}.",
            do=f"Delete it, and the run starts again:  rm {path}",
        ) from error
    found = (document.get("schema"), document.get("setup"))
    if found != (SCHEMA, setup_id):
        raise StoreError(
            f"the checkpoint {path} is of {found[1]} ({found[0]}), not of {setup_id} ({SCHEMA}).",
            "Resuming it would mix two runs.",
            f"Delete it, and the run starts again:  rm {path}",
        )
    return document["state"]


class Saver:
    """Writes checkpoints of a run, every so many seconds of the wall clock.

    Args:
        path: of the checkpoint; None for none.
        run: id of the run.
        seconds: between two.
        before: called before each.
    """

    def __init__(
        self, path: Path | None, run: str, seconds: float, before: Callable[[], None]
    ) -> None:
        self.path, self.run, self.seconds, self.before = path, run, seconds, before
        self.saved = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last one is old enough."""
        return self.path is not None and time.monotonic() - self.saved > self.seconds

    def __call__(self, state: dict[str, Any]) -> None:
        """Write one, where there is a place for it."""
        if self.path is not None:
            self.before()
            save(self.path, self.run, state)
            self.saved = time.monotonic()
