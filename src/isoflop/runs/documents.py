"""JSON files of runs: an object a line, a list of objects, or a document that holds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.errors import InputError
from isoflop.runs.names import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Lists of objects further inside a document than this are not looked for.
_DEEPEST = 4


def objects(name: str, text: str) -> list[dict[str, Any]]:
    """Return the objects of a file: one a line, or those of its one JSON document.

    A document may be a list of objects, an object of arrays (one object, returned as it is), an
    object that holds one list of objects (`log_history` of a trainer's state), arrays of one
    length beside what holds for all of them, or an object of objects, whose keys become `name`.

    Raises:
        InputError: if a line is not a JSON object (with its number), or a document holds no list
            of runs, or several.
    """
    try:
        lines = [text] if text.lstrip().startswith("[") else text.splitlines()
        found = list(_lines(name, lines))
    except InputError:
        document = _document(text)
        if document is None:
            raise
        return _runs_of(name, document)
    return _runs_of(name, found[0]) if len(found) == 1 else found


def flat(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Return the cells of an object by `outer.inner`; arrays inside are left out."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        elif not isinstance(value, list):
            yield prefix + key, value


def _lines(name: str, lines: list[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = _decoded(line)
        except ValueError as error:
            raise InputError(f"line {number} of `{name}` is not JSON: {error}.") from error
        for record in value if isinstance(value, list) else [value]:
            if not isinstance(record, dict):
                raise InputError(f"line {number} of `{name}` is not an object: {line[:60]}")
            yield record


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        import json

        return json.loads(text)  # which knows NaN and Infinity, as Python writes them


def _document(text: str) -> dict[str, Any] | None:
    """Return the one object that a whole text is, if it is one."""
    try:
        value = _decoded(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _runs_of(name: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    values = list(document.values())
    if values and all(isinstance(value, list) for value in values) and not _lists(document):
        return [document]
    found = _lists(document)
    if len(found) == 1:
        return next(iter(found.values()))
    if len(found) > 1:
        raise InputError(
            f"`{name}` holds several lists of objects: {listed(list(found))}.",
            "Which of them are the runs cannot be told.",
            "Write the one that is meant to a file of its own, as a list or one object a line.",
        )
    if rows := _columns(document):
        return rows
    cells = [dict(flat(value)) for value in values if isinstance(value, dict)]
    if len(cells) == len(values) > 1 and set.intersection(*(set(cell) for cell in cells)):
        return [{"name": key, **value} for key, value in document.items()]
    if any(isinstance(value, list) for value in values) or not dict(flat(document)):
        kinds = [f"{key} ({_kind(value)})" for key, value in document.items()]
        raise InputError(
            f"`{name}` is one JSON object without a list of runs: {listed(kinds)}.",
            "A run is an object with its numbers.",
            'Write one object a run, such as  {"N": 1e8, "D": 2e9, "loss": 3.1}',
        )
    return [document]


def _columns(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of arrays of one length, with the document's other cells in each."""
    arrays = {
        key: value
        for key, value in document.items()
        if isinstance(value, list) and not any(isinstance(x, list | dict) for x in value)
    }
    lengths = {len(value) for value in arrays.values()}
    if len(arrays) < 2 or len(lengths) > 1:
        return []
    same = dict(flat(document))
    return [
        {**same, **{key: value[i] for key, value in arrays.items()}} for i in range(max(lengths))
    ]


def _lists(value: dict[str, Any], path: str = "", depth: int = 0) -> dict[str, list[Any]]:
    """Return the lists of objects inside an object by where they are."""
    found: dict[str, list[Any]] = {}
    for key, inner in value.items():
        here = f"{path}.{key}" if path else key
        if isinstance(inner, list) and inner and all(isinstance(x, dict) for x in inner):
            found[here] = inner
        elif isinstance(inner, dict) and depth < _DEEPEST:
            found |= _lists(inner, here, depth + 1)
    return found


def _kind(value: Any) -> str:
    if isinstance(value, list | dict):
        word = "array" if isinstance(value, list) else "object"
        return f"{word} of {len(value)}"
    return type(value).__name__
