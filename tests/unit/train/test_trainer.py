from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch
from training import VOCAB, small_corpus, spec

from isoflop.errors import ConventionError, CorpusError, InputError, StoreError
from isoflop.runs.run import Point, Run
from isoflop.train import checkpoint, schedule
from isoflop.train.batches import Batches, part, validation
from isoflop.train.gradient import LONGEST_CONTEXT, Autograd
from isoflop.train.machine import Machine
from isoflop.train.trainer import Training, train_run

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = Machine(peak=1e11, peak_bfloat16=1e9, cores=2, processor="p", python="3", torch="2")


class Interrupted(Exception):
    pass


def test_a_run_learns_and_records_what_it_did() -> None:
    corpus, points = small_corpus(), []
    run = train_run(spec(steps=300), corpus, on_point=points.append, machine=MACHINE)
    shape = spec().setup.architecture
    assert run.status == "finished"
    assert run.id == spec(steps=300).id
    assert run.loss is not None
    assert run.loss < 0.6 * math.log(VOCAB)
    assert run.bits_per_byte == pytest.approx(run.loss / math.log(2) / 3)
    assert run.D == 300 * 4 * 16
    assert len(corpus.train) == run.U
    assert shape.flops_per_token() * run.D == run.C
    assert 6 * shape.parameters("matrices+head") * run.D == run.C_6ND
    assert set(run.N) == {"matrices", "matrices+head", "all"}
    assert run.measured["val_tokens"] == len(corpus.val) - 1
    assert run.measured["epochs"] == pytest.approx(run.D / len(corpus.train))
    assert run.measured["cpu_seconds"] > 0
    assert run.measured["peak_share"] == pytest.approx(
        run.C / run.measured["cpu_seconds"] / MACHINE.peak
    )
    assert run.provenance["corpus_digest"] == corpus.digest
    assert points[-1].val_loss == run.loss
    assert points[-1].tokens == run.D
    assert msgspec.json.decode(msgspec.json.encode(run), type=Run) == run


def test_points_are_window_means_at_log_spaced_steps() -> None:
    points: list[Point] = []
    train_run(spec(steps=200), small_corpus(), on_point=points.append, machine=MACHINE)
    steps = [point.step for point in points]
    assert steps == sorted(set(steps))
    assert steps[0] == 1
    assert steps[-1] == 200
    assert 25 <= len(points) <= 48
    training = Training(spec(steps=200).setup, small_corpus())
    for step, tokens, targets in training.batches.steps(1, 200):
        training.losses[step - 1] = training.gradient(tokens, targets)
        training.optimizer.step(schedule.multiple(step, 200, 0.05))
    for last, point in itertools.pairwise(points):
        expected = training.losses[last.step : point.step].mean().item()
        assert point.train_loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("stop", [1, 37, 64, 65, 118])
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path: Path, stop: int) -> None:
    one, corpus = spec(steps=120), small_corpus()
    whole: list[Point] = []
    undisturbed = train_run(one, corpus, on_point=whole.append, machine=MACHINE)

    def interrupt(point: Point) -> None:
        if point.step >= stop:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_run(one, corpus, folder=tmp_path, on_point=interrupt, checkpoint_seconds=0.0)
    state = checkpoint.load(tmp_path / "checkpoint.pt", one.id) if stop > 1 else {"step": 0}
    assert state is not None
    rest: list[Point] = []
    resumed = train_run(
        one, corpus, folder=tmp_path, on_point=rest.append, machine=MACHINE, keep_checkpoint=True
    )
    assert rest[0].step == next(p.step for p in whole if p.step > state["step"])
    assert resumed.loss == undisturbed.loss
    assert [(p.step, p.train_loss, p.val_loss) for p in rest] == [
        (p.step, p.train_loss, p.val_loss) for p in whole if p.step > state["step"]
    ]
    final = checkpoint.load(tmp_path / "checkpoint.pt", one.id)
    assert final is not None
    training = Training(one.setup, corpus)
    for step, tokens, targets in training.batches.steps(1, 120):
        training.gradient(tokens, targets)
        training.optimizer.step(schedule.multiple(step, 120, 0.05))
    for name, tensor in training.optimizer.state().items():
        assert torch.equal(final["optimizer"][name], tensor), name


