"""Train one run: the loop, its measurements, its checkpoints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from isoflop.errors import ConventionError, CorpusError, InputError
from isoflop.runs.run import Point, Run
from isoflop.train import checkpoint, schedule
from isoflop.train.batches import Batches, part, validation
from isoflop.train.evaluation import Evaluation
from isoflop.train.gradient import LONGEST_CONTEXT, Autograd, Gradient
from isoflop.train.interrupts import StopRequested
from isoflop.train.machine import Machine, one_thread, probe
from isoflop.train.model import Transformer
from isoflop.train.optimizer import Optimizer
from isoflop.train.precision import Trial, try_bfloat16, worth_a_trial
from isoflop.train.record import Clock, record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from isoflop.design.spec import RunSpec, Setup
    from isoflop.train.corpus import Corpus

#: Points of a training curve, spaced evenly in log steps.
POINTS = 40


class DivergedError(Exception):
    """The run cannot go on; the message says what was seen, and when."""


def train_run(
    spec: RunSpec,
    corpus: Corpus,
    *,
    folder: Path | None = None,
    on_point: Callable[[Point], None] = lambda point: None,
    on_run: Callable[[Run], None] = lambda run: None,
    checkpoint_seconds: float = 30.0,
    keep_checkpoint: bool = False,
    machine: Machine | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    before_checkpoint: Callable[[], None] = lambda: None,
) -> Run:
    """Train the model of `spec` to the end of its schedule, or until it diverges.

    Matrix products are in float32, or in bfloat16 where this machine's own trial of the run's
    model says that it pays (`isoflop.train.precision`); the record says which. Evaluation is
    always in float32.

    Continues from `folder/checkpoint.pt` where there is one; a continued run ends with the same
    bits as an undisturbed one on the same machine.

    Args:
        spec: setup and labels of the run.
        corpus: with the digest that the setup names.
        folder: for the checkpoint; without it none is written.
        on_point: called with each point of the curve, in order; after a resume, points between
            the checkpoint and the interruption come a second time, equal but for their seconds.
        on_run: called with the finished record, before the checkpoint is deleted.
        checkpoint_seconds: wall time between checkpoints.
        keep_checkpoint: write one at the end and leave it.
        machine: the probe of this machine, if already at hand.
        should_stop: asked after each step; once it says yes, a checkpoint is written and
            StopRequested raised.
        before_checkpoint: called before one is written: to make sure of the points before it.

    Returns:
        The run; `status` is "failed", with the reason, where the loss left the finite numbers or
        was above the uniform guess in the second half.

    Raises:
        ConventionError: the corpus is not the one that the setup names.
        InputError, CorpusError: vocabulary or length of the corpus do not fit the model.
        StoreError: a checkpoint cannot be written or read.
        StopRequested: `should_stop` said so.
    """
    setup = spec.setup
    check(setup, corpus)
    one_thread()
    machine = machine or probe()
    training = Training(setup, corpus)
    path = None if folder is None else folder / "checkpoint.pt"
    if path is not None and (state := checkpoint.load(path, spec.id)) is not None:
        training.restore(state)
    elif worth_a_trial(training, machine):
        training.choose_dtype()
    save = checkpoint.Saver(path, spec.id, checkpoint_seconds, before_checkpoint)
    reason = _train(training, save, on_point, should_stop)
    if path is not None and keep_checkpoint:
        save(training.state())
    run = record(spec, corpus, training, reason, machine)
    on_run(run)
    if path is not None and not keep_checkpoint:
        path.unlink(missing_ok=True)
    return run


def _train(
    training: Training,
    save: checkpoint.Saver,
    on_point: Callable[[Point], None],
    should_stop: Callable[[], bool],
) -> str:
    """Run the loop; return why the run failed, or nothing."""
    setup = training.setup
    points = set(schedule.log_spaced(setup.steps, POINTS))
    evaluations = set(training.evaluations.steps)
    training.clock.start()
    for step, tokens, targets in training.batches.steps(training.step + 1, setup.steps):
        training.losses[step - 1] = training.gradient(tokens, targets)
        training.optimizer.step(schedule.multiple(step, setup.steps, setup.warmup))
        training.step = step
        if step in points or step in evaluations:
            training.clock.stop()
            try:
                on_point(training.point(evaluate=step in evaluations))
            except DivergedError as diverged:
                return str(diverged)
            training.clock.start()
        stop = should_stop() and step < setup.steps
        if stop or save.due:
            training.clock.stop()
            save(training.state())
            training.clock.start()
        if stop:
            raise StopRequested
    training.clock.stop()
    return ""


class Training:
    """A run in progress: model, optimiser, data, and what was measured so far."""

    def __init__(self, setup: Setup, corpus: Corpus) -> None:
        shape = setup.architecture
        self.setup = setup
        self.model = Transformer(shape, seed=setup.seed)
        self.optimizer = Optimizer(self.model, setup)
        self.dtype = "float32"
        self.trial: Trial | None = None
        # In this order: whichever is made last sets oneDNN on or off for the whole process, and
        # a resumed run, whose gradient is made anew, must go on with the same.
        self.held_out_loss = Evaluation(self.model)
        self.gradient = self.gradient_in(self.dtype)
        self.batches = Batches(corpus.train, shape.context, setup.batch, setup.seed)
        self.validation = validation(corpus.val, shape.context)
        self.val_tokens = count(self.validation)
        forward = shape.flops_per_token() / 3
        self.evaluations = schedule.evaluations(setup.steps, setup.flops, forward, self.val_tokens)
        whole = self.evaluations.tokens >= self.val_tokens
        taken = self.evaluations.tokens
        self.before_end = self.validation if whole else part(corpus.val, shape.context, taken)
        self.losses = torch.zeros(setup.steps)
        self.step = self.reported = 0
        self.val_loss: float | None = None
        self.clock, self.evaluation_clock = Clock(), Clock()

    def gradient_in(self, dtype: str) -> Gradient | Autograd:
        """Return what computes the gradient with matrix products in a type."""
        if dtype == "float32" and self.setup.architecture.context <= LONGEST_CONTEXT:
            return Gradient(self.model, self.setup.batch)
        return Autograd(self.model, getattr(torch, dtype))

    def choose_dtype(self) -> None:
        """Train in bfloat16 from here on if a trial says that it pays."""
        self.trial = try_bfloat16(self)
        self.dtype = self.trial.dtype
        self.gradient = self.gradient_in(self.dtype)

    def point(self, *, evaluate: bool) -> Point:
        """Measure the run at this step.

        Raises:
            DivergedError: a loss is not finite, or above the uniform guess late in training.
        """
        setup, step = self.setup, self.step
        loss = float(self.losses[self.reported : step].mean())
        uniform = math.log(setup.architecture.vocab)
        if not math.isfinite(loss):
            raise DivergedError(f"training loss is {loss} at step {step} of {setup.steps}")
        if 2 * step > setup.steps > 1 and loss > uniform:
            raise DivergedError(
                f"training loss {loss:.3f} is above the uniform guess {uniform:.3f} "
                f"at step {step} of {setup.steps}"
            )
        held_out = self.validation if step == setup.steps else self.before_end
        if evaluate:
            self.val_loss = self.evaluate(held_out)
            if not math.isfinite(self.val_loss):
                raise DivergedError(f"validation loss is {self.val_loss} at step {step}")
        self.reported = step
        tokens = step * setup.batch * setup.architecture.context
        return Point(
            step=step,
            tokens=tokens,
            flops=setup.architecture.flops_per_token() * tokens,
            seconds=self.clock.wall,
            train_loss=loss,
            val_loss=self.val_loss if evaluate else None,
            val_tokens=count(held_out) if evaluate else None,
            rate=schedule.multiple(step, setup.steps, setup.warmup),
        )

    def evaluate(self, held_out: list[tuple[Tensor, Tensor]]) -> float:
        """Return the mean loss over batches of (inputs, targets), nats per token."""
        self.evaluation_clock.start()
        total = sum(self.held_out_loss(x, y) * y.numel() for x, y in held_out)
        self.evaluation_clock.stop()
        return total / count(held_out)

    def state(self) -> dict[str, Any]:
        """Return what a resumed run needs; the data's order is a function of seed and step."""
        return {
            "optimizer": self.optimizer.state(),
            "losses": self.losses[: self.step].clone(),
            "step": self.step,
            "reported": self.reported,
            "val_loss": self.val_loss,
            "dtype": self.dtype,
            "clock": self.clock.state(),
            "evaluation_clock": self.evaluation_clock.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `state` was taken, in the type that the run began in."""
        self.dtype = state.get("dtype", "float32")
        self.gradient = self.gradient_in(self.dtype)
        self.optimizer.restore(state["optimizer"])
        self.step, self.reported = state["step"], state["reported"]
        self.losses[: self.step] = state["losses"]
        self.val_loss = state["val_loss"]
        self.clock = Clock(*state["clock"])
        self.evaluation_clock = Clock(*state["evaluation_clock"])


def count(held_out: list[tuple[Tensor, Tensor]]) -> int:
    """Return the number of tokens that batches of (inputs, targets) predict."""
    return sum(targets.numel() for _, targets in held_out)


def check(setup: Setup, corpus: Corpus) -> None:
    """Refuse a corpus that the setup was not made for, or that does not fit its model.

    Raises:
        ConventionError, InputError, CorpusError: as `train_run` says.
    """
    shape = setup.architecture
    if setup.corpus != corpus.digest:
        raise ConventionError(
            f"the setup is for corpus {setup.corpus[:12]}, not {corpus.digest[:12]}.",
            "Losses on different text, splits or tokenizers are not comparable.",
            "Design the sweep again with this corpus, or give it the --corpus it was made for.",
        )
    if corpus.vocab > shape.vocab:
        raise InputError(
            f"the corpus has {corpus.vocab} token ids, the model {shape.vocab}.",
            do=f"Set the architecture's vocab to {corpus.vocab}.",
        )
    if len(corpus.train) < 2 * shape.context or len(corpus.val) < 2:
        raise CorpusError(
            f"`{corpus.name}` has {len(corpus.train)} training and {len(corpus.val)} validation "
            f"tokens: too few for sequences of {shape.context}."
        )
