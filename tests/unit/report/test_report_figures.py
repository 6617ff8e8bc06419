"""Figures draw what the document says, in colours that can be read."""

import json
import math
import re

import msgspec
import pytest
import synthetic_study
from hypothesis import given
from hypothesis import strategies as st
from synthetic_study import HOSTILE

from isoflop.report import figures, palette
from isoflop.report.blocks import blocks
from isoflop.report.figures.base import log_ticks
from isoflop.report.figures.heldout import height
from isoflop.report.figures.surface import residual_rows
from isoflop.report.key import key


@pytest.fixture(scope="module")
def sound():
    return synthetic_study.study()


@pytest.fixture(scope="module")
def troubled():
    return synthetic_study.troubled()


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_curves_end_at_the_final_validation_loss(sound):
    drawn = {(t.x[-1], round(t.y[-1], 9)) for t in figures.loss_curves(sound).data}
    for c, loss in zip(sound.table["C"], sound.table["loss"], strict=True):
        assert (c, round(loss, 9)) in drawn


def test_failed_curves_end_in_a_cross(troubled):
    crossed = [t for t in figures.loss_curves(troubled).data if t.marker.symbol == "x"]
    assert len(crossed) == 1
    assert crossed[0].y[-1] == 6.1  # the last loss that was a number
    assert 10 ** figures.loss_curves(troubled).layout.yaxis.range[1] > 6.1


def test_parabolas_show_each_minimum_with_its_interval(sound):
    figure = figures.isoflop_parabolas(sound)
    minima = [t for t in figure.data if t.marker.symbol == "cross-thin"]
    assert [t.x[0] for t in minima] == [o.N.estimate for o in sound.approach2.optima]
    for trace, optimum in zip(minima, sound.approach2.optima, strict=True):
        low, high = optimum.N.interval
        assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(low)
        assert trace.x[0] + trace.error_x.array[0] == pytest.approx(high)


def test_filled_markers_are_exactly_the_runs_that_were_fitted(sound):
    figure = figures.isoflop_parabolas(sound)
    symbols = [s for t in figure.data for s in (t.marker.symbol or []) if len(s) > 1]
    filled = [s for s in symbols if s.removesuffix("-open") in palette.SYMBOLS and "open" not in s]
    assert len(filled) == sum(len(o.runs) for o in sound.approach2.optima)


def test_a_budget_without_a_minimum_is_dotted_and_named(troubled):
    figure = figures.isoflop_parabolas(troubled)
    name = "5×10¹⁰ FLOPs: no minimum (edge)"
    assert [t.line.dash for t in traces(figure, name) if t.mode == "lines"] == ["dot"]
    assert not [t for t in traces(figure, name) if t.marker.symbol == "cross-thin"]


@pytest.mark.parametrize(
    ("draw", "what"),
    [
        (figures.optimal_parameters, "N"),
        (figures.optimal_tokens, "D"),
        (figures.optimal_loss, "loss"),
    ],
)
def test_optimum_shows_three_laws_the_minima_and_the_plan(sound, draw, what):
    figure = draw(sound)
    (plan,) = traces(figure, "the plan")
    assert (plan.x[0], plan.y[0]) == (sound.plan.C, getattr(sound.plan, what).estimate)
    (minima,) = traces(figure, "minima of the parabolas")
    expected = [getattr(o, what).estimate for o in sound.approach2.optima]
    assert list(minima.y) == expected
    for approach in (sound.approach1, sound.approach2, sound.approach3):
        (line,) = traces(figure, approach.title)
        law = {"N": approach.N_opt, "D": approach.D_opt, "loss": approach.loss_opt}[what]
        assert list(line.y) == law.median
    dashes = {t.line.dash for t in figure.data if t.mode == "lines" and t.name}
    assert len(dashes) == 3  # told apart without colour
    (edge,) = figure.layout.shapes
    assert edge.x0 == pytest.approx(5e12)


def test_an_approach_without_an_answer_is_not_drawn(troubled):
    assert not traces(figures.optimal_parameters(troubled), troubled.approach1.title)


