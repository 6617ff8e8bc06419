"""Every fault that is planted in a sound study is found, and nothing in the sound one."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from audited_runs import BUDGETS, LAW, SAID, clean, columns, loss_of, optimum, table

import isoflop
from isoflop.runs.convention import Convention
from isoflop.runs.table import RunTable
from isoflop.validate.audit import audit_table
from isoflop.validate.audit.codes import CODES, source_of


def found(runs, **settings):
    return {f.code: f for f in audit_table(runs, **settings).findings}


def planted(seed=0, **changes):
    return table(**columns(seed) | changes)


def rows(values, chosen, factor):
    """Return values with some of them multiplied."""
    changed = np.array(values, dtype=float)
    changed[chosen] *= factor
    return changed


# Counting -----------------------------------------------------------------------------------------
def test_counts_of_N_that_change_the_exponent():
    c = columns()
    # The head weighs more in small models: 30 % of the smallest, none of the largest.
    share = 1 - 0.3 * (c["N"] / c["N"].min()) ** -0.5
    said = found(planted(N_matrices=c["N"] * share))["counting"]
    assert said.severity == "note"
    assert set(said.numbers) == {"matrices", "matrices+head", "all"}
    assert said.numbers["matrices"] > said.numbers["matrices+head"] + 0.02
    silent = table(Convention(), **c | {"N_matrices": c["N"] * share})
    assert found(silent)["counting"].severity == "warning"
    assert found(silent)["unstated"].severity == "note"


def test_a_label_that_says_N_was_counted_in_several_ways():
    c = columns()
    count = np.array([("all", "matrices")[k % 2] for k in range(len(c["N"]))], dtype=object)
    finding = found(planted(param_convention=count))["counting"]
    assert finding.severity == "warning"
    assert set(finding.numbers) == {"all", "matrices"}


@pytest.mark.parametrize("factor", [1 / 3, 1.25])
def test_flops_that_disagree_with_the_convention(factor):
    finding = found(planted(C=columns()["C"] * factor))["not-6nd"]
    assert finding.severity == "warning"
    assert finding.numbers["median"] == pytest.approx(factor)
    assert ("forward" in finding.message) == (factor < 1)
    assert {m.what.partition(" at ")[0] for m in finding.moves} == {"exponent of N*", "N*", "loss"}


def test_losses_of_two_tokenizers_without_a_label():
    loss = columns()["loss"]
    bits = rows(loss / 3.0, slice(0, 12), 1.3)
    assert found(planted(bits_per_byte=bits))["units"].severity == "warning"
    assert "units" not in found(planted(bits_per_byte=loss / 3.0))


def test_tokenizers_are_audited_one_by_one():
    names = np.array([("a", "b")[k % 2] for k in range(37)], dtype=object)
    audit = audit_table(planted(tokenizer=names))
    assert any(f.code == "mixed-tokenizer" for f in audit.findings)
    assert {f.group for f in audit.passed} == {"", "tokenizer a", "tokenizer b"}
    assert {name.partition(":")[0] for name in audit.answer} == {"tokenizer a", "tokenizer b"}


def test_a_label_that_explains_the_residuals():
    other = np.arange(37) % 3 == 0
    loss = rows(columns()["loss"], other, 1.02)
    kind = np.where(other, "web", "books").astype(object)
    finding = found(planted(loss=loss, sampler=kind))["labels"]
    assert finding.severity == "warning"
    assert finding.numbers["spread"] == pytest.approx(0.02, rel=0.3)


def test_diverged_runs_make_no_kind_of_their_label():
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 12), np.geomspace(1e9, 1e11, 12)))
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(len(N)))
    loss = (1.8 + 480 / N**0.35 + 2100 / D**0.37) * noise
    loss[[5, 60, 110]] *= 2.2
    kind = np.where(np.arange(144) % 5 == 0, "web", "books").astype(object)
    table = RunTable.from_columns({"N": N, "D": D, "loss": loss, "sampler": kind})
    codes = {f.code for f in audit_table(table).findings}
    assert "outliers" in codes
    assert "labels" not in codes


# Training -----------------------------------------------------------------------------------------
def test_runs_before_the_end_of_their_schedule():
    c = columns()
    cut = np.arange(37) % 4 == 0
    finding = found(
        planted(loss=rows(c["loss"], cut, 1.03), total_steps=np.where(cut, 2.0, 1.0) * c["steps"])
    )["schedule"]
    assert finding.severity == "warning"
    assert finding.numbers["rows"] == cut.sum()
    assert finding.numbers["least done"] == pytest.approx(0.5)
    assert finding.moves


def test_rates_that_were_never_annealed():
    assert found(planted(final_lr=columns()["lr"]))["schedule"].numbers["rows"] == 37


def test_a_warmup_of_fixed_length():
    steps = columns()["steps"]
    fixed = np.full(37, 0.2 * steps.min())
    assert "warmup" not in found(planted(warmup_steps=0.09 * steps))
    finding = found(planted(warmup_steps=fixed))["warmup"]
    assert finding.severity == "warning"
    assert finding.numbers["longest share"] == pytest.approx(0.2)


def tuned_badly(name, scale):
    """A column that is off by a known factor, and the loss for it."""
    c = columns()
    rng = np.random.default_rng(5)
    off = rng.normal(0.3, 0.8, 37)
    return {name: c[name] * np.exp(off), "loss": c["loss"] * np.exp(scale * off**2)}


@pytest.mark.parametrize(("name", "code"), [("lr", "lr-trend"), ("batch", "batch-trend")])
def test_rates_and_batches_that_were_not_tuned(name, code):
    finding = found(planted(**tuned_badly(name, 0.01)))[code]
    assert finding.severity == "warning"
    assert finding.numbers["p"] < 1e-3


def probed(gain):
    """The smallest and the largest model of one budget at twice their rate."""
    c = columns()
    again = [7, 13]
    more = {name: np.r_[values, values[again]] for name, values in c.items()}
    more["lr"][-2:] *= 2
    more["loss"][-2:] += [0.05, -gain]
    more["role"] = np.array(["isoflop"] * 37 + ["lr_probe"] * 2, dtype=object)
    return table(**more)


def test_probes_that_do_better_at_one_end():
    assert "rate" not in found(probed(gain=-0.05))
    finding = found(probed(gain=0.1))["rate"]
    assert finding.severity == "warning"
    assert max(finding.numbers.values()) == pytest.approx(2.0)


def test_several_rates_a_size_in_one_fit():
    c = columns()
    more = {name: np.r_[values, values] for name, values in c.items()}
    more["lr"][37:] *= 4
    more["loss"][37:] *= 1.05
    finding = found(table(**more))["rate"]
    assert finding.numbers["runs"] >= 30
    assert finding.moves


def test_text_that_is_repeated():
    c = columns()
    fresh = found(planted(U=c["D"].max() / 4 * np.ones(37)))
    assert "epochs" not in fresh
    finding = found(planted(U=np.full(37, c["D"].max() / 20)))["epochs"]
    assert finding.severity == "warning"
    assert finding.numbers["epochs"] == pytest.approx(20)


def test_repeated_text_with_a_law_that_knows_of_it():
    runs = planted(U=np.full(37, columns()["D"].max() / 20))
    fit = isoflop.fit(runs, "chinchilla[D=repeated_tokens]", profile=False)
    assert "epochs" not in found(runs, fit=fit)


def test_single_seeds():
    assert found(clean().take(np.arange(35)))["seeds"].severity == "note"


def test_runs_that_diverged():
    status = np.array(["finished"] * 36 + ["diverged"], dtype=object)
    loss = rows(columns()["loss"], 36, np.nan)
    audit = found(planted(status=status, loss=loss))
    assert audit["failed"].numbers["failed"] == 1
    assert "not-finite" not in audit


def test_runs_that_are_there_twice():
    finding = found(clean().take(np.r_[np.arange(37), 4, 9]))["duplicate"]
    assert finding.numbers["rows"] == 2
    assert finding.moves


def test_budgets_that_some_runs_do_not_name():
    budget = rows(columns()["budget"], slice(7, 14), np.nan)
    passed = {f.code: f for f in audit_table(planted(budget=budget)).passed}
    assert passed["minimum"].message.startswith("all 4 budgets")


# Design -------------------------------------------------------------------------------------------
def test_optima_on_the_edge_of_the_grid():
    finding = found(clean(centre=(1, 1, 1, 1, 5)))["minimum"]
    assert finding.severity == "warning"
    assert finding.numbers["budget"] == pytest.approx(BUDGETS[-1])
    assert finding.moves[0].what == "exponent of N* (approach 2)"
    everywhere = found(clean(centre=6.0, budgets=BUDGETS))["minimum"]
    assert everywhere.severity == "error"
    # Two sizes above the best one are needed, so that one above it is an edge too.
    beside = found(clean(centre=2.5, budgets=BUDGETS))["minimum"]
    assert "in 5 of 5 budgets the best size has fewer than 2 sizes" in beside.message


def test_grids_that_drift_off_centre():
    finding = found(clean(centre=np.geomspace(1, 3, 5), sizes=11, span=8.0))["centre"]
    assert finding.numbers["off centre"] >= 1
    assert {m.what for m in finding.moves} >= {"exponent of N* (approach 2)"}
    away = found(clean(centre=2.9, sizes=11, span=8.0))["centre"]
    assert away.severity == "warning"


def test_grids_that_are_too_wide():
    # Within 0.3 nats of the minimum, so that all sizes are used.
    finding = found(clean(span=12.0, budgets=tuple(np.array(BUDGETS) * 1e3)))["centre"]
    assert finding.numbers["widest"] == pytest.approx(12.0)


@pytest.mark.parametrize(("ratio", "severity"), [(40.0, "note"), (6.0, "warning")])
def test_compute_that_spans_little(ratio, severity):
    budgets = tuple(np.geomspace(1e19, ratio * 1e19, 5))
    assert found(clean(budgets=budgets))["span"].severity == severity


# The fit ------------------------------------------------------------------------------------------
def test_an_outlier_is_found_and_the_answer_without_it():
    loss = rows(columns()["loss"], 20, 1.08)
    finding = found(planted(loss=loss))["outliers"]
    assert finding.severity == "warning"
    assert finding.numbers["rows"] == 1
    assert finding.numbers["largest residual"] == pytest.approx(0.08, abs=0.015)
    assert finding.moves[0].then == pytest.approx(0.514, abs=0.03)


def test_rows_are_numbered_as_in_the_table():
    c = columns()
    status = np.array(["failed"] * 3 + ["finished"] * 34, dtype=object)
    kinds = np.array(["a", "b"] + ["b"] * 35, dtype=object)
    loss = rows(c["loss"], 20, 1.08)
    finding = found(planted(loss=loss, status=status, tokenizer=kinds))["outliers"]
    assert "(20; counted from 0)" in finding.message


def test_outliers_do_not_hide_one_another():
    loss = rows(columns()["loss"], [0, 8, 16, 24, 32], 1.1)
    assert found(planted(loss=loss))["outliers"].numbers["rows"] >= 5


def test_a_run_that_decides_the_answer():
    c = columns()
    far = {name: np.r_[values, values[-1:]] for name, values in c.items()}
    far["N"][-1], far["D"][-1] = c["N"].max() * 30, c["D"].max()
    far["C"][-1] = 6 * far["N"][-1] * far["D"][-1]
    far["budget"][-1] = far["C"][-1]
    far["loss"][-1] = loss_of(far["N"][-1], far["D"][-1]) * 1.15
    finding = found(table(**far))["leverage"]
    assert finding.severity == "warning"
    assert finding.numbers["row"] == 37


def test_checkpoints_taken_for_runs():
    rng = np.random.default_rng(2)
    N = np.repeat(np.geomspace(3e7, 1e9, 8), 12)
    D = np.tile(np.geomspace(2e9, 2e10, 12), 8)
    # What one run has, all its checkpoints have: noise that is a walk along the run.
    walk = np.cumsum(rng.normal(0, 0.01, (8, 12)), axis=1).ravel()
    loss = loss_of(N, D) * np.exp(walk)
    bare = found(table(SAID, N=N, D=D, C=6 * N * D, loss=loss))
    assert bare["correlated"].severity == "warning"
    named = np.array([f"r{k // 12}" for k in range(96)], dtype=object)
    assert "checkpoints" in found(table(SAID, N=N, D=D, C=6 * N * D, loss=loss, run=named))


def test_a_floor_that_cannot_be():
    c = columns(noise=1e-3)
    # Twice the reducible part over a floor of -0.3: small runs that are badly trained.
    loss = 2 * (c["loss"] - LAW["E"]) - 0.3
    low = found(table(**c | {"loss": loss}))["floor"]
    assert low.severity == "warning"
    assert low.numbers["E"] == 0
    fit = isoflop.fit(clean(), "chinchilla")
    high = msgspec.structs.replace(fit, estimate=fit.estimate | {"E": 9.0})
    assert found(clean(), fit=high)["floor"].severity == "error"


def test_parameters_at_a_bound():
    fit = isoflop.fit(clean(), "chinchilla")
    at = msgspec.structs.replace(fit, at_bound=("alpha",), reasons={"alpha": "`alpha` is at 5."})
    assert found(clean(), fit=at)["bounds"].severity == "warning"


def test_a_fit_of_other_runs():
    fit = isoflop.fit(clean(1), "chinchilla")
    assert found(clean(0), fit=fit)["fit"].severity == "warning"
    assert "fit" not in found(clean(1), fit=fit)


def test_a_target_that_is_far_away():
    largest = BUDGETS[-1]
    assert "extrapolation" not in found(clean(), target=largest / 2)
    assert found(clean(), target=5 * largest)["extrapolation"].severity == "note"
    far = found(clean(), target=1e24)["extrapolation"]
    assert far.severity == "warning"
    assert far.numbers["decades"] == pytest.approx(np.log10(1e24 / largest))


# All of them --------------------------------------------------------------------------------------
def test_a_sound_study_says_so():
    audit = audit_table(clean())
    assert audit.sound
    assert "nothing" in audit.summary
    assert not [f for f in audit.findings if f.severity in ("warning", "error")]
    assert audit.answer["exponent of N*"].estimate == pytest.approx(
        LAW["beta"] / (LAW["alpha"] + LAW["beta"]), abs=0.02
    )
    at = next(name for name in audit.answer if name.startswith("N* at"))
    assert audit.answer[at].estimate == pytest.approx(optimum(10 * BUDGETS[-1]), rel=0.15)


def test_every_finding_is_whole():
    bad = planted(
        loss=rows(columns()["loss"], 20, 1.3),
        C=columns()["C"] / 3,
        warmup_steps=columns()["steps"] / 2,
        U=np.full(37, 1e8),
    )
    audit = audit_table(bad, target=1e25)
    assert len(audit.findings) > 4
    ranks = [("error", "warning", "note").index(f.severity) for f in audit.findings]
    assert ranks == sorted(ranks)
    for finding in audit.findings:
        assert finding.code in CODES
        assert finding.source == source_of(finding.code) != ""
        assert finding.why
        assert finding.remedy
        assert finding.severity in CODES[finding.code].severities
    again = msgspec.json.decode(msgspec.json.encode(audit), type=type(audit))
    assert again == audit


@pytest.mark.parametrize(
    ("name", "other", "code"), [("lr", "N", "lr-trend"), ("batch", "D", "batch-trend")]
)
def test_two_values_whose_best_moves_with_size(name, other, code):
    """Neither value is better on the whole: one suits the small runs, the other the large ones."""
    c = columns()
    best = (c[other] / np.median(c[other])) ** 0.5
    used = np.where(np.random.default_rng(2).random(37) < 0.5, 0.5, 2.0)
    loss = c["loss"] * np.exp(0.01 * np.log(used / best) ** 2)
    finding = found(planted(**{name: used * c[name].mean(), "loss": loss}))[code]
    assert finding.severity == "warning"
    assert finding.numbers["p"] < 1e-3


def test_one_learning_rate_for_all_sizes_is_told():
    finding = found(planted(lr=np.full(37, 1e-3)))["lr-trend"]
    assert finding.severity == "note"
    N = columns()["N"]
    assert finding.numbers["span of N"] == pytest.approx(N.max() / N.min())


@pytest.mark.parametrize(("ratio", "said"), [(1 / np.log(2), True), (1.1, False)])
def test_many_runs_on_another_curve(ratio, said):
    """A third of the losses in bits: too many for a test that takes outliers one by one."""
    other = np.arange(37) % 3 == 0
    finding = found(planted(loss=rows(columns()["loss"], other, ratio)))["outliers"]
    assert finding.severity == "warning"
    assert finding.numbers["rows"] == other.sum()
    assert finding.numbers["median ratio"] == pytest.approx(ratio, rel=0.01)
    assert ("bits" in finding.message) == said


@pytest.mark.parametrize("name", ["N", "D"])
def test_millions_show_in_tokens_a_parameter(name):
    finding = found(planted(**{name: columns()[name] / 1e6}))["scale"]
    assert finding.severity == "warning"
    assert abs(np.log10(finding.numbers["found"] / 20)) > 5


def test_flops_in_another_unit_show_beside_6nd():
    finding = found(planted(C=columns()["C"] / 1e9))["scale"]
    assert finding.severity == "warning"
    assert finding.numbers["found"] == pytest.approx(1e-9)
    assert finding.why.startswith("C looks as if")
    assert "C * 1e9" in finding.remedy


def test_complete_runs_with_a_step_counter_are_not_checkpoints():
    c = columns()
    rows = np.arange(35)  # without the two further seeds
    named = {name: values[rows] for name, values in c.items() if name != "steps"}
    whole = table(**named, step=c["steps"][rows], total_steps=c["steps"][rows])
    assert "checkpoints" not in found(whole)
