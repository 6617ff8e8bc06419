"""Every code an audit can give: when, and where it is known from that it matters."""

from __future__ import annotations

import msgspec

from isoflop.laws.references import reference, references

#: Papers that no law here comes from, and what was measured for this package.
_OTHERS = {
    "porian2024": "Porian et al. 2024 (arXiv:2406.19146)",
    "czech2026": "Czech 2026 (arXiv:2603.22339)",
    "misfitting2025": "Li, Kudugunta and Zettlemoyer 2025 (arXiv:2502.18969)",
    "rosner1983": "Rosner 1983 (Technometrics 25)",
    "measured": "measured: docs/concepts/self-checks.md",
    "arithmetic": "arithmetic",
}


class Code(msgspec.Struct, frozen=True):
    """What a code stands for.

    Args:
        when: what was found, in words.
        severities: those it can have besides "ok".
        sources: keys of papers (`isoflop.laws.references`) or of `_OTHERS`.
    """

    when: str
    severities: str
    sources: tuple[str, ...]


def _code(when: str, severities: str, *sources: str) -> Code:
    return Code(when, severities, sources)


#: Code -> what it stands for, in the order of the documentation.
CODES: dict[str, Code] = {
    # The table
    "not-finite": _code("N, D, C or loss is missing, NaN or infinite", "error", "arithmetic"),
    "not-positive": _code("N, D, C or loss is zero or negative", "error", "arithmetic"),
    "missing": _code("there is no column for N, loss, or D and C", "warning", "arithmetic"),
    "few-runs": _code("fewer than 10 usable runs", "warning", "gadre2024"),
    "scale": _code(
        "N or D must be in thousands, millions or billions (by size, D/N, or C over 6ND)",
        "warning",
        "arithmetic",
    ),
    "duplicate": _code("runs are there twice", "warning", "misfitting2025"),
    "near-duplicate": _code("N, D and loss agree within 0.1 %", "note", "besiroglu2024"),
    "not-6nd": _code(
        "C is not 6ND, and the table says it is, or it is off by 10x, or the forward pass alone, or"
        " less than exact FLOPs can be (warning), or nothing is said (note)",
        "warning, note",
        "porian2024",
        "pearce2024",
    ),
    "mixed-corpus": _code("more than one corpus", "warning", "hoffmann2022"),
    "mixed-tokenizer": _code("more than one tokenizer", "warning", "misfitting2025"),
    "mixed-recipe": _code("more than one recipe", "warning", "measured"),
    "mixed-family": _code("more than one family", "warning", "measured"),
    "unstated": _code("the table does not say how N or loss was counted", "note", "pearce2024"),
    "checkpoints": _code(
        "several rows of one run (a note if the given fit draws whole runs)",
        "warning, note",
        "misfitting2025",
    ),
    "narrow-N": _code("N spans less than 4x", "warning", "besiroglu2024"),
    "narrow-D": _code("D spans less than 4x", "warning", "besiroglu2024"),
    "narrow-C": _code("C spans less than 4x", "warning", "besiroglu2024"),
    "confounded": _code("N and D move together", "warning", "arithmetic"),
    "table": _code("(passed only)", "", "arithmetic"),
    # Counting
    "counting": _code(
        "the exponent of N* differs by more than 0.02 between the counts of N that the table"
        " stores (a warning if it does not say which is meant, or mixes them)",
        "warning, note",
        "pearce2024",
        "porian2024",
    ),
    "units": _code("loss over bits per byte varies by more than 1 %", "warning", "arithmetic"),
    "labels": _code("a column of text explains the residuals", "warning", "misfitting2025"),
    # Training
    "schedule": _code(
        "a run is not at the end of its schedule", "warning", "porian2024", "hoffmann2022"
    ),
    "warmup": _code("a warmup is longer than a tenth of its run", "warning", "porian2024"),
    "rate": _code(
        "another learning rate does better at some size than the one fitted, by more than 0.02"
        " nats and twice the noise",
        "warning, note",
        "porian2024",
        "measured",
    ),
    "lr-trend": _code(
        "the residuals go with the learning rate (warning), or N spans 10x at one rate (note)",
        "warning, note",
        "porian2024",
    ),
    "batch-trend": _code("the residuals go with the batch size", "warning", "porian2024"),
    "epochs": _code("a run repeats its text more than four times", "warning", "muennighoff2023"),
    "seeds": _code("no setup was trained with two seeds", "note", "gadre2024"),
    "failed": _code("runs failed or diverged", "warning", "misfitting2025"),
    "steps": _code("a run has fewer than 500 optimiser steps", "note", "porian2024"),
    # The design
    "minimum": _code(
        "a budget's minimum is not enclosed by its sizes", "error, warning", "porian2024"
    ),
    "centre": _code(
        "the sizes are off centre by 2x, reach further than 8x, or bias N* by more than 5 %"
        " (a warning from 10 %, or if half of the budgets are off centre)",
        "warning, note",
        "czech2026",
    ),
    "span": _code(
        "compute spans less than two decades (a warning under one)",
        "warning, note",
        "besiroglu2024",
        "measured",
    ),
    "slope": _code("the slope of ln L* over ln C steepens with C", "warning, note", "measured"),
    "ratio": _code(
        "tokens per parameter at the optimum are not 8 to 40", "warning, note", "measured"
    ),
    # The fit
    "fit": _code(
        "the given fit is of other runs, of other counts, or did not converge",
        "warning",
        "besiroglu2024",
    ),
    "bounds": _code("a parameter is at a bound", "warning", "besiroglu2024"),
    "floor": _code(
        "E is not below the smallest loss (error), or is zero and the runs exclude a quarter of the"
        " smallest loss (warning), or is zero (note)",
        "error, warning, note",
        "hoffmann2022",
    ),
    "identified": _code("the runs do not determine a parameter", "note", "besiroglu2024"),
    "outliers": _code(
        "runs lie further from the law than noise puts them, or many lie on another curve",
        "warning",
        "besiroglu2024",
        "rosner1983",
    ),
    "leverage": _code(
        "leaving out one run moves the exponent further than noise would on this design (warning),"
        " or by more than its standard error (note)",
        "warning, note",
        "besiroglu2024",
    ),
    "correlated": _code(
        "residuals of neighbours in D at one N are correlated", "warning", "misfitting2025"
    ),
    "extrapolation": _code(
        "the target lies beyond the runs (a warning from one decade, or from the runs' own span)",
        "warning, note",
        "gadre2024",
    ),
    # A study's own
    "no_plan": _code("there is no plan", "error", "measured"),
    "heldout": _code(
        "held-out runs lie outside their interval (a warning from 2.6 deviations, or if most do)",
        "warning, note",
        "gadre2024",
    ),
    "disagreement": _code(
        "approaches differ beyond their intervals", "warning, note", "hoffmann2022"
    ),
    "extended": _code("the study added sizes by itself", "note", "measured"),
    "approach1": _code("approach 1 gave no answer", "warning", "hoffmann2022"),
    "approach2": _code("approach 2 gave no answer", "warning", "hoffmann2022"),
    "approach3": _code("approach 3 gave no answer", "warning", "hoffmann2022"),
}


def source_of(code: str) -> str:
    """Return where it is known from that a code matters; empty for an unknown code."""
    if code not in CODES:
        return ""
    known = references()
    return "; ".join(
        reference(key).short if key in known else _OTHERS[key] for key in CODES[code].sources
    )
