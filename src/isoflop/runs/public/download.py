"""Upstream files into the user's cache, each checked against its hash."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.errors import DataError, MissingExtra
from isoflop.runs.public.places import VARIABLE, wrong_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoflop.runs.public.registry import Entry, File

_TOGETHER = 8  # downloads at a time
_SECONDS = 30.0  # without an answer


def download(entry: Entry, tell: Callable[[int, int], None] | None = None) -> list[Path]:
    """Return the upstream files of a table in the cache, downloading those that are not there.

    A file in the cache whose hash is wrong is downloaded again; one that arrives with a wrong
    hash is deleted.

    Args:
        entry: the table.
        tell: called with (files there, files in all) after each file.

    Raises:
        DataError: no network, no such file, a transfer cut short, or a wrong hash.
        MissingExtra: if pooch is not installed.
    """
    if not entry.files:
        raise DataError(
            f"`{entry.name}` has no published file to download.",
            do=f"Put {entry.name}.csv into a folder and set {VARIABLE} to it.",
        )
    pooch = _pooch()
    target = Path(pooch.os_cache("isoflop")) / "public" / entry.name
    paths: list[Path] = []
    pool = ThreadPoolExecutor(min(_TOGETHER, len(entry.files)))
    try:
        for path in pool.map(lambda file: _one(pooch, entry, file, target), entry.files):
            paths.append(path)
            if tell is not None:
                tell(len(paths), len(entry.files))
    finally:
        pool.shutdown(cancel_futures=True)
    return paths


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise MissingExtra("pooch", "data", "downloading public tables") from error
    pooch.get_logger().setLevel("WARNING")
    return pooch


def _one(pooch: Any, entry: Entry, file: File, target: Path) -> Path:
    import requests

    url = entry.url(file)
    try:
        return Path(
            pooch.retrieve(
                url,
                known_hash=f"sha256:{file.sha256}",
                fname=file.name,
                path=target,
                downloader=_get,
            )
        )
    except requests.exceptions.HTTPError as error:
        response = error.response
        answer = "an error" if response is None else f"{response.status_code} {response.reason}"
        raise _unavailable(f"{url} answered {answer}.", entry) from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise _unavailable(f"{url} broke off before its end.", entry) from error
    except requests.exceptions.RequestException as error:
        raise _unavailable(f"{url} cannot be reached ({_reason(error)}).", entry) from error
    except ValueError as error:  # how pooch says that the hash is wrong
        found = re.search(r"got:? '?([0-9a-f]{64})", str(error))
        if found is None:
            raise
        raise wrong_hash(url, file.sha256, found[1]) from error


def _get(url: str, output_file: str, _pooch: Any) -> None:
    """Write what an address answers to a file; the connection is closed whatever happens."""
    import requests

    with requests.get(url, stream=True, timeout=_SECONDS) as response:
        response.raise_for_status()
        with Path(output_file).open("wb") as file:
            for chunk in response.iter_content(1 << 16):
                file.write(chunk)


def _reason(error: Exception) -> str:
    """Return the innermost cause in a few words: name resolution, refused, timed out."""
    text = str(error)
    for words in ("Name or service not known", "name resolution", "refused", "timed out"):
        if words in text:
            return words
    return type(error).__name__


def _unavailable(what: str, entry: Entry) -> DataError:
    return DataError(
        what,
        "Nothing was stored; files that had arrived whole stay in the cache.",
        f"Try again:  isoflop data fetch {entry.name}   or put the files into a folder and set"
        f" {VARIABLE} to it.",
    )
