"""Energy and carbon: where numbers come from, and what is refused."""

from __future__ import annotations

import pytest

from isoflop.errors import InputError
from isoflop.plan.energy import embodied_share, energy, footprint, grid, grids


def test_energy_is_a_product():
    assert energy(8, 3600, 700, 1.2) == pytest.approx(8 * 3600 * 700 * 1.2)
    assert energy(16, 1800, 700, 1.2) == pytest.approx(energy(8, 3600, 700, 1.2))


def test_regions_by_name_and_code():
    assert grid("france") is grid("FRA")
    assert grid("united states").code == "USA"
    for name, found in grids().items():
        assert grid(name) is grid(found.code) is found
        assert 0.01 < found.intensity < 0.8
        assert 2015 < found.year < 2027
        assert found.source
    assert len({x.code for x in grids().values()}) == len(grids())


def test_region_and_power_carry_their_source():
    found = footprint("H100", count=8, time=3600, region="France", pue=1.1)
    assert found.power_source.startswith("H100-SXM")
    assert "2023" in found.intensity_source
    assert found.operational == pytest.approx(found.kwh * grid("FRA").intensity)
    assert found.total == found.operational
    assert found.joules == pytest.approx(found.kwh * 3.6e6)
    assert footprint("H100", count=8, time=3600).operational is None


def test_embodied_carbon_is_shared_over_a_lifetime():
    assert embodied_share(150, 3600, 36000) == pytest.approx(15)
    found = footprint("H100", count=8, time=3600, intensity=0.4, embodied=150, lifetime=36000)
    assert found.embodied == pytest.approx(8 * 15)
    assert found.operational is not None
    assert found.total == pytest.approx(found.operational + 120)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"power": 400, "pue": 0.9}, "PUE"),
        ({"power": -1}, "power"),
        ({"power": 400, "count": -1}, "devices"),
        ({"power": 400, "intensity": 0.4, "region": "France"}, "not both"),
        ({"power": 400, "region": "Atlantis"}, "Atlantis"),
        ({"power": 400, "intensity": -0.1}, "intensity"),
        ({"power": 400, "embodied": 150}, "lifetime"),
        ({"power": 400, "embodied": 150, "lifetime": 0}, "lifetime"),
        ({}, "power of one"),
        ({"device": "H100-NVL"}, "350 to 400 W"),
    ],
)
def test_bad_input(arguments, words):
    given = {"count": 1, "time": 3600, **arguments}
    with pytest.raises(InputError, match=words):
        footprint(given.pop("device", None), **given)
