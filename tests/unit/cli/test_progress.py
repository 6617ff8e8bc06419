"""Progress lines: what is done, what failed, how long it will take."""

import pytest

from isoflop.cli import progress as module
from isoflop.cli.progress import SweepProgress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_share_counts_cost_not_runs(clock):
    with SweepProgress({"a": 90.0, "b": 10.0}, quiet=True) as progress:
        progress({"event": "finished", "id": "b"})
        assert progress.share == pytest.approx(0.1)
        progress({"event": "point", "id": "a", "share": 0.5})
        assert progress.share == pytest.approx(0.55)
        progress({"event": "finished", "id": "a"})
        assert progress.share == 1.0


def test_time_left_is_at_the_speed_of_this_session(clock):
    with SweepProgress({"a": 100.0}, quiet=True) as progress:
        progress({"event": "point", "id": "a", "share": 0.5})  # resumed half way
        assert progress.left() is None
        clock.now = 10.0
        progress({"event": "point", "id": "a", "share": 0.75})
        assert progress.left() == pytest.approx(10.0)


def test_lines_are_printed_now_and_then(clock, capsys):
    with SweepProgress({"a": 1.0, "b": 1.0}, quiet=False) as progress:
        progress({"event": "failed", "id": "a", "reason": "loss is NaN"})
        clock.now = 31.0
        progress({"event": "finished", "id": "b"})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "run a failed: loss is NaN" in captured.err
    assert "1 of 2 runs, 1 failed" in captured.err


def test_quiet_says_nothing(clock, capsys):
    with SweepProgress({"a": 1.0}, quiet=True) as progress:
        progress({"event": "failed", "id": "a", "reason": "loss is NaN"})
        clock.now = 99.0
        progress({"event": "extended", "id": "b", "reason": "edge"})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_runs_that_were_done_before_do_not_count(clock):
    with SweepProgress({"a": 1.0, "b": 3.0}, quiet=True) as progress:
        progress({"event": "skipped", "id": "b"})
        progress({"event": "finished", "id": "a"})
        assert progress.share == 1.0
