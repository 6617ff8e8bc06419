"""The two documents of a run's folder: spec.json (what was asked) and run.json (the outcome)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from isoflop.design.spec import RunSpec
from isoflop.errors import InputError
from isoflop.runs.run import SCHEMA, Run
from isoflop.store.files import check_schema, decode, read_bytes, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

SPEC_SCHEMA = "isoflop.spec/1"

D = TypeVar("D", Run, "StoredSpec")


class StoredSpec(RunSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A RunSpec as it lies in spec.json: with the name of its schema."""

    schema: str = SPEC_SCHEMA


class _Schema(msgspec.Struct):
    schema: str | None = None


_SPEC = msgspec.json.Decoder(StoredSpec)
_RUN = msgspec.json.Decoder(Run)
_ANY = msgspec.json.Decoder(_Schema)


def read_spec(path: Path) -> RunSpec | None:
    """Return the spec of spec.json, or None where there is no such file.

    Raises:
        StoreError: malformed, or of an unknown schema.
    """
    stored = _read(path, _SPEC, SPEC_SCHEMA)
    if stored is None:
        return None
    return RunSpec(setup=stored.setup, budget=stored.budget, role=stored.role)


def write_spec(path: Path, spec: RunSpec) -> None:
    """Write spec.json.

    Raises:
        StoreError: it cannot be written.
    """
    stored = StoredSpec(setup=spec.setup, budget=spec.budget, role=spec.role)
    write_atomic(path, _pretty(stored))


def read_run(path: Path) -> Run | None:
    """Return the run of run.json, or None where there is no such file.

    Raises:
        StoreError: malformed, or of an unknown schema.
    """
    return _read(path, _RUN, SCHEMA)


def encode_run(run: Run) -> bytes:
    """Return the document of a run.

    Raises:
        InputError: the run holds what JSON cannot hold (NaN, infinity, an odd type).
    """
    try:
        data = _pretty(run)
    except TypeError as error:
        raise InputError(f"run {run.id} cannot be stored: {error}.") from error
    for name, value in _numbers(msgspec.to_builtins(run), ""):
        if not math.isfinite(value):
            raise InputError(
                f"run {run.id} cannot be stored: {name} = {value}.",
                "JSON has neither NaN nor infinity.",
                "Leave the value out, or record the run as failed with its reason.",
            )
    return data


def decode_run(data: bytes, path: Path) -> Run:
    """Return the run of a document; `path` names it in errors."""
    return decode(data, _RUN, path)


def _read(path: Path, decoder: msgspec.json.Decoder[D], known: str) -> D | None:
    data = read_bytes(path)
    if data is None:
        return None
    try:
        document = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A document of another schema has other fields: say that first.
        other = decode(data, _ANY, path)
        if other.schema is not None:
            check_schema(other.schema, known, path)
        return decode(data, decoder, path)
    check_schema(document.schema, known, path)
    return document


def _numbers(value: Any, name: str) -> list[tuple[str, float]]:
    """Return every float of a JSON document with the path to it."""
    if isinstance(value, float):
        return [(name, value)]
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _numbers(item, f"{name}.{key}")]
    if isinstance(value, list | tuple):
        return [pair for item in value for pair in _numbers(item, name)]
    return []


def _pretty(document: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
