"""Checks of how the runs were trained: schedule, warmup, rates, repetition, seeds, failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import InputError
from isoflop.runs.duplicates import rows_of
from isoflop.runs.finding import Finding
from isoflop.validate.audit.named import batch_of, column_of, rate_of
from isoflop.validate.selfcheck import NEARLY_FRESH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoflop.runs.table import RunTable
    from isoflop.validate.audit.evidence import Evidence

#: A warmup longer than this share of a run is too long.
LONGEST_WARMUP = 0.1
#: A run whose rate ends above this share of its peak was not annealed.
ANNEALED = 0.2
#: Share of its schedule that a run must have done.
COMPLETE = 0.99
#: Columns (plain names) of the way done, of the whole way, of the share done, and of rates.
_DONE = ("current_steps", "current_step", "steps_done", "step", "iteration", "global_step")
_WHOLE = ("total_steps", "max_steps", "schedule_steps", "train_steps_total", "horizon_steps")
_SHARE = ("portion_steps_elapsed", "schedule_share", "fraction_done", "portion_done")
_TOKENS = ("schedule_tokens", "horizon_tokens", "lr_decay_tokens", "decay_tokens")
_FINAL = ("final_lr", "min_lr", "end_lr", "lr_end", "cooldown_lr", "lr_final")
_WARMUP_STEPS = ("warmup_steps", "warmup_iters", "num_warmup_steps", "lr_warmup_steps")
_WARMUP_TOKENS = ("warmup_tokens", "lr_warmup_tokens")
_WARMUP_SHARE = ("warmup", "warmup_share", "warmup_ratio", "warmup_fraction")


def schedule_done(table: RunTable) -> np.ndarray | None:
    """Return the share of its schedule that each run has done [run]; None if nothing says it."""
    share = column_of(table, _SHARE)
    if share is not None:
        return share
    done, whole = column_of(table, _DONE), column_of(table, _WHOLE)
    if whole is None and done is not None and "steps" in table.columns:
        whole = table["steps"] if not np.array_equal(done, table["steps"]) else None
    if done is None and whole is not None and "steps" in table.columns:
        done = table["steps"]
    if done is not None and whole is not None:
        return done / whole
    tokens = column_of(table, _TOKENS)
    if tokens is not None:
        return table["D"] / tokens
    return _share_of_run(table)


def _share_of_run(table: RunTable) -> np.ndarray | None:
    """Return D over the most tokens of the same `run`; None unless runs have several rows."""
    if "run" not in table.columns:
        return None
    run = np.unique(table["run"].astype(str), return_inverse=True)[1]
    if run.max() + 1 == len(run):
        return None
    most = np.zeros(run.max() + 1)
    np.maximum.at(most, run, table["D"])
    return table["D"] / most[run]


def check_schedule(e: Evidence) -> Iterator[Finding]:
    """Every run is at the end of its schedule, with its rate annealed."""
    table = e.runs
    done, final = schedule_done(table), _final(e)
    if done is None and final is None:
        raise InputError("no column says how long a run's schedule is or where its rate ends.")
    short = np.zeros(len(table), dtype=bool) if done is None else done < COMPLETE
    hot = np.zeros(len(table), dtype=bool) if final is None else final > ANNEALED
    bad = short | hot
    numbers = {"rows": float(bad.sum())}
    parts = []
    if short.any() and done is not None:
        parts.append(f"{rows_of(short, e.rows)} are before the end of their schedule")
        numbers["least done"] = float(np.nanmin(done))
    if hot.any() and final is not None:
        parts.append(f"{rows_of(hot, e.rows)} end at more than {ANNEALED:g} of their peak rate")
        numbers["highest final rate"] = float(np.nanmax(final))
    moves = e.moves(e.where(~bad), "annealed runs only") if bad.any() and not bad.all() else ()
    yield Finding(
        code="schedule",
        severity="warning" if bad.any() else "ok",
        message=f"{' and '.join(parts)}." if parts else "every run is at the end of its schedule.",
        numbers=numbers,
        why="Before its rate is annealed a run's loss is too high, and more so for one size than"
        " for another: matching the decay to each run moved the exponent from 0.60 to 0.57."
        if bad.any()
        else "",
        remedy="Keep the last point of runs whose schedule ends there (--where last_of_run); do not"
        " cut one long run."
        if bad.any()
        else "",
        moves=moves,
    )


def _final(e: Evidence) -> np.ndarray | None:
    """Return each run's rate at its end over its peak [run], or None."""
    if e.ends and "id" in e.runs.columns:
        return np.array([e.ends.get(str(key), np.nan) for key in e.runs["id"]])
    final, peak = column_of(e.runs, _FINAL), rate_of(e.runs)
    return None if final is None or peak is None else final / peak