def test_residuals_give_back_the_fitted_surface(sound):
    rows = residual_rows(sound)
    assert len(rows) == 22
    for row in rows:
        assert row["predicted"] == pytest.approx(float(synthetic_study.law(row["N"], row["D"])))
        share = row["loss"] / row["predicted"] - 1
        assert row["residual"] == pytest.approx(100 * share)
    drawn = sum(len(t.x) for t in figures.surface_residuals(sound).data)
    assert drawn == len(rows)


def test_heldout_shows_every_cell(sound):
    figure = figures.heldout_prediction(sound)
    cells = sorted(sound.heldout.cells, key=lambda cell: cell.N)
    (observed,) = traces(figure, "observed")
    assert list(observed.x)[::3] == [cell.observed for cell in cells]
    (mixture,) = traces(figure, "predicted, all models")
    assert list(mixture.x) == [cell.predicted for cell in cells]
    assert mixture.x[0] + mixture.error_x.array[0] == pytest.approx(cells[0].interval[1])
    assert len([t for t in figure.data if t.name.startswith("baseline")]) == 2


def test_heldout_grows_with_its_rows(sound):
    fewer = msgspec.structs.replace(sound.heldout, cells=sound.heldout.cells[:1])
    assert height(msgspec.structs.replace(sound, heldout=fewer)) < height(sound) - 100


def test_heldout_says_which_missed(sound):
    missed = msgspec.structs.replace(sound.heldout.cells[0], covered=False)
    held = msgspec.structs.replace(sound.heldout, cells=[missed])
    figure = figures.heldout_prediction(msgspec.structs.replace(sound, heldout=held))
    assert any("outside" in a.text for a in figure.layout.annotations)


def test_plan_shows_the_choice_and_the_flat_ranges(sound):
    figure = figures.plan_curve(sound)
    choice = figure.data[-1]
    assert (choice.x[0], choice.y[0]) == (sound.plan.N.estimate, sound.plan.loss.estimate)
    drawn = {(shape.x0, shape.x1) for shape in figure.layout.shapes}
    assert drawn == {tuple(ends) for ends in sound.plan.flat.values()}


def test_the_interval_of_the_choice_is_inside_the_picture(sound):
    """It is widened by past misses, and so may be wider than the band."""
    plan = sound.plan
    wide = msgspec.structs.replace(
        plan,
        N=msgspec.structs.replace(plan.N, interval=(plan.N.estimate / 50, None)),
        loss=msgspec.structs.replace(plan.loss, interval=(0.5, 9.0)),
    )
    layout = figures.plan_curve(msgspec.structs.replace(sound, plan=wide)).layout
    low, high = layout.yaxis.range
    assert low < 0.5
    assert high > 9.0
    assert layout.xaxis.range[0] < math.log10(plan.N.estimate / 50)


def test_bands_that_are_open_leave_the_picture(sound):
    law = sound.approach3.N_opt
    wide = msgspec.structs.replace(
        law, low=[0.0] * len(law.C), high=[float("nan"), *[1e30] * (len(law.C) - 1)]
    )
    approach = msgspec.structs.replace(sound.approach3, N_opt=wide)
    open_ended = figures.optimal_parameters(msgspec.structs.replace(sound, approach3=approach))
    bounded = figures.optimal_parameters(sound)
    height = [f.layout.yaxis.range[1] - f.layout.yaxis.range[0] for f in (open_ended, bounded)]
    assert height[0] < height[1] + 2 * math.log10(3) + 0.5  # lines can still be read
    drawn = [t for t in open_ended.data if t.fill == "toself"][1]  # approach 3 is the second
    assert all(math.isfinite(v) and v > 0 for v in drawn.y)
    assert math.log10(max(drawn.y)) > open_ended.layout.yaxis.range[1]
    assert math.log10(min(drawn.y)) < open_ended.layout.yaxis.range[0]


def test_sizes_are_counted_as_the_laws_count_them(sound):
    table = dict(sound.table) | {"N_matrices_head": sound.table["N"], "N": sound.table["N_all"]}
    renamed = msgspec.structs.replace(sound, table=table)
    assert figures.isoflop_parabolas(renamed) == figures.isoflop_parabolas(sound)
    plan = msgspec.structs.replace(sound.plan, convention="matrices")
    other = figures.isoflop_parabolas(msgspec.structs.replace(renamed, plan=plan))
    drawn = {x for t in other.data for x in t.x if t.mode == "markers"}
    isoflop = zip(table["role"], table["N_matrices"], strict=True)
    assert drawn == {n for role, n in isoflop if role != "lr_probe"}


