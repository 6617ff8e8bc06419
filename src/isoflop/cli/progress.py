"""Progress of a sweep on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from isoflop.units import format_duration

if TYPE_CHECKING:
    from types import TracebackType

#: Seconds between lines where stderr is not a terminal.
EVERY = 30.0


class SweepProgress:
    """Listens to a sweep's events and says how far it is and how long it will take.

    Args:
        total: exact training FLOPs of all runs; expected: seconds expected in all.
        quiet: say nothing.
    """

    def __init__(self, costs: dict[str, float], *, quiet: bool) -> None:
        self.costs, self.quiet = dict(costs), quiet
        self.done: dict[str, float] = {}
        self.finished = self.failed = 0
        self.started = self.last = time.monotonic()
        self.before: float | None = None
        self.bar: Any = None

    def __enter__(self) -> SweepProgress:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f} %"),
                console=Console(stderr=True),
            )
            self.bar.start()
            self.task = self.bar.add_task("training", total=1.0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event of a sweep."""
        kind, run = event.get("event"), str(event.get("id", ""))
        if kind == "extended":
            self.say(f"added a size: {event['reason']}")
        elif kind == "skipped":
            self.costs.pop(run, None)
        elif kind == "retried":
            self.say(f"run {run} is tried again: {event.get('reason', '')}")
        elif kind in ("finished", "failed"):
            self.done[run] = self.costs.get(run, 0.0)
            self.finished += kind == "finished"
            self.failed += kind == "failed"
            if kind == "failed":
                self.say(f"run {run} failed: {event.get('reason', '')}")
        elif kind == "point" and run in self.costs:
            self.done[run] = min(self.costs[run], self.costs[run] * float(event.get("share", 0.0)))
        self.show()

    @property
    def share(self) -> float:
        """Part of the expected work that is done."""
        total = sum(self.costs.values())
        return min(1.0, sum(self.done.values()) / total) if total else 1.0

    def left(self) -> float | None:
        """Seconds left at the speed so far; None where too little is known."""
        share = self.share
        if self.before is None:
            # Work that was there before this session says nothing about its speed.
            self.before, self.started = share, time.monotonic()
        gained, spent = share - self.before, time.monotonic() - self.started
        return spent * (1 - share) / gained if gained > 0.01 and spent > 2 else None

    def show(self) -> None:
        """Draw the bar, or print a line if the last one is old enough."""
        if self.quiet:
            return
        left = self.left()
        text = f"{self.finished} of {len(self.costs)} runs"
        text += f", {self.failed} failed" if self.failed else ""
        text += f", {format_duration(left)} left" if left is not None else ""
        if self.bar is not None:
            self.bar.update(self.task, completed=self.share, description=text)
        elif time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            click.echo(f"[{100 * self.share:3.0f} %] {text}", err=True)

    def say(self, text: str) -> None:
        """Print one line above the bar."""
        if self.quiet:
            return
        if self.bar is not None:
            self.bar.console.print(text, markup=False, highlight=False)
        else:
            click.echo(text, err=True)