def check_warmup(e: Evidence) -> Iterator[Finding]:
    """No warmup is longer than a tenth of its run."""
    share = warmup_share(e.runs)
    if share is None:
        raise InputError("no column says how long the warmup is, or how long the run.")
    with np.errstate(invalid="ignore"):
        long = share > LONGEST_WARMUP
    known = share[np.isfinite(share)]
    if not len(known):
        raise InputError("no run says how long its warmup is.")
    worst = float(known.max())
    yield Finding(
        code="warmup",
        severity="warning" if long.any() else "ok",
        message=f"the warmup is up to {100 * worst:.3g} % of a run"
        + (f": more than 10 % in {rows_of(long, e.rows)}." if long.any() else "."),
        numbers={"longest share": worst, "rows": float(long.sum())},
        why="A warmup of fixed length eats the short runs, which are those of the small models:"
        " scaling it with the run moved the exponent from 0.71 to 0.60."
        if long.any()
        else "",
        remedy="Warm up over a fixed share (1 to 5 %) of each run." if long.any() else "",
        moves=e.moves(e.where(~long), "runs with a short warmup only")
        if long.any() and not long.all()
        else (),
    )


def warmup_share(table: RunTable) -> np.ndarray | None:
    """Return the share of each run that is warmup [run]; None if it cannot be known."""
    steps = table.columns.get("steps")
    done = column_of(table, _WHOLE)
    length = done if done is not None else steps
    in_steps = column_of(table, _WARMUP_STEPS)
    if in_steps is not None and length is not None and length.dtype.kind != "O":
        return in_steps / length
    tokens = column_of(table, _WARMUP_TOKENS)
    if tokens is not None:
        return tokens / table["D"]
    share = column_of(table, _WARMUP_SHARE)
    if share is None:
        return None
    if np.nanmax(share) <= 1:
        return share
    return share / length if length is not None and length.dtype.kind != "O" else None


def check_epochs(e: Evidence) -> Iterator[Finding]:
    """No run repeats its text so often that a law without repetition is wrong."""
    epochs = passes(e.runs)
    if epochs is None:
        raise InputError("no column says how many tokens are distinct (U) or how many epochs.")
    known = epochs[np.isfinite(epochs)]
    if not len(known):
        raise InputError("no run says how many of its tokens are distinct.")
    most = float(known.max())
    with np.errstate(invalid="ignore"):
        over = epochs > NEARLY_FRESH
    knows = "U" in _inputs(e)
    bad = bool(over.any()) and not knows
    yield Finding(
        code="epochs",
        severity="warning" if bad else "ok",
        message=f"the longest run passed over the training text {most:.2f} times"
        + (
            f"; {rows_of(over, e.rows)} did so more than {NEARLY_FRESH:g} times."
            if over.any()
            else "."
        ),
        numbers={"epochs": most, "rows": float(over.sum())},
        why="Repeated text is worth less than fresh text; a law in N and D alone does not know."
        if bad
        else "",
        remedy="Give more text or smaller budgets, leave these runs out, or fit a law that knows:"
        '  isoflop fit runs.csv --law "chinchilla[D=repeated_tokens]"'
        if bad
        else "",
        moves=e.moves(e.where(~over), f"runs of at most {NEARLY_FRESH:g} epochs only")
        if bad and not over.all()
        else (),
    )