def test_no_data_no_figure():
    nothing = synthetic_study.empty()
    assert [name for name in figures.__all__ if getattr(figures, name)(nothing) is not None] == []
    assert all(block.panels == [] and block.caption for block in blocks(nothing))


def test_ids_are_escaped_in_figures(troubled):
    for block in blocks(troubled):
        for panel in block.panels:
            assert HOSTILE[:8] not in json.dumps(panel.document)
    hover = [str(t.hovertemplate) for t in figures.loss_curves(troubled).data]
    assert any(text.startswith("&lt;script&gt;"[:14]) for text in hover)


def test_keys_name_every_budget_once(sound):
    labels = [entry.label for entry in key(figures.loss_curves(sound), 5)]
    assert len(labels) == len(set(labels)) == 5 + 1 + 1  # budgets, rate probe, envelope
    shapes = {entry.shape for entry in key(figures.isoflop_parabolas(sound), 5)}
    assert len(shapes) == 5
    names = [entry.label for entry in key(figures.optimal_parameters(sound), 5)]
    assert [name[:10] for name in names[:3]] == ["Approach 1", "Approach 2", "Approach 3"]


def test_keys_use_the_pages_colours(sound):
    for block_figure in (figures.loss_curves, figures.heldout_prediction, figures.plan_curve):
        colours = [entry.colour for entry in key(block_figure(sound), 5)]
        assert all(re.fullmatch(r"var\(--[a-z0-9-]+\)", colour) for colour in colours)


def test_every_colour_of_a_figure_has_a_dark_partner(sound, troubled):
    for study in (sound, troubled):
        partners = palette.dark_partners(5)
        for block in blocks(study):
            for panel in block.panels:
                written = json.dumps(panel.document)
                used = set(re.findall(r"#[0-9a-f]{6}|rgba\(\d+,\d+,\d+,", written))
                assert used - {"rgba(0,0,0,"} <= set(partners)


@pytest.mark.parametrize("budgets", range(1, 9))
def test_a_light_colour_has_one_dark_partner(budgets):
    pairs = [*palette.COLOURS.values(), *palette.budget_scale(budgets)]
    assert len({light for light, _ in pairs}) == len(pairs)
    darks = palette.dark_partners(budgets)
    assert darks["#fdfdfb"] == "#15171b"
    assert darks["rgba(253,253,251,"] == "rgba(21,23,27,"


def luminance(colour):
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    """Contrast ratio of WCAG 2.2, section 1.4.3."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_formula():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", [0, 1])
def test_text_has_a_contrast_of_at_least_4_5(theme):
    background = palette.COLOURS["background"][theme]
    for role in ("text", "muted", "accent", "good", "caution", "bad", "approach1"):
        assert contrast(palette.COLOURS[role][theme], background) >= 4.5, role


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("budgets", range(1, 9))
def test_marks_have_a_contrast_of_at_least_3(theme, budgets):
    background = palette.COLOURS["background"][theme]
    lines = [palette.COLOURS[f"approach{k}"] for k in (1, 2, 3)]
    for pair in [*palette.budget_scale(budgets), *lines]:
        assert contrast(pair[theme], background) >= 3


@given(st.floats(-3, 25), st.floats(0.02, 20))
def test_log_ticks_are_few_and_inside(low, span):
    ticks = log_ticks(low, low + span)
    assert len(ticks) <= 6
    assert ticks == sorted(ticks)
    assert all(low <= math.log10(tick) <= low + span for tick in ticks)
    if span > 0.5:
        assert len(ticks) >= 1


def test_log_ticks_are_round():
    assert log_ticks(10, 13) == [1e10, 1e11, 1e12, 1e13]
    assert log_ticks(4, 5.5) == [1e4, 2e4, 5e4, 1e5, 2e5]
    assert log_ticks(math.log10(2.4), math.log10(4.2)) == [2.5, 3, 3.5, 4]
