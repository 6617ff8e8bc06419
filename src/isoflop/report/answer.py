"""The answer of a study and how sure it is, in words; page and summary both say it from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from isoflop.fit.misses import alone
from isoflop.report import data, text
from isoflop.units import format_count, format_loss, format_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from isoflop.fit.records import Interval
    from isoflop.protocols.result import Heldout, PlanAnswer, StudyResult
    from isoflop.samples import Estimate

Grade = Literal["good", "caution", "bad"]


class Number(NamedTuple):
    """One number of the answer, as it is shown and as the document has it."""

    name: str
    symbol: str
    shown: str
    value: float
    interval: str
    unit: str


class Verdict(NamedTuple):
    """One line on how far the answer can be trusted."""

    grade: Grade
    subject: str
    sentence: str


def headline(result: StudyResult) -> str:
    """Return the answer in one sentence, or why there is none."""
    plan = result.plan
    if plan is None:
        errors = [f.message for f in result.findings if f.severity == "error"]
        reasons = [text.sentence(message) for message in errors]
        return " ".join(
            [f"This {data.subject(result)} gives no plan.", *(reasons or _failures(result))]
        )
    return (
        f"With {text.flops(plan.C)} training FLOPs, train a model of "
        f"{format_count(plan.N.estimate)} parameters on {format_count(plan.D.estimate)} tokens, "
        f"and expect a validation loss of {format_loss(plan.loss.estimate)} nats per token."
    )


def numbers(result: StudyResult) -> list[Number]:
    """Return N*, D*, loss and tokens per parameter of the plan; empty without a plan."""
    plan = result.plan
    if plan is None:
        return []
    counted = text.convention(plan.convention)
    return [
        _number("Parameters", "N*", plan.N, format_count, f"parameters, {counted}"),
        _number("Tokens", "D*", plan.D, format_count, "tokens processed"),
        _number("Loss", "L", plan.loss, format_loss, "nats per token, validation"),
        _number("Ratio", "D*/N*", plan.tokens_per_parameter, format_ratio, "tokens per parameter"),
    ]


def held(plan: PlanAnswer) -> str:
    """Return what the intervals of the plan hold."""
    return said(plan.N.holds, plan.loss.holds, plan.sampling)


def said(size: str, loss: str, sampling: Mapping[str, Interval]) -> str:
    """Return what intervals hold, as sentences.

    Args:
        size: of N and D; loss: of the loss; sampling: intervals of the samples alone.
    """
    parts = [f"N and D: {size}." if size else "", f"Loss: {loss}." if loss else "", alone(sampling)]
    return " ".join(part for part in parts if part)


def facts(plan: PlanAnswer) -> list[tuple[str, str]]:
    """Return what stands next to the numbers: distance of the extrapolation, flat ranges."""
    largest = plan.C / 10**plan.decades
    distance = (
        f"{text.decades(plan.decades)} ({text.factor(plan.decades)}) beyond the largest compute "
        f"in the fit, {text.flops(largest)} FLOPs"
    )
    flat = [
        (
            f"Within {text.cost(name)} of the loss",
            f"any N from {format_count(low)} to {format_count(high)}",
        )
        for name, (low, high) in plan.flat.items()
    ]
    return [("Extrapolation", distance), *flat]


def verdicts(result: StudyResult) -> list[Verdict]:
    """Return how sure the answer is: held-out prediction, self-checks, agreement, runs."""
    found = [_heldout(result.heldout), _checks(result), _agreement(result)]
    failed = result.runs.get("failed", 0)
    if failed:
        total = failed + result.runs.get("finished", 0)
        found.append(Verdict("caution", "Runs", f"{failed} of {total} runs failed."))
    return found


def _number(
    name: str, symbol: str, value: Estimate, write: Callable[[float], str], unit: str
) -> Number:
    ends = text.interval(value.interval, write)
    return Number(name, symbol, write(value.estimate), value.estimate, ends, unit)


def _failures(result: StudyResult) -> list[str]:
    failed = [a for a in data.approaches(result) if not a.ok]
    return [f"{data.short(a)}: {' '.join(a.notes).rstrip('.')}." for a in failed]


def _heldout(held: Heldout | None) -> Verdict:
    subject = "Held-out prediction"
    if held is None:
        return Verdict("caution", subject, "No larger run was held out, so nothing was tested.")
    inside = sum(cell.covered for cell in held.cells)
    sentence = (
        f"At {text.flops(held.budget)} FLOPs, {text.decades(held.decades)} beyond the budgets "
        f"used for this test, the best run was predicted at {format_loss(held.predicted)} "
        f"({text.interval(held.interval, format_loss)}) and came out at "
        f"{format_loss(held.observed)} nats per token: "
        f"{'inside' if held.covered else 'outside'} the {text.percent(held.level)} interval. "
        f"{inside} of {text.plural(len(held.cells), 'held-out run')} inside."
    )
    wide = sum(None in cell.interval for cell in held.cells)
    if wide:
        sentence += f" Intervals that are open, and so hold anything: {wide}."
    grade: Grade = "good" if inside == len(held.cells) and not wide else "caution"
    return Verdict(grade if held.covered else "bad", subject, sentence)


def _checks(result: StudyResult) -> Verdict:
    words = {"error": "error", "warning": "warning", "note": "note"}
    counts = data.severities(result)
    if not counts:
        return Verdict("caution", "Self-checks", "No check was made.")
    passed = f"{counts.get('ok', 0)} of {text.plural(len(result.findings), 'check')} passed"
    rest = [text.plural(counts[name], word) for name, word in words.items() if name in counts]
    worst = next(iter(counts))
    grades: dict[str, Grade] = {"error": "bad", "warning": "caution"}
    sentence = ", ".join([passed, *rest]) + "."
    # Held-out runs and disagreements have lines of their own.
    own = (f for f in result.findings if f.code not in {"heldout", "disagreement"})
    quoted = [text.sentence(f.message) for f in own if f.severity == worst and worst in grades]
    sentence = " ".join([sentence, *quoted[:1]])
    return Verdict(grades.get(worst, "good"), "Self-checks", sentence)


def _agreement(result: StudyResult) -> Verdict:
    subject = "Three approaches"
    known = [a for a in data.approaches(result) if a.ok and a.N_exponent]
    values = ", ".join(text.exponent(a.N_exponent.estimate) for a in known if a.N_exponent)
    if len(known) < 2:
        return Verdict("bad" if not known else "caution", subject, _alone(len(known)))
    spread = f"Exponents of N*(C): {values}."
    if result.disagreement:
        more = len(result.disagreement) - 1
        rest = f" ({text.plural(more, 'more difference')} below.)" if more else ""
        first = text.sentence(result.disagreement[0])
        return Verdict("caution", subject, f"{spread} They differ: {first}{rest}")
    if len(known) < 3:
        return Verdict("caution", subject, f"Only {len(known)} gave an answer. {spread}")
    return Verdict("good", subject, f"They agree within their intervals. {spread}")


def _alone(count: int) -> str:
    if not count:
        return "None of them gave an answer."
    return "Only one gave an answer, so there is nothing to compare it with."
