"""Budgets as people write them: what is read, and that nothing else is."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.plan.budget import read
from isoflop.plan.hardware import device

H100 = device("H100").flops("bf16") * 0.4 * 3600
WEEKS = 64 * 21 * 24 * H100


@pytest.mark.parametrize(
    ("text", "flops"),
    [
        ("64 H100 for 3 weeks at 40% MFU", WEEKS),
        ("64 H100s for 3 weeks at 40% MFU", WEEKS),
        ("64 H100 x 3 weeks at 40% MFU", WEEKS),
        ("64 x H100 × 21 days, MFU of 0.4", WEEKS),
        ("3 weeks on 64 H100 SXM with 40 % MFU", WEEKS),
        ("1344 H100-days at 40% MFU", WEEKS),
        ("192 GPU-weeks of H100 at 40% mfu", WEEKS),
        ("2 H100-years at 40% MFU", 2 * 365.25 * 24 * H100),
        ("an H100-month at 40% MFU", 365.25 / 12 * 24 * H100),
        ("32256 H100 hours and 40% MFU", WEEKS),
        ("80640 $ on H100s at 2.5 USD per GPU-hour, 40% MFU", WEEKS),
        ("$80,640 on H100 at $2.50/h and 40% MFU", WEEKS),
        ("22579.2 kWh on H100s at 40% MFU", WEEKS),
        ("27.09504 MWh on H100 at 40% MFU pue 1.2", WEEKS),
        ("22.5792 t of CO2e on H100s at 40% MFU and 1000 g/kWh", WEEKS),
        ("3 x 10^19 FLOP", 3e19),
        ("10 PF-days", 8.64e20),
    ],
)
def test_a_budget_is_what_its_words_say(text, flops):
    assert read(text)[0].flops == pytest.approx(flops, rel=1e-12)


TEXT = """
64 3 1e19 -2 0 $1M $ 40% MFU mfu H100 H100s A100-hours gpu-days weeks day for at on of x , and
MWh kg t CO2e tokens 0.4 pue 1.2 g/kWh $2/hour per hour FLOP PF-days nan inf % 10^19 B
"""
WORDS = TEXT.split()
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join)


@given(st.one_of(SENTENCES, st.text(max_size=30)))
def test_any_text_is_a_positive_budget_or_refused(text):
    with suppress(InputError):  # nothing else may be raised
        budget, machine = read(text)
        assert 0 < budget.flops < float("inf")
        assert machine.mfu is None or 0 < machine.mfu <= 1
