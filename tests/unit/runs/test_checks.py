import msgspec
import numpy as np
import pytest

from isoflop.runs.checks import check
from isoflop.runs.convention import Convention
from isoflop.runs.table import RunTable

SAID = Convention(N="all", D="processed", C="6ND", loss="nats/token")


def table(rows=30, convention=SAID, **columns):
    random = np.random.default_rng(0)
    N, D = 10 ** random.uniform(6, 9, rows), 10 ** random.uniform(8, 11, rows)
    base = {"N": N, "D": D, "C": 6 * N * D, "loss": 1.8 + 400 / N**0.34 + 400 / D**0.28}
    return RunTable.from_columns({**base, **columns}, convention=convention)


def found(runs):
    return {finding.code: finding for finding in check(runs)}


def test_a_sound_table_has_no_findings():
    assert check(table()) == []


def test_every_finding_says_why_and_what_to_do_and_is_json():
    base = table(rows=9)
    loss = base["loss"].copy()
    loss[3] = np.nan
    N = base["N"].copy() / 1e12
    N[2] = -1
    bad = table(
        rows=9,
        convention=Convention(),
        N=N,
        loss=loss,
        corpus=["a", "b"] * 4 + ["a"],
        step=list(range(9)),
        D=np.full(9, 2e9),
    )
    findings = check(bad)
    assert {finding.severity for finding in findings} == {"error", "warning", "note"}
    ranks = [("error", "warning", "note").index(finding.severity) for finding in findings]
    assert ranks == sorted(ranks)
    for finding in findings:
        assert finding.message
        assert finding.why
        assert finding.remedy
        assert msgspec.json.decode(msgspec.json.encode(finding))["code"] == finding.code


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_not_finite(value):
    base = table()
    loss = base["loss"].copy()
    loss[[3, 5]] = value
    finding = found(base.with_columns(loss=loss))["not-finite"]
    assert finding.severity == "error"
    assert "2 of 30 rows (3, 5; counted from 0)" in finding.message
    assert finding.numbers["rows"] == 2


def test_wrapped_integers_are_recognised():
    base = table()
    C = base["C"].copy()
    C[0] = -5e18
    finding = found(base.with_columns(C=C))["not-positive"]
    assert "9.2e18" in finding.why
    loss = base["loss"].copy()
    loss[1] = 0.0
    assert "logarithm" in found(base.with_columns(loss=loss))["not-positive"].why


def test_exact_and_near_duplicates():
    base = table()
    twice = base.take(np.r_[np.arange(30), 4, 7])
    assert found(twice)["duplicate"].numbers["rows"] == 2
    assert "near-duplicate" not in found(twice)
    near = twice.with_columns(N=twice["N"] * np.r_[np.ones(30), 1.0003, 1.0003])
    near = near.with_columns(C=6 * near["N"] * near["D"])
    assert found(near)["near-duplicate"].numbers["rows"] == 2
    assert "duplicate" not in found(near)
    seeds = near.with_columns(seed=np.r_[np.zeros(30), 1, 2])
    assert "near-duplicate" not in found(seeds)
    far = twice.with_columns(N=twice["N"] * np.r_[np.ones(30), 1.01, 1.01])
    assert "near-duplicate" not in found(far)


def test_close_runs_are_found_on_either_side_of_a_bin():
    base = table(rows=1)
    for shift in np.linspace(0, 0.01, 40):
        one = base.with_columns(N=base["N"] * (1 + shift))
        pair = one.take(np.array([0, 0])).with_columns(N=one["N"][0] * np.array([1.0, 1.0004]))
        assert "near-duplicate" in found(pair)


def test_flops_against_the_stated_convention():
    base = table()
    forward = base.with_columns(C=base["C"] / 3)
    finding = found(forward)["not-6nd"]
    assert finding.severity == "warning"
    assert finding.numbers["median"] == pytest.approx(1 / 3)
    silent = SAID.saying(C="unstated")
    unsaid = RunTable.from_columns(forward.columns, convention=silent)
    # A third of 6ND is the forward pass alone, whatever the table says.
    assert found(unsaid)["not-6nd"].severity == "warning"
    head = RunTable.from_columns({**base.columns, "C": base["C"] * 1.2}, convention=silent)
    assert found(head)["not-6nd"].severity == "note"
    exact = RunTable.from_columns(forward.columns, convention=SAID.saying(C="exact"))
    assert "not-6nd" not in found(exact)


@pytest.mark.parametrize("name", ["corpus", "tokenizer", "recipe", "family"])
def test_mixtures(name):
    mixed = table(**{name: ["a"] * 20 + ["b"] * 10})
    finding = found(mixed)[f"mixed-{name}"]
    assert "a (20), b (10)" in finding.message
    assert f"{name} == 'a'" in finding.remedy