def _inputs(e: Evidence) -> tuple[str, ...]:
    law = e.given.law if e.given is not None else None
    return law.input_names if law is not None else ()


def passes(table: RunTable) -> np.ndarray | None:
    """Return how often each run passed over its text [run], or None if nothing says it."""
    if "U" in table.columns and table["U"].dtype.kind != "O":
        with np.errstate(all="ignore"):
            return table["D"] / table["U"]
    return column_of(table, ("epochs", "n_epochs", "num_epochs", "passes"))


def check_seeds(e: Evidence) -> Iterator[Finding]:
    """Some setup was trained with several seeds."""
    noise, freedom = e.seed_noise
    if not freedom:
        noise, freedom = repeated_noise(e.runs)
    if not freedom:
        yield Finding(
            code="seeds",
            severity="note",
            message="every setup was trained once: run noise is read from the residuals only.",
            why="What the law misses and what another seed would change cannot be told apart.",
            remedy="Repeat one setup with two more seeds.",
        )
        return
    yield Finding(
        code="seeds",
        severity="ok",
        message=f"seeds of one setup differ by {noise:.4f} nats per token (sd, {freedom} degrees"
        " of freedom).",
        numbers={"sd": noise, "freedom": float(freedom)},
    )


def repeated_noise(table: RunTable) -> tuple[float, int]:
    """Return the standard deviation between seeds of equal setups, and its freedom.

    Setups are equal where N, D, C, lr and batch are; rows without a column `seed` are not taken
    for repeats.
    """
    if "seed" not in table.columns:
        return 0.0, 0
    names = [n for n in ("N", "D", "C", "recipe", "corpus") if n in table.columns]
    columns = [table[n] for n in names]
    columns += [x for x in (rate_of(table), batch_of(table)) if x is not None]
    codes = np.stack([np.unique(_text(x), return_inverse=True)[1] for x in columns])
    setup = np.unique(codes, axis=1, return_inverse=True)[1].ravel()
    squares, freedom = 0.0, 0
    for group in np.unique(setup):
        rows = setup == group
        loss = table["loss"][rows]
        if len(np.unique(table["seed"][rows].astype(str))) > 1:
            squares += float(((loss - loss.mean()) ** 2).sum())
            freedom += len(loss) - 1
    return (float(np.sqrt(squares / freedom)) if freedom else 0.0), freedom


def _text(column: np.ndarray) -> np.ndarray:
    """Return a column to four significant digits, as text: D of one setup may differ a little."""
    return column if column.dtype.kind == "O" else np.array([f"{x:.4g}" for x in column])


def check_failed(e: Evidence) -> Iterator[Finding]:
    """Every run that was started came to its end."""
    if "status" not in e.table.columns:
        raise InputError("no column `status` says which runs failed or diverged.")
    failed = ~e.finished
    told = "reason" if "reason" in e.table.columns else "status"
    words = sorted({str(s) for s in e.table[told][failed]} - {""})
    kept = failed & np.isfinite(e.table["loss"]) if e.has("loss") else np.zeros(0, dtype=bool)
    yield Finding(
        code="failed",
        severity="warning" if failed.any() else "ok",
        message=f"{rows_of(failed)} did not finish ({', '.join(words[:4])})"
        + (f"; {kept.sum()} of them have a loss, which is left out here." if kept.any() else ".")
        if failed.any()
        else f"all {len(failed)} runs finished.",
        numbers={"failed": float(failed.sum()), "of": float(len(failed))},
        why="A run that is missing because it diverged is not missing at random."
        if failed.any()
        else "",
        remedy="Lower the learning rate of that size, or leave the size out and say so:"
        "  --where \"status == 'finished'\""
        if failed.any()
        else "",
    )
