"""The whole loop: design, train, fit, hold out, plan. One folder, resumable at any point."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from isoflop.design.sweep import (
    TEMPLATE,
    Sweep,
    heldout,
    isoflop,
    neighbour,
    rate_probes,
    seed_repeats,
)
from isoflop.fit.isoflop import fit_profile
from isoflop.protocols.analyse import analyse
from isoflop.protocols.document import (
    added_up,
    corpus_record,
    now,
    provenance,
    save_result,
    time_table,
)
from isoflop.protocols.execute import WORKER, run_sweep
from isoflop.store import Store
from isoflop.train.engine import LocalEngine, usable_cores

if TYPE_CHECKING:
    from pathlib import Path

    from isoflop.design.spec import RunSpec
    from isoflop.protocols.result import StudyResult
    from isoflop.protocols.settings import StudySettings
    from isoflop.runs.run import Run
    from isoflop.train.corpus import Corpus

Listener = Callable[[dict[str, Any]], None]


def design_study(settings: StudySettings, corpus: str, vocab: int = TEMPLATE.vocab) -> Sweep:
    """Design every run of a study: parabolas, held-out runs, rate probes, seed repeats.

    Args:
        settings: the study's settings; corpus: digest of the corpus; vocab: its token ids.
    """
    template = msgspec.structs.replace(TEMPLATE, vocab=vocab)
    given = {"corpus": corpus, "template": template, "seed": settings.seed}
    sweep = isoflop(settings.budgets, sizes=settings.sizes, widths=settings.widths, **given)
    total = sweep
    if settings.heldout is not None:
        total += heldout(settings.heldout, **given)
    if settings.probe_budget is not None:
        total += rate_probes(sweep, _nearest(settings.probe_budget, settings.budgets))
    if settings.seeds:
        total += seed_repeats(sweep, min(settings.budgets), settings.seeds)
    return total


def _nearest(value: float, budgets: Sequence[float]) -> float:
    return min(budgets, key=lambda budget: abs(budget / value - 1))


def run_study(
    settings: StudySettings,
    folder: Path,
    corpus: Corpus,
    *,
    workers: int | None = None,
    costs: Mapping[str, float] | None = None,
    keep_checkpoints: bool = False,
    retry_failed: bool = False,
    on_event: Listener = lambda event: None,
) -> StudyResult:
    """Run a study in a folder, or go on where it stopped; the result is also in result.json.

    Finished runs are not repeated and unfinished ones resume from their checkpoint. If the
    minimum of a budget is not enclosed by two sizes on each side, sizes are added there.

    Args:
        settings: what to do.
        folder: the study's folder.
        corpus: tokens, loaded.
        workers: processes; as many as usable cores if None.
        costs: id -> expected seconds; the dearest run starts first. FLOPs if None.
        keep_checkpoints: keep the final weights of every run.
        retry_failed: train failed runs again.
        on_event: called with what happens, for progress.

    Raises:
        StoreError: the folder cannot be written, or another process is writing it.
        CorpusError: the corpus is too small for a budget.
    """
    started, clock = now(), time.perf_counter()
    store = Store(folder)
    sweep = design_study(settings, corpus.digest, corpus.vocab)
    corpus.check(max(spec.setup.tokens for spec in sweep.specs))
    training = _train(
        sweep,
        store,
        settings,
        workers=workers,
        on_event=on_event,
        costs=costs,
        keep_checkpoints=keep_checkpoints,
        retry_failed=retry_failed,
    )
    runs = _runs_of(training.sweep, store)
    begun = time.perf_counter()
    result = analyse(
        runs,
        {run.id: store.points(run.id) for run in runs},
        settings,
        corpus=corpus_record(corpus),
        timing={},
        added=training.added,
        provenance=provenance(settings, corpus, started, runs),
    )
    ended = time.perf_counter()
    timing = time_table(
        [run for run in runs if run.id in training.finished],
        workers=workers or usable_cores(),
        training=training.seconds,
        analysis=ended - begun,
        total=ended - clock,
    )
    timing = added_up(folder, timing, trained=bool(training.finished))
    result = msgspec.structs.replace(result, timing=timing)
    save_result(result, folder)
    return result


def _runs_of(sweep: Sweep, store: Store) -> list[Run]:
    """Return a sweep's runs, finished and failed; the folder may hold others."""
    specs = {spec.id for spec in sweep.specs}
    return [run for run in store.runs() if run.id in specs]


@dataclass
class Training:
    """What a session trained: the sweep with what was added, why, what it finished, seconds."""

    sweep: Sweep
    added: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    seconds: float = 0.0


def _train(
    sweep: Sweep,
    store: Store,
    settings: StudySettings,
    *,
    workers: int | None,
    on_event: Listener,
    **how: Any,
) -> Training:
    """Train a sweep and the sizes that its minima ask for."""
    done = Training(sweep)
    with LocalEngine(WORKER, workers=workers) as engine:
        while True:
            summary = run_sweep(
                done.sweep.specs,
                store,
                corpus=settings.corpus,
                on_event=on_event,
                engine=engine,
                **how,
            )
            done.seconds += summary.seconds
            done.finished |= set(summary.finished)
            more = extensions(done.sweep, store, settings)
            if not more:
                return done
            for spec, reason in more:
                done.added.append(f"width {spec.setup.architecture.width} at {reason}")
                on_event({"event": "extended", "id": spec.id, "reason": done.added[-1]})
            done.sweep += Sweep(specs=tuple(spec for spec, _ in more))


def extensions(sweep: Sweep, store: Store, settings: StudySettings) -> list[tuple[RunSpec, str]]:
    """Return the sizes to add where a budget's minimum is not enclosed, with the reason.

    At most `settings.extensions` sizes are added to a budget. Which ones depends on the runs of
    the sweep only, so a study that goes on finds the sizes it had added before.
    """
    more = []
    done = {run.id: run for run in store.runs()}
    for budget in sorted({s.budget for s in sweep.with_role("isoflop")}):
        specs = [s for s in sweep.with_role("isoflop") if s.budget == budget]
        runs = [done[s.id] for s in specs if s.id in done and done[s.id].loss is not None]
        if len(runs) < 3:
            continue
        import numpy as np

        N, C, loss = (
            np.array(v)
            for v in zip(*((r.N[settings.convention], r.C, r.loss) for r in runs), strict=True)
        )
        profile = fit_profile(budget, N, C, loss)
        extra = len(specs) - (len(settings.widths) if settings.widths else settings.sizes)
        if profile.ok or not profile.side or extra >= settings.extensions:
            continue
        spec = neighbour(sweep, budget, profile.side)
        if spec is not None:
            more.append((spec, f"budget {budget:.3g}: {profile.reason}"))
    return more