def test_checkpoints_of_one_run():
    named = table(run=[f"r{i // 3}" for i in range(30)])
    finding = found(named)["checkpoints"]
    assert (finding.severity, finding.numbers["runs"]) == ("note", 10)
    sizes = table()["N"][:10].repeat(3)
    assert found(table(N=sizes, step=np.arange(30)))["checkpoints"].severity == "warning"
    # Thirty sizes are thirty runs, whatever counts their steps.
    assert "checkpoints" not in found(table(step=np.arange(30)))
    assert "checkpoints" not in found(table(run=[f"r{i}" for i in range(30)], step=np.arange(30)))


def test_narrow_and_confounded_inputs():
    base = table()
    narrow = base.with_columns(D=2e9 * (1 + 0.3 * base["D"] / base["D"].max()))
    assert "D spans 1." in found(narrow)["narrow-D"].message
    line = base.with_columns(D=20 * base["N"])
    assert found(line)["confounded"].numbers["correlation"] == pytest.approx(1.0)


def test_numbers_in_billions_and_few_runs():
    small = table(N=np.linspace(0.1, 70, 30))
    assert "70" in found(small)["scale"].message
    assert found(table(rows=5))["few-runs"].numbers["runs"] == 5


@pytest.mark.parametrize(
    ("N", "D", "name"), [(1e-6, 1, "N"), (1, 1e-9, "D"), (1e-3, 1e3, "N"), (1, 1e-6, "D")]
)
def test_an_input_in_another_unit_shows_in_tokens_a_parameter(N, D, name):
    base = table(convention=Convention())
    finding = found(base.with_columns(N=base["N"] * N, D=base["D"] * D))["scale"]
    assert finding.severity == "warning"
    assert f'"{name}={name} * ' in finding.remedy


@pytest.mark.parametrize("unit", [1e-18, 1 / 8.64e19, 1e3])
def test_flops_in_another_unit_are_a_warning_whatever_is_stated(unit):
    for convention in (Convention(), Convention(C="nominal"), Convention(C="exact")):
        base = table(convention=convention)
        findings = found(base.with_columns(C=base["C"] * unit))
        finding = findings.get("scale") or findings["not-6nd"]
        assert finding.severity == "warning"
        assert "another unit" in finding.message or "C looks as if" in finding.why


def test_flops_of_a_token_are_told_from_another_unit():
    N, D = (x.ravel() for x in np.meshgrid([1e7, 1e8, 1e9], [1e9, 3e9, 1e10, 3e10]))
    a_token = table(12, convention=Convention(), N=N, D=D, C=2.1 * N, loss=2 + 400 / N**0.34)
    finding = found(a_token)["not-6nd"]
    assert finding.severity == "warning"
    assert "does not grow with D" in finding.message
    assert finding.numbers == {"a parameter": pytest.approx(2.1), "span of D": pytest.approx(30)}
    assert '"C=6*N*D"' in finding.remedy
    budgets = table(12, convention=Convention(), N=N, D=D, C=1e3 * N * D, loss=2 + 400 / N**0.34)
    assert "grow with D" not in found(budgets)["not-6nd"].message


def test_a_column_in_another_unit_is_told_the_one_that_fits():
    base = table(convention=Convention())
    median = np.median(base["D"] / base["N"])
    finding = found(base.with_columns(D=base["D"] / 1e9))["scale"]
    assert "D * 1e+09" in finding.remedy
    assert f"{median:.3g} tokens a parameter" in finding.remedy
    both = base.with_columns(N=base["N"] / 1e6, D=base["D"] / 1e9)
    assert len([f for f in check(both) if f.code == "scale"]) == 2


@pytest.mark.parametrize(
    ("N", "C", "which", "remedy"),
    [
        (1, 1e-21, "C looks as if in another unit", '"C=C * 1e21"'),
        (1, 1 / 8.64e19, "C looks as if in PF-days", '"C=C * 8.64e+19"'),
        (1e-6, 1, "N and D look as if both", '"N=N * 1e+06" --column "D=D * 1e+06"'),
        (1, 1e3, "N, D or C looks", '"D=D * 1e3"  if it is D'),
    ],
)
def test_a_unit_of_flops_is_told(N, C, which, remedy):
    base = table(convention=Convention())
    scaled = base.with_columns(N=base["N"] * N, D=base["D"] * N, C=base["C"] * C)
    finding = found(scaled)["scale"]
    assert finding.why.startswith(which)
    assert remedy in finding.remedy


def test_rows_of_a_tracker_with_an_identity_each_are_no_checkpoints():
    exported = table(N=table()["N"][:10].repeat(3), _step=np.arange(30), id=[*map(str, range(30))])
    assert "checkpoints" not in found(exported)


def test_runs_without_a_label_are_counted_and_never_the_ones_to_take():
    finding = found(table(corpus=[""] * 20 + ["b"] * 10))["mixed-corpus"]
    assert "none (20), b (10)" in finding.message
    assert "corpus == 'b'" in finding.remedy


def test_what_is_not_said_is_told():
    silent = RunTable.from_columns(table().columns)
    assert found(silent)["unstated"].severity == "note"


def test_tables_without_the_columns_are_not_checked_for_them():
    assert found(RunTable.from_columns({"x": [1.0, 2.0]})).keys() == {"few-runs"}
