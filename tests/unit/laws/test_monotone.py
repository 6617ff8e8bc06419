"""In which direction every law moves with each of its inputs, over the input's typical range."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws.linear import generic_inputs, generic_parameters

#: Law -> its numeric inputs with how the output moves: `-` falls and `+` rises, whatever the
#: constants within the declared starts; `(-)` and `(+)` at every published set, because a sign
#: is a constant's; `~` turns, or has a sign that no published set decides.
DIRECTIONS = {
    "abnar": "N- D- S(+)",
    "adamw_timescale": "N(+) D(-)",
    "annealing": "S1- S2-",
    "batch_examples": "B+",
    "batch_learning_rate": "B+",
    "batch_steps": "B-",
    "best_of_n_reward": "d~",
    "bits_per_byte": "L+ tokens_per_byte+",
    "bnsl": "x(-)",
    "bnsl2": "x~",
    "bnsl3": "x(-)",
    "characters_to_tokens": "X+",
    "chinchilla": "N- D-",
    "clark": "N(-) E(-)",
    "coverage_beta": "k+",
    "coverage_kumaraswamy": "k+",
    "coverage_power": "k+",
    "coverage_scaled_beta": "k+",
    "data_mixing": "r1~ r2~",
    "data_mixing3": "r1~ r2~ r3~",
    "data_mixing4": "r1~ r2~ r3~ r4~",
    "data_mixing5": "r1~ r2~ r3~ r4~ r5~",
    "deepseek_batch": "C(+)",
    "deepseek_learning_rate": "C(-)",
    "deepseek_model": "C(+)",
    "deepseek_tokens": "C(+)",
    "effective_data": "D_F+ N+",
    "efficient_parameters": "N+",
    "efficient_tokens": "D+",
    "error_envelope": "e+",
    "excess_parameters": "N+ D+ U+",
    "exponential_error": "L+",
    "filtered_pool": "U- passes-",
    "frantar": "S- N- D-",
    "gadre": "C- M~",  # over- and undertraining both cost
    "gradient_norm": "B-",
    "gzip_dependent": "N~ D~ H~",
    "henighan_compute": "C-",
    "henighan_optimal_parameters": "C+",
    "henighan_parameters": "N-",
    "hestness": "m-",
    "hestness_model_size": "m+",
    "horizon_learning_rate": "rate+ D_from+ D_to-",
    "iterated_rl_reward": "d~ rounds+",
    "joint_moe": "N_act(-) D(-) E(-)",
    "kaplan": "N- D-",
    "kaplan_compute": "C-",
    "kaplan_compute_min": "C_min-",
    "kaplan_critical_batch": "L-",
    "kaplan_data": "D-",
    "kaplan_enough_data": "N+",
    "kaplan_learning_rate": "N(-)",
    "kaplan_optimal_batch": "C_min+",
    "kaplan_optimal_parameters": "C_min+",
    "kaplan_optimal_steps": "C_min+",
    "kaplan_optimal_tokens": "C_min+",
    "kaplan_parameters": "N-",
    "kaplan_steps": "N- S_min-",
    "krajewski": "N- D- G-",
    "ling": "A(-) G~ C+",  # an optimal granularity
    "llama3_tokens": "C+",
    "m1": "x-",
    "m2": "x-",
    "m3": "x-",
    "m4": "x-",
    "minimum_compute": "C+ B- L-",
    "minimum_steps": "S+ B+ L+",
    "multi_power": "eta~ S_W-",  # decay gains, but what was summed until then counts too
    "openclip": "C(-)",
    "parscale": "N- P-",
    "petaflop_days": "C+",
    "precision_parameters": "N+ P_w+ P_a+ P_kv+",
    "quantisation_loss": "N- D+ P_post-",  # the loss that quantisation adds: more after more D
    "repeated_tokens": "D+ U+",
    "rl_compute": "C+",
    "rl_reward": "d~",
    "rosenfeld": "n- m-",
    "sigmoid_accuracy": "L-",
    "step_law_batch": "D(+)",
    "step_law_learning_rate": "N(-) D(+)",
    "task_loss": "N- D-",
    "total_parameters": "N_nonembedding+",
    "trained_quantisation_loss": "N- D+ P_post- P_w+ P_a+ P_kv+",
    "transferred_data": "D_F+ N+",
    "zhao": "N- N_a~ D- G~ S~",  # optimal granularity, shared and active share
}
MARKS = ("(-)", "(+)", "-", "+", "~")


def split(entry: str) -> tuple[str, str]:
    mark = next(mark for mark in MARKS if entry.endswith(mark))
    return entry.removesuffix(mark), mark


CASES = [(law, *split(entry)) for law, entries in DIRECTIONS.items() for entry in entries.split()]


@pytest.mark.parametrize("name", laws.names())
def test_every_numeric_input_has_a_direction(name):
    inputs = [x.name for x in laws.get(name).inputs if not x.dimension.text]
    assert [split(entry)[0] for entry in DIRECTIONS[name].split()] == inputs


def curves(law, input_name, seeds=4, drawn=20):
    """Return (generic, published) curves of the law along one input, each [curve, 50]."""
    (changed,) = [x for x in law.inputs if x.name == input_name]
    line = np.geomspace(*changed.dimension.typical, 50)
    generic, published = [], [np.empty((0, 50))]
    for seed in range(seeds):
        inputs = {k: np.full(50, x[0]) for k, x in generic_inputs(law, 1, seed).items()}
        inputs[input_name] = line
        with np.errstate(all="ignore"):  # far from the fitted range some laws leave the numbers
            values = generic_parameters(law, inputs, drawn, seed)
            generic.append(np.broadcast_to(law(**inputs, **values), (drawn, 50)))
            published.extend(
                np.broadcast_to(law(**inputs, **known.constants), (1, 50))
                for known in law.published.values()
            )
    generic, published = np.concatenate(generic), np.concatenate(published)
    return tuple(x[np.isfinite(x).all(axis=1)] for x in (generic, published))


def steps(values):
    """Return the steps of curves, relative to their size; rounding errors are zero."""
    size = np.maximum(np.abs(values[:, 1:]), np.abs(values[:, :-1]))
    change = np.diff(values, axis=1)
    return np.where(np.abs(change) <= 1e-9 * size, 0.0, change)


@pytest.mark.parametrize(("name", "input_name", "mark"), CASES)
def test_direction(name, input_name, mark):
    generic, published = curves(laws.get(name), input_name)
    change = steps(published if mark.startswith("(") else np.concatenate([generic, published]))
    assert len(change), "no curve is finite"
    if mark == "~":
        assert (change > 0).any()
        assert (change < 0).any()
        return
    sign = -1.0 if "-" in mark else 1.0
    assert np.all(sign * change >= 0)
    assert np.any(sign * change > 0)
    if mark.startswith("("):
        # Not for any constants: else the direction should be declared without brackets.
        assert np.any(sign * steps(generic) < 0)
