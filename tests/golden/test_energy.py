"""Energy and carbon of published runs, from devices, hours, power, PUE and grid intensity."""

from __future__ import annotations

import pytest

from isoflop.plan.energy import footprint, grid

HOUR, DAY = 3600.0, 86400.0


# Patterson et al. 2021: devices, W, days, PUE, kg/kWh; MWh and t recomputed; MWh and t as printed.
# The recomputed ones agree to the digits of the inputs, the printed ones to those of the days.
@pytest.mark.parametrize(
    ("devices", "power", "days", "pue", "intensity", "mwh", "tonnes", "printed"),
    [
        pytest.param(10_000, 330, 14.8, 1.10, 0.429, 1289.38, 553.14, (1287, 552.1), id="GPT-3"),
        pytest.param(512, 310, 20, 1.12, 0.545, 85.33, 46.50, (85.7, 46.7), id="T5-11B"),
        pytest.param(1024, 288, 3.1, 1.09, 0.177, 23.92, 4.23, (24.1, 4.3), id="GShard-600B"),
        pytest.param(1024, 245, 27, 1.10, 0.33, 178.83, 59.01, (179, 59.1), id="Switch"),
    ],
)
def test_patterson(devices, power, days, pue, intensity, mwh, tonnes, printed):
    found = footprint(count=devices, time=days * DAY, power=power, pue=pue, intensity=intensity)
    assert found.kwh / 1e3 == pytest.approx(mwh, abs=0.006)
    assert found.operational is not None
    assert found.operational / 1e3 == pytest.approx(tonnes, abs=0.006)
    assert (found.kwh / 1e3, found.operational / 1e3) == pytest.approx(printed, rel=0.02)


@pytest.mark.parametrize(
    ("mwh", "intensity", "tonnes"),
    [(1287, 0.429, 552.12), (85.7, 0.545, 46.71), (24.1, 0.177, 4.27), (179, 0.33, 59.07)],
)
def test_printed_tonnes_follow_from_printed_energy(mwh, intensity, tonnes):
    found = footprint(count=1, time=HOUR, power=mwh * 1e6, intensity=intensity)
    assert found.operational is not None
    assert found.operational / 1e3 == pytest.approx(tonnes, abs=0.006)


def test_gpt3_without_pue_is_the_lower_figure_in_circulation():
    found = footprint(count=1, time=HOUR, power=1287e6 / 1.10, intensity=0.429)
    assert found.operational is not None
    assert found.operational / 1e3 == pytest.approx(501.9, abs=0.05)


def test_switch_ran_on_1024_chips():
    """A table in circulation has 1,000, which gives 174.6 MWh instead of the printed 179."""
    few = footprint(count=1000, time=27 * DAY, power=245, pue=1.10)
    assert few.kwh / 1e3 == pytest.approx(174.6, abs=0.05)


def test_bloom():
    """Luccioni et al. 2022: design power x hours, no PUE; with one; with idle and embodied."""
    hours = 1_082_990
    plain = footprint("A100", count=1, time=hours * HOUR, intensity=0.057)
    assert plain.power == 400
    assert plain.kwh == pytest.approx(433_196, rel=1e-12)
    assert plain.operational == pytest.approx(24.69e3, abs=5)
    housed = footprint("A100", count=1, time=hours * HOUR, pue=1.2, intensity=0.057)
    assert housed.operational == pytest.approx(29.63e3, abs=5)
    idle = footprint(
        count=1,
        time=HOUR,
        power=689_842e3,
        intensity=0.057,
        embodied=11.2e3,
        lifetime=HOUR,
    )
    assert idle.operational == pytest.approx(39.3e3, abs=50)
    assert idle.total == pytest.approx(50.5e3, abs=50)


LLAMA_2 = [
    ("7B", 184_320, 400, 31.22),
    ("13B", 368_640, 400, 62.44),
    ("34B", 1_038_336, 350, 153.90),
    ("70B", 1_720_320, 400, 291.42),
]


def test_llama_2():
    """Its factor is 0.385 kg/kWh x PUE 1.1; its rows sum to 538.98, printed 539.00."""
    total = 0.0
    for _, hours, power, tonnes in LLAMA_2:
        found = footprint(
            count=1, time=hours * HOUR, power=power, pue=1.1, intensity=0.385
        ).operational
        assert found is not None
        assert found / 1e3 == pytest.approx(tonnes, abs=0.02)
        total += found / 1e3
    assert total == pytest.approx(539.00, abs=0.05)
    assert sum(row[1] for row in LLAMA_2) == pytest.approx(3_311_616)


def test_llama_3_1():
    """39.3M H100-hours at 700 W and 11,390 t imply 0.414 kg/kWh."""
    energy = footprint("H100", count=1, time=39.3e6 * HOUR).kwh
    assert 11_390e3 / energy == pytest.approx(0.414, abs=0.001)


def test_world_average_is_the_fallback_of_codecarbon():
    assert grid("world").intensity == 0.475
