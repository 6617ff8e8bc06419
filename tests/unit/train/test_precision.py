"""bfloat16 only where a trial on the run's own model says that it pays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from training import small_corpus, spec

from isoflop.train import precision
from isoflop.train.gradient import Autograd, Gradient
from isoflop.train.machine import Machine
from isoflop.train.precision import Trial, try_bfloat16, worth_a_trial
from isoflop.train.trainer import Training, train_run

if TYPE_CHECKING:
    from pathlib import Path

    from isoflop.runs.run import Point

SLOW = Machine(peak=1e11, peak_bfloat16=1e9, cores=2, processor="p", python="3", torch="2")
FAST = Machine(peak=1e11, peak_bfloat16=1e12, cores=2, processor="p", python="3", torch="2")
STEPS = 160


class Interrupted(Exception):
    pass


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Seconds of a step by type: a trial reads these instead of the clock, in short runs too."""
    monkeypatch.setattr(precision, "SHARE", 2 * precision.STEPS / STEPS)
    seconds = {"float32": 2.0, "bfloat16": 1.0}
    timed = precision._timed

    def pretend(training: Training, gradient: Gradient | Autograd) -> tuple[float, float]:
        half = isinstance(gradient, Autograd) and gradient.dtype == torch.bfloat16
        return seconds["bfloat16" if half else "float32"], timed(training, gradient)[1]

    monkeypatch.setattr(precision, "_timed", pretend)
    return seconds


@pytest.mark.parametrize(
    ("speedup", "cosine", "loss", "dtype"),
    [
        (1.25, 0.999, 0.001, "bfloat16"),
        (1.15, 0.999, 0.001, "float32"),  # not by a clear margin
        (3.0, 0.95, 0.001, "float32"),  # another gradient
        (3.0, 0.999, 0.05, "float32"),  # another loss
        (3.0, float("nan"), 0.001, "float32"),
    ],
)
def test_a_trial_needs_speed_and_the_same_gradient(
    speedup: float, cosine: float, loss: float, dtype: str
) -> None:
    assert Trial(speedup=speedup, cosine=cosine, loss=loss).dtype == dtype


def test_a_trial_is_for_fast_machines_and_long_runs() -> None:
    long = Training(spec(steps=800).setup, small_corpus())
    assert worth_a_trial(long, FAST)
    assert not worth_a_trial(long, SLOW)
    assert not worth_a_trial(Training(spec(steps=799).setup, small_corpus()), FAST)


def test_a_trial_measures_and_leaves_no_trace() -> None:
    training = Training(spec(steps=STEPS).setup, small_corpus())
    before = training.optimizer.values.clone()
    found = try_bfloat16(training)
    assert torch.equal(training.optimizer.values, before)
    assert found.speedup > 0
    assert 0.99 < found.cosine <= 1.0001  # measured: 0.9999
    assert 0 < found.loss < 0.01  # two types, not the same one twice


def test_a_run_in_bfloat16_trains_to_about_the_same_loss(forced: dict[str, float]) -> None:
    corpus, one = small_corpus(), spec(steps=STEPS)
    half = train_run(one, corpus, machine=FAST)
    plain = train_run(one, corpus, machine=SLOW)
    assert (half.provenance["dtype"], plain.provenance["dtype"]) == ("bfloat16", "float32")
    assert half.measured["bfloat16_speedup"] == 2.0
    assert "bfloat16_speedup" not in plain.measured
    assert half.id == plain.id
    assert half.loss != plain.loss
    assert half.loss == pytest.approx(plain.loss, rel=0.02)


def test_a_trial_that_finds_no_gain_changes_no_bit(forced: dict[str, float]) -> None:
    forced["bfloat16"] = 1.9
    corpus, one = small_corpus(), spec(steps=STEPS)
    tried = train_run(one, corpus, machine=FAST)
    plain = train_run(one, corpus, machine=SLOW)
    assert tried.provenance["dtype"] == "float32"
    assert tried.measured["bfloat16_speedup"] == pytest.approx(2.0 / 1.9)
    assert tried.loss == plain.loss


def test_a_run_ends_in_the_type_it_began_in(tmp_path: Path, forced: dict[str, float]) -> None:
    corpus, one = small_corpus(), spec(steps=STEPS)
    undisturbed = train_run(one, corpus, machine=FAST)

    def interrupt(point: Point) -> None:
        if point.step > 20:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_run(
            one, corpus, folder=tmp_path, on_point=interrupt, checkpoint_seconds=0.0, machine=FAST
        )
    resumed = train_run(one, corpus, folder=tmp_path, machine=SLOW)  # the probe now says otherwise
    assert resumed.provenance["dtype"] == "bfloat16"
    assert resumed.loss == undisturbed.loss
