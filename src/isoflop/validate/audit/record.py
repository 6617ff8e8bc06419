"""What an audit found, as one document."""

from __future__ import annotations

import msgspec

from isoflop.runs.finding import SEVERITIES, Finding
from isoflop.samples import Estimate

SCHEMA = "isoflop.audit/1"


class Skipped(msgspec.Struct, frozen=True, kw_only=True):
    """A check that could not run.

    Args:
        check: its name (`isoflop.validate.audit.codes`).
        reason: what it lacks.
        group: the labels of the runs it was tried on, if the table holds several kinds.
    """

    check: str
    reason: str
    group: str = ""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an audit.

    Args:
        summary: the verdict in a sentence.
        sound: whether nothing above a note was found.
        findings: what was found, worst first.
        passed: checks that found nothing, with their numbers where they have some.
        skipped: checks that could not run, and why.
        answer: the answer as the runs give it, by name ("exponent of N*", ...), where they do,
            with intervals from resampled runs.
        runs: number of rows.
        source: where the runs come from.
        convention: how they count.
        data_digest: digest of the table.
    """

    summary: str
    sound: bool
    findings: list[Finding]
    passed: list[Finding]
    skipped: list[Skipped]
    answer: dict[str, Estimate]
    runs: int
    source: str
    convention: dict[str, str]
    data_digest: str
    schema: str = SCHEMA


def summarise_findings(findings: list[Finding], passed: int, skipped: int) -> str:
    """Say in a sentence what an audit found."""
    counts = [
        (word, sum(f.severity == word for f in findings)) for word in SEVERITIES if word != "ok"
    ]
    listed = ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for word, n in counts if n)
    rest = f"{passed} check{'' if passed == 1 else 's'} passed, {skipped} could not run"
    if not listed:
        return f"The audit found nothing wrong: {rest}."
    loud = any(f.severity in ("error", "warning") for f in findings)
    verdict = "The audit found" if loud else "The audit found nothing above a note:"
    return f"{verdict} {listed}; {rest}."
