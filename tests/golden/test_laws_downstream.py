"""Cards D1 and D2: Gadre's error link, task losses and accuracies, bits per byte."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop import laws
from isoflop.laws.downstream import gadre_from_code

LOSS, ERROR = laws.get("gadre"), laws.get("exponential_error")
TASK, ACCURACY = laws.get("task_loss"), laws.get("sigmoid_accuracy")


#: Parameters of the models called 1.4B and 6.9B.
SMALL, LARGE = 1439795200.0, 6889410560.0


def loss(corpus, N, M):
    return LOSS(6 * N * M * N, M, **LOSS.constants(corpus))


def test_error_of_losses():
    L = np.array([2.3, 2.5, 3.0, 4.0])
    expected = {
        "redpajama-17": [0.43050, 0.48730, 0.59837, 0.73042],
        "c4-46": [0.62122, 0.64556, 0.68921, 0.73257],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(ERROR(L, **ERROR.constants(name)), values, atol=6e-6)


def test_loss_of_the_held_out_runs():
    assert loss("c4", SMALL, 640) == pytest.approx(2.38387, abs=3e-5)
    assert loss("c4", LARGE, 20) == pytest.approx(2.27990, abs=3e-5)


def test_published_prediction_errors_reproduce():
    """RedPajama: 0.0464 % for the 7B run and 3.6365 % for 1.4B at M = 640, 17 tasks."""
    constants = ERROR.constants("redpajama-17")
    for L, predicted, actual, off in (
        (2.44274, 0.47186, 0.471637, 0.0464),
        (2.51982, 0.49250, 0.475215, 3.6365),
    ):
        error = ERROR(L, **constants)
        assert error == pytest.approx(predicted, abs=1e-5)
        assert 100 * abs(error - actual) / actual == pytest.approx(off, abs=3e-3)
    assert loss("redpajama", LARGE, 20) == pytest.approx(2.44274, abs=3e-5)
    assert loss("redpajama", SMALL, 640) == pytest.approx(2.51982, abs=3e-5)


def test_coefficients_of_the_authors_code_are_in_two_conventions():
    """alpha of the code lacks 6^eta, beta does not; p is -2 eta."""
    N, M = 4.1e8, 320.0
    alpha, p, beta, E = 90.0, -0.24, 190.0, 1.5
    code = alpha * N**p + beta * 6 ** (p / 2) * (M * N) ** p + E
    values = gadre_from_code(alpha=alpha, p=p, beta=beta, E=E)
    assert LOSS(6 * M * N**2, M, **values) == pytest.approx(code, rel=1e-14)
    assert values["eta"] == 0.12
    assert values["b"] == beta


def test_gadre_is_chinchilla_with_equal_exponents():
    values = {"E": 1.8, "a": 500 * 6**0.175, "b": 500 * 6**0.175, "eta": 0.175}
    N, D = 3e9, 6e11
    assert LOSS(6 * N * D, D / N, **values) == pytest.approx(2.078702035930459, rel=1e-14)


def test_error_falls_with_loss_and_composes_with_the_loss_law():
    both = LOSS.then(ERROR)
    values = {**LOSS.constants("redpajama"), **ERROR.constants("redpajama-17")}
    error = both(C=6 * LARGE * 20 * LARGE, M=20.0, **values)
    assert error == pytest.approx(0.47186, abs=1e-5)
    assert np.all(np.diff(ERROR(np.array([2.0, 3.0, 4.0]), **ERROR.constants("c4-17"))) > 0)


@pytest.mark.parametrize(
    ("task", "N", "D", "L", "accuracy"),
    [
        ("mmlu", 6887575552, 3945065873408, 0.786910, 0.483841),
        ("mmlu", 13202396160, 5000088518656, 0.750125, 0.512707),
        ("mmlu", 1279395840, 255879168000, 0.988380, 0.363193),
        ("hellaswag", 6887575552, 3945065873408, 0.671256, 0.825248),
        ("hellaswag", 13202396160, 5000088518656, 0.653170, 0.853049),
        ("hellaswag", 1279395840, 255879168000, 0.759520, 0.643824),
    ],
)
def test_two_step_task_laws(task, N, D, L, accuracy):
    assert TASK(float(N), float(D), **TASK.constants(task)) == pytest.approx(L, abs=6e-7)
    steps = TASK.then(ACCURACY)
    assert steps(
        N=float(N), D=float(D), **TASK.constants(task), **ACCURACY.constants(task)
    ) == pytest.approx(accuracy, abs=6e-7)


def test_accuracy_rises_as_loss_falls_and_ends_at_b():
    """The sign trap: a is negative."""
    for name in ACCURACY.published:
        values = ACCURACY.constants(name)
        assert values["a"] < 0
        low, high = ACCURACY(np.array([0.3, 2.0]), **values)
        assert low > high
    values = ACCURACY.constants("mmlu")
    assert ACCURACY(1e3, **values) == pytest.approx(values["a"] + values["b"])


def test_bits_per_byte_uses_base_two_and_bytes():
    link = laws.get("bits_per_byte")
    assert link(np.log(2.0), 1.0) == pytest.approx(1.0)
    assert link(2.0, 0.25) == pytest.approx(2.0 / np.log(2.0) / 4)
    chain = laws.get("chinchilla").then(link)
    assert chain.input_names == ("N", "D", "tokens_per_byte")
    assert chain.output.unit == "bits/byte"
