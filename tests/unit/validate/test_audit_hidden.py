"""A minimum that noise alone hides is not a fault of the design; one beyond the sizes is."""

import numpy as np
import pytest
from audited_runs import BUDGETS, clean, loss_of, optimum

from isoflop.runs.table import RunTable
from isoflop.validate.audit import audit_table


def flat(seed, *, noise=0.015, middle=1.0, shift=0.0):
    """Five budgets of sizes within 3x of `middle` minima, where 1.5 % of noise hides some."""
    rng = np.random.default_rng(seed)
    C = np.repeat(BUDGETS, 7)
    off = np.repeat(np.r_[middle, 1, 1, 1, 1], 7)
    N = off * optimum(C) * np.tile(np.geomspace(1 / 3, 3, 7), 5)
    D = C / (6 * N)
    tilt = np.where(np.arange(35) < 7, shift * np.log(N / optimum(C)), 0.0)
    loss = loss_of(N, D) * np.exp(noise * rng.standard_normal(35) + tilt)
    return RunTable.from_columns({"N": N, "D": D, "C": C, "loss": loss})


def minima(table):
    return [f for f in audit_table(table).findings if f.code == "minimum"]


def test_noise_alone_is_a_note_with_its_share():
    found = [f for seed in range(12) for f in minima(flat(seed))]
    notes = [f for f in found if f.severity == "note"]
    assert len(notes) >= 0.8 * len(found) > 0
    for finding in notes:
        assert 0.01 <= finding.numbers["hidden by noise"] <= 1
        assert finding.numbers["noise"] == pytest.approx(0.015 * 2.7, rel=0.7)
        assert "nats alone hides it" in finding.message


@pytest.mark.parametrize("planted", [{"middle": 6.0}, {"shift": 0.08}])
def test_a_fault_stays_a_warning_however_flat_the_others_are(planted):
    """Sizes beside the minimum, and one budget whose losses are tilted (2.5 noises at its ends)."""
    for seed in range(4):
        found = minima(flat(seed, noise=0.004, **planted))
        first = [f for f in found if np.isclose(f.numbers["budget"], BUDGETS[0])]
        assert [f.severity for f in first] == ["warning"]


def test_a_sound_study_keeps_its_message():
    assert not minima(clean(3))