def test_points_are_made_sure_of_before_each_checkpoint_that_is_beyond_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str | int] = []
    monkeypatch.setattr(
        checkpoint, "save", lambda path, run, state: told.append(f"saved {state['step']}")
    )
    train_run(
        spec(steps=20),
        small_corpus(),
        folder=tmp_path,
        on_point=lambda point: told.append(point.step),
        before_checkpoint=lambda: told.append("sure"),
        checkpoint_seconds=0.0,
        machine=MACHINE,
    )
    saves = [k for k, what in enumerate(told) if str(what).startswith("saved")]
    assert len(saves) > 10
    for k in saves:
        assert told[k - 1] == "sure"
        step = int(str(told[k]).split()[1])
        assert max(p for p in told[:k] if isinstance(p, int)) <= step


def test_the_record_comes_before_the_checkpoint_goes(tmp_path: Path) -> None:
    seen = []

    def on_run(run: Run) -> None:
        seen.append((run.status, (tmp_path / "checkpoint.pt").exists()))

    train_run(
        spec(),
        small_corpus(),
        folder=tmp_path,
        on_run=on_run,
        checkpoint_seconds=0,
        machine=MACHINE,
    )
    assert seen == [("finished", True)]
    assert not list(tmp_path.iterdir())


def test_a_run_that_leaves_the_finite_numbers_is_recorded_as_failed() -> None:
    run = train_run(spec(rate=1e38), small_corpus(), machine=MACHINE)
    assert run.status == "failed"
    assert run.reason.startswith(("training loss is nan", "training loss is inf"))
    assert run.loss is None
    assert run.bits_per_byte is None
    assert 0 < run.D < spec().setup.tokens


def test_a_run_worse_than_the_uniform_guess_is_recorded_as_failed() -> None:
    run = train_run(spec(rate=3.0, steps=100), small_corpus(), machine=MACHINE)
    assert run.status == "failed"
    assert "above the uniform guess 3.466" in run.reason


def test_runs_on_another_corpus_or_vocabulary_are_refused() -> None:
    other = msgspec.structs.replace(small_corpus(), digest="d" * 64)
    with pytest.raises(ConventionError, match="cccccccccccc, not dddddddddddd"):
        train_run(spec(), other, machine=MACHINE)
    with pytest.raises(InputError, match="32 token ids, the model 16"):
        train_run(spec(vocab=16), small_corpus(), machine=MACHINE)
    with pytest.raises(CorpusError, match="too few for sequences of 16"):
        train_run(spec(), small_corpus(tokens=20), machine=MACHINE)


def test_checkpoints_of_others_and_broken_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    train_run(spec(), small_corpus(), folder=tmp_path, keep_checkpoint=True, machine=MACHINE)
    with pytest.raises(StoreError, match="Resuming it would mix two runs"):
        train_run(spec(seed=1), small_corpus(), folder=tmp_path, machine=MACHINE)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StoreError, match="cannot be read"):
        train_run(spec(), small_corpus(), folder=tmp_path, machine=MACHINE)


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, "id", {"step": 1})
    path.with_suffix(".tmp").mkdir()  # nobody can write a file of this name
    with pytest.raises(StoreError, match="cannot be written"):
        checkpoint.save(path, "id", {"step": 2})
    assert checkpoint.load(path, "id") == {"step": 1}
    path.with_suffix(".tmp").rmdir()


def test_the_order_of_the_data_is_a_function_of_seed_and_step() -> None:
    tokens = small_corpus().train

    def order(first: int, last: int, *, batch: int = 4, seed: int = 0) -> torch.Tensor:
        batches = Batches(tokens, 16, batch, seed).steps(first, last)
        return torch.cat([x for _, x, _ in batches])

    whole = order(1, 700)
    assert torch.equal(order(301, 700), whole[300 * 4 :])
    assert torch.equal(order(1, 350, batch=8), whole)
    assert not torch.equal(order(1, 700, seed=1), whole)
    windows = Batches(tokens, 16, 4, 0).windows
    starts = {tuple(row.tolist()) for row in whole[:windows]}
    assert len(starts) > 0.99 * windows  # each window once an epoch; a few may be equal text
    assert not torch.equal(
        whole[:windows].sort(0).values, whole[windows : 2 * windows].sort(0).values
    )


def test_targets_are_the_tokens_that_follow() -> None:
    tokens = np.arange(1000, dtype=np.uint16)
    for _, x, y in Batches(tokens, 16, 4, 0).steps(1, 30):
        assert torch.equal(y, x + 1)


def test_validation_predicts_each_token_but_the_first_once() -> None:
    tokens = np.arange(5003, dtype=np.uint16)
    batches = validation(tokens, 16)
    targets = torch.cat([y.flatten() for _, y in batches])
    assert targets.tolist() == list(range(1, 5003))
    assert all(torch.equal(y, x + 1) for x, y in batches)


