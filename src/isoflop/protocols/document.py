"""A study's document: what it was made of and with, how long it took, where it is kept."""

from __future__ import annotations

import platform
import shlex
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from isoflop import __version__
from isoflop.errors import InputError
from isoflop.protocols.result import StudyResult
from isoflop.store import write_atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from isoflop.protocols.settings import StudySettings
    from isoflop.runs.run import Run
    from isoflop.train.corpus import Corpus


def corpus_record(corpus: Corpus) -> dict[str, Any]:
    """Return what a report says about a corpus."""
    return {
        "name": corpus.name,
        "digest": corpus.digest,
        "text digest": corpus.text_digest,
        "training tokens": len(corpus.train),
        "validation tokens": len(corpus.val),
        "vocabulary": corpus.vocab,
        "training bytes": corpus.train_bytes,
        "validation bytes": corpus.val_bytes,
        "bytes per token": corpus.bytes_per_token,
        "documents": corpus.left_out or None,
    }


def provenance(
    settings: StudySettings, corpus: Corpus, started: str, runs: Sequence[Run]
) -> dict[str, str]:
    """Return versions, machine, command, seed and digests; where the runs were trained."""
    from importlib.metadata import version

    return {
        "isoflop": __version__,
        "python": platform.python_version(),
        "torch": version("torch"),
        "numpy": version("numpy"),
        "machine": f"{platform.system()} {platform.machine()}",
        "trained on": ", ".join(sorted({_place(run) for run in runs} - {""})),
        "command": shlex.join(["isoflop", *sys.argv[1:]]),
        "seed": str(settings.seed),
        "corpus": corpus.digest,
        "started": started,
        "finished": now(),
    }


def _place(run: Run) -> str:
    made = run.provenance
    return f"{made['processor']}, {made['cores']} cores" if "processor" in made else ""


def time_table(
    runs: Sequence[Run], *, workers: int, training: float, analysis: float, total: float
) -> dict[str, float]:
    """Return where the time of a session went, seconds: workers' in disjoint parts, and the wall's.

    Args:
        runs: those that this session finished.
        workers: processes; training: wall clock of the sweep; analysis: of fits and checks.
        total: wall clock of the whole session.
    """
    steps = sum(run.measured.get("seconds", 0.0) for run in runs)
    evaluation = sum(run.measured.get("eval_seconds", 0.0) for run in runs)
    return {
        "training steps (all workers)": steps,
        "evaluation (all workers)": evaluation,
        "start-up, files, waiting (all workers)": max(0.0, workers * training - steps - evaluation),
        "fits, hold-out, plan (wall clock)": analysis,
        "whole study (wall clock)": total,
    }


def added_up(folder: Path, timing: dict[str, float], *, trained: bool) -> dict[str, float]:
    """Add this session's times to those of earlier sessions that came to a result.

    A session that trained nothing leaves them as they are.
    """
    try:
        before = load_result(folder).timing
    except InputError:
        return timing
    if not trained:
        return before
    return {name: value + before.get(name, 0.0) for name, value in timing.items()}


def save_result(result: StudyResult, folder: Path) -> Path:
    """Write result.json into the study's folder."""
    path = folder / "result.json"
    write_atomic(path, msgspec.json.format(msgspec.json.encode(result), indent=1))
    return path


def load_result(folder: Path) -> StudyResult:
    """Read the result of a finished study.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    path = folder / "result.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=StudyResult)
    except FileNotFoundError:
        raise InputError(
            f"{folder} holds no finished study (no result.json).",
            do=f"isoflop study --out {folder}",
        ) from None
    except msgspec.DecodeError as error:
        raise InputError(
            f"{path} is not a study result: {error}.",
            do=f"Make it again from the runs:  isoflop study --out {folder}",
        ) from None


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
