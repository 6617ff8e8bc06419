"""Errors and warnings: what is wrong (with the numbers), why it matters, what to do."""

from __future__ import annotations

import errno

#: Error number of the operating system -> why it happens and what to do.
REMEDIES = {
    errno.ENOSPC: ("The disk is full.", "Free some space, then run the same command again."),
    errno.EDQUOT: ("Your disk quota is used up.", "Free some space, then run the command again."),
    errno.EACCES: ("This user may not access it.", "Choose another folder, or change its owner."),
    errno.EPERM: ("This user may not access it.", "Choose another folder, or change its owner."),
    errno.EROFS: ("The file system is mounted read-only.", "Choose a folder on another one."),
    errno.ENOTDIR: ("A part of this path is a file.", "Choose a folder as the study's place."),
    errno.EISDIR: ("There is a folder in the file's place.", "Move that folder away."),
}


class IsoflopError(Exception):
    """Base class of every error that isoflop raises on purpose.

    The message has up to three parts: what is wrong with the numbers, why it matters, and
    what to do (a command or call to paste). `exit_code` is what the command line returns.
    """

    exit_code = 2

    def __init__(self, what: str, why: str = "", do: str = "") -> None:
        self.what, self.why, self.do = what, why, do
        super().__init__("\n  ".join(part for part in (what, why, do) if part))

    def lines(self) -> list[str]:
        """Return the message as lines: class and fact first, reason and remedy indented below."""
        return f"{type(self).__name__}: {self}".split("\n")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.what, self.why, self.do)


class InputError(IsoflopError, ValueError):
    """What the user gave cannot be used: a bad value, column, file or flag."""


class ConventionError(IsoflopError, ValueError):
    """Two things were counted differently (N, C, tokenizer, corpus) and do not go together."""


class NotIdentified(IsoflopError, ArithmeticError):
    """The runs cannot answer the question, whatever the method."""

    exit_code = 1


class StoreError(IsoflopError, OSError):
    """A folder of runs cannot be read or written."""


class CorpusError(IsoflopError, ValueError):
    """The text is missing, unreadable, or too small for what was asked."""


class DataError(IsoflopError, OSError):
    """A public table cannot be had: no network, no such file, or not the registered bytes."""


class MissingExtra(IsoflopError, ImportError):
    """An optional dependency is not installed."""

    exit_code = 3

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package, self.extra, self.purpose = package, extra, purpose
        super().__init__(
            f"`{package}` is not installed, and {purpose} needs it.",
            do=f"pip install 'isoflop[{extra}]'",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.package, self.extra, self.purpose)


class IsoflopWarning(UserWarning):
    """Base class of isoflop's warnings."""


class ExtrapolationWarning(IsoflopWarning):
    """An answer lies outside the data it was fitted on."""


class DesignWarning(IsoflopWarning):
    """A sweep that cannot answer its question well."""