def test_the_schedule_rises_and_ends_at_zero() -> None:
    rates = [schedule.multiple(step, 200, 0.05) for step in range(1, 202)]
    assert max(rates) == rates[9] == 1.0
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == 0.0
    assert np.allclose(np.diff(rates[9:]), -1 / 191)
    assert schedule.multiple(1, 1, 0.05) == 1.0


@pytest.mark.parametrize("val_tokens", [100, 3_000, 20_000, 90_000, 10_000_000])
@pytest.mark.parametrize("run_flops", [1e10, 1e12])
def test_evaluations_keep_to_their_share_of_the_flops(run_flops: float, val_tokens: int) -> None:
    per_token = 4e4
    found = schedule.evaluations(1000, run_flops, per_token, val_tokens)
    before = found.steps[:-1]
    assert found.steps[-1] == 1000
    assert schedule.FEWEST_EVALUATIONS <= len(before) <= schedule.MOST_EVALUATIONS
    assert before[0] == 100
    cost = len(before) * found.tokens * per_token
    last = val_tokens * per_token
    allowed = schedule.EVALUATION_SHARE * run_flops
    if found.tokens < val_tokens:  # a part, as large as can be paid for
        allowed = max(schedule.PART_SHARE * run_flops, schedule.LAST_SHARE * last)
        assert len(before) == schedule.FEWEST_EVALUATIONS
        assert cost > allowed - schedule.FEWEST_EVALUATIONS * per_token
    elif len(before) < schedule.MOST_EVALUATIONS:
        assert cost + last > allowed
    assert cost <= allowed


def test_the_smallest_default_run_is_evaluated_along_the_way() -> None:
    """Its last evaluation costs more than all others; those are of the same part of the text."""
    one, corpus, points = spec(steps=200), small_corpus(), []
    run = train_run(one, corpus, on_point=points.append, machine=MACHINE)
    measured = [point for point in points if point.val_loss is not None]
    assert len(measured) == schedule.FEWEST_EVALUATIONS + 1
    assert [point.step for point in measured][-1] == 200
    assert measured[-1].val_loss == run.loss
    assert measured[-1].val_tokens == run.measured["val_tokens"] == len(corpus.val) - 1
    assert len({point.val_tokens for point in measured[:-1]}) == 1
    assert 0 < measured[0].val_tokens < len(corpus.val) // 4
    assert measured[0].val_loss > measured[-2].val_loss
    training = Training(one.setup, corpus)
    for step, tokens, targets in training.batches.steps(1, measured[0].step):
        training.gradient(tokens, targets)
        training.optimizer.step(schedule.multiple(step, 200, 0.05))
    assert training.evaluate(training.before_end) == measured[0].val_loss


@pytest.mark.parametrize("count", [1, 16, 100, 1_000, 100_000])
def test_a_part_of_the_validation_tokens_is_spread_over_it(count: int) -> None:
    tokens = np.arange(5003, dtype=np.uint16)
    batches = part(tokens, 16, count)
    inputs = torch.cat([x.flatten() for x, _ in batches])
    targets = torch.cat([y.flatten() for _, y in batches])
    assert torch.equal(targets, inputs + 1)
    assert len(set(targets.tolist())) == len(targets) == min(max(16, count // 16 * 16), 4992)
    starts = inputs.view(-1, 16)[:, 0]
    if 16 <= count < 5000:  # even gaps, from the first window to the last
        gaps = torch.diff(starts)
        assert len(gaps) == 0 or gaps.max() - gaps.min() <= 16
        assert len(starts) == 1 or (starts[0], starts[-1]) == (0, 4976)
    assert part(tokens[:9], 16, count)[0][1].numel() == 8


def test_a_long_context_trains_through_autograd() -> None:
    long = spec(steps=10, context=LONGEST_CONTEXT + 8)
    training = Training(long.setup, small_corpus())
    assert isinstance(training.gradient, Autograd)
    run = train_run(long, small_corpus(), machine=MACHINE)
    assert run.status == "finished"
    assert run.loss is not None
    assert run.loss < math.log(VOCAB)


def test_a_resumed_run_multiplies_by_the_library_that_it_began_with() -> None:
    """oneDNN's GELU differs in the last bits; small models train without it, and evaluate with."""
    training = Training(spec().setup, small_corpus())
    began = torch._C._get_mkldnn_enabled()
    training.restore(training.state())
    assert torch._C._get_mkldnn_enabled() == began
    assert not began
