"""`Fit.plot` draws the law within the fitted range, and the runs where they are given."""

import sys

import numpy as np
import pytest
from synthetic_runs import isoflop_runs

from isoflop.errors import InputError, MissingExtra
from isoflop.fit import Fit, fit
from isoflop.laws import get


@pytest.fixture(scope="module")
def runs():
    return isoflop_runs(noise=0.004)


@pytest.fixture(scope="module")
def sampled(runs):
    return fit(runs, "chinchilla", bootstrap=60)


def lines(figure, axis):
    return [t for t in figure.data if t.xaxis == axis and t.mode == "lines" and t.fill is None]


def test_the_law_is_drawn_over_each_input_between_the_ends_of_the_runs(runs, sampled):
    figure = sampled.plot()
    for axis, name in (("x", "N"), ("x2", "D")):
        (line,) = lines(figure, axis)
        assert (min(line.x), max(line.x)) == pytest.approx((runs[name].min(), runs[name].max()))
        other = "D" if name == "N" else "N"
        held = np.sqrt(runs[other].min() * runs[other].max())
        np.testing.assert_allclose(line.y, sampled.point(**{name: line.x, other: held}))


def test_the_band_is_the_interval_of_the_mean(sampled):
    bands = {t.xaxis: t for t in sampled.plot().data if t.fill == "toself"}
    assert bands.keys() == {"x", "x2"}
    drawn = np.array(bands["x"].y)
    high, low = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :][::-1]
    (line,) = lines(sampled.plot(), "x")
    inside = (low <= line.y) & (line.y <= high)
    assert np.mean(inside) > 0.9
    samples = sampled.predict(N=line.x, D=np.sqrt(np.prod(sampled.ranges["D"])))
    np.testing.assert_allclose(high, np.quantile(samples, 0.95, axis=0))


def test_a_fit_without_samples_has_no_band(runs):
    plain = fit(runs, "chinchilla", profile=False)
    assert [t for t in plain.plot().data if t.fill == "toself"] == []


def test_runs_are_drawn_against_the_law(runs, sampled):
    figure = sampled.plot(runs)
    points = {t.xaxis: t for t in figure.data if t.mode == "markers"}
    predicted = sampled.point(N=runs["N"], D=runs["D"])
    np.testing.assert_allclose(points["x"].x, predicted)
    np.testing.assert_allclose(points["x"].y, runs["loss"])
    np.testing.assert_allclose(points["x2"].y, 100 * (runs["loss"] / predicted - 1), atol=1e-12)


def test_a_law_by_groups_has_a_line_for_each_label(runs):
    table = {k: np.tile(x, 2) for k, x in runs.items()}
    table["data"] = np.repeat(["<b>web</b>", "code"], len(runs["N"]))
    found = fit(table, get("chinchilla").by("data", "A"), profile=False)
    drawn = lines(found.plot(), "x")
    assert [t.name for t in drawn] == ["&lt;b&gt;web&lt;/b&gt;", "code"]
    assert len([t for t in found.plot(table).data if t.mode == "markers"]) == 2


def test_a_fit_read_from_its_document_is_drawn_alike(sampled):
    assert Fit.from_json(sampled.to_json()).plot() == sampled.plot()


def test_runs_without_a_column_are_refused(runs, sampled):
    with pytest.raises(InputError, match="no column `D`"):
        sampled.plot({"N": runs["N"], "loss": runs["loss"]})


def test_plotly_is_asked_for_by_name(sampled, monkeypatch):
    for name in list(sys.modules):
        if name.split(".")[0] == "plotly":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(MissingExtra, match="plotly") as caught:
        sampled.plot()
    assert "isoflop[report]" in str(caught.value)
