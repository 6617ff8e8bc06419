"""What a replay is made of: steps with their numbers, pictures as data, and one document."""

from __future__ import annotations

from typing import Literal

import msgspec

from isoflop import __version__

SCHEMA = "isoflop.replay/1"

Interval = tuple[float | None, float | None]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One published number, computed again.

    Args:
        name: stable name, for programs.
        title: what is computed, in words.
        symbol: the quantity: "a in N* = k C^a".
        unit: of the numbers; "" for a pure number.
        computed: by this package; None where its data are not here.
        computed_interval: from the samples, at the replay's level; None without samples.
        published: the number as printed; None if there is none to compare with.
        interval: what `agrees` compares with.
        basis: what that interval is, in words.
        agrees: whether the two agree; None if there is nothing to compare.
        expected: whether they should: False where the difference is the lesson of the step.
        text: what to learn from it, one or two sentences.
        source: where the published number is from.
        missing: why there is no computed number, and what to do.
    """

    name: str
    title: str
    symbol: str
    unit: str
    computed: float | None
    computed_interval: Interval | None
    published: float | None
    interval: Interval | None
    basis: str
    agrees: bool | None
    expected: bool
    text: str
    source: str
    missing: str = ""

    @property
    def surprising(self) -> bool:
        """Whether the comparison came out other than it should."""
        return self.agrees is not None and self.agrees != self.expected


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """An axis of a picture.

    Args:
        title: with unit.
        kind: how values are placed and written; "from zero" is linear and shows zero, for sizes
            that are compared with one another.
        labels: names of the places 0, 1, 2, ... of a "category" axis.
    """

    title: str
    kind: Literal["linear", "from zero", "category", "count", "flops"] = "linear"
    labels: tuple[str, ...] = ()


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A line or set of points.

    Args:
        name: in the key; "" for none.
        role: colour, by its role in the report's palette.
        x, y: [point].
        low, high: ends of the interval of each y, or empty.
        mode: how it is drawn.
        dash: of a line: "solid", "dot" or "dash".
        symbol: of the markers.
    """

    name: str
    role: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    mode: Literal["lines", "markers", "lines+markers"] = "lines"
    dash: str = "solid"
    symbol: str = "circle"


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as data; the report draws it.

    Args:
        name: stable name.
        title: over the figure.
        caption: what to see.
        x, y: axes.
        series: in drawing order.
        height: pixels.
    """

    name: str
    title: str
    caption: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    height: int = 400


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Steps that belong together.

    Args:
        name: stable name; title: heading.
        text: a paragraph before the steps.
        data: the public tables it reads.
        steps: in order.
        pictures: of the part; none where its data are missing.
    """

    name: str
    title: str
    text: str
    data: tuple[str, ...]
    steps: tuple[Step, ...]
    pictures: tuple[Picture, ...] = ()

    @property
    def missing(self) -> str:
        """Why the part could not be computed, and what to do; "" if it was."""
        return next((step.missing for step in self.steps if step.missing), "")


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A published result walked through on public numbers.

    Args:
        name: of the replay; title: heading.
        lead: paragraphs that tell the whole in ninety seconds.
        parts: in order.
        leading: name of the picture that leads the page; it is not shown again in its part.
        level: of the computed intervals.
        seed: of the samples.
        sources: name -> where the table came from, for the tables that were read.
        version: of the package.
    """

    name: str
    title: str
    lead: tuple[str, ...]
    parts: tuple[Part, ...]
    leading: str
    level: float
    seed: int
    sources: dict[str, str] = {}
    version: str = __version__
    schema: str = SCHEMA

    @property
    def steps(self) -> list[Step]:
        """All steps in order."""
        return [step for part in self.parts for step in part.steps]

    @property
    def surprises(self) -> list[Step]:
        """Steps whose comparison came out other than it should."""
        return [step for step in self.steps if step.surprising]

    @property
    def pictures(self) -> list[Picture]:
        """All pictures in order."""
        return [picture for part in self.parts for picture in part.pictures]
