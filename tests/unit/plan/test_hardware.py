"""The table of accelerators: lookup, provenance, the sparsity trap, a user's own devices."""

from __future__ import annotations

import datetime

import msgspec
import pytest

from isoflop.errors import InputError
from isoflop.plan.hardware import BYTES, ENVIRONMENT, Device, device, devices

OWN = """
[Lab-1]
vendor = "us"
aliases = ["lab box"]
form = "PCIe"
peak = { bf16 = 1e14 }
memory = 24e9
bandwidth = 1e12
source = "measured"
date = 2026-01-02
"""


@pytest.fixture(autouse=True)
def _no_own_devices(monkeypatch):
    monkeypatch.delenv(ENVIRONMENT, raising=False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("H100", "H100-SXM"),
        ("h100 sxm5", "H100-SXM"),
        ("NVIDIA H100 80GB HBM3", "H100-SXM"),
        ("NVIDIA A100-SXM4-80GB", "A100-SXM-80GB"),
        ("a100", "A100-SXM-80GB"),
        ("TPUv5p", "TPU-v5p"),
        ("mi300x", "MI300X"),
    ],
)
def test_names_ignore_case_and_punctuation(name, expected):
    assert device(name).name == expected


def test_every_name_and_alias_finds_its_device():
    for name, found in devices().items():
        assert device(name) is found
        assert all(device(alias) is found for alias in found.aliases)


def test_unknown_names_say_what_is_near():
    with pytest.raises(InputError, match="H100-SXM") as error:
        device("H10O")
    assert ENVIRONMENT in str(error.value)


@pytest.mark.parametrize("name", devices())
def test_each_row_says_where_it_is_from(name):
    found = device(name)
    assert len(found.source) > 10
    assert datetime.date(2026, 1, 1) < found.date
    assert "UNVERIFIED" not in found.source + found.note
    assert all(price.date.year >= 2026 and price.where for price in found.prices)
    assert found.mfu is None or (0.2 < found.mfu.value < 0.7 and "arXiv" in found.mfu.source)


def test_peaks_are_dense():
    """Halving bits doubles the peak; a sparse figure among dense ones would show as a factor 4."""
    for found in devices().values():
        rate = {p: found.peak[p] * BYTES[p] for p in found.peak}
        assert max(rate.values()) / min(rate.values()) < 2.01, found.name
    assert device("H100").flops() == 989e12
    assert device("L40S").flops() == 362e12
    assert device("MI300X").flops() == 1307.4e12


# Ridge points, FLOP a byte in bf16. The TPU ridges are from rounder numbers than the vendor's pages
# (v5e 0.81 TB/s, v5p 2.8, v6e 920 and 1.6), so those are within 6 %.
@pytest.mark.parametrize(
    ("name", "expected", "tolerance"),
    [
        ("A100-SXM-80GB", 153.0, 4e-4),
        ("A100-SXM-40GB", 200.6, 4e-4),
        ("H100-SXM", 295.2, 4e-4),
        ("H200-SXM", 206.0, 4e-4),
        ("MI300X", 246.7, 4e-4),
        ("L40S", 419.0, 4e-4),
        ("B200-SXM", 292.2, 4e-4),
        ("TPU-v4", 229.2, 4e-4),
        ("TPU-v5e", 243.2, 0.06),
        ("TPU-v5p", 163.9, 0.06),
        ("TPU-v6e", 575.0, 0.06),
    ],
)
def test_ridge_points(name, expected, tolerance):
    assert device(name).ridge() == pytest.approx(expected, rel=tolerance)


def test_precisions_without_units_are_widened():
    a100, h100 = device("A100"), device("H100")
    assert a100.flops("int4") == a100.flops("fp8") == a100.peak["bf16"]
    assert a100.flops("int8") == 624e12
    assert h100.flops("fp8") == 1979e12
    assert device("V100").flops("bf16") == 125e12
    with pytest.raises(InputError, match="fp32"):
        h100.flops("fp32")
    with pytest.raises(InputError, match="int3"):
        h100.flops("int3")


def test_own_devices_by_path_and_environment(tmp_path, monkeypatch):
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    assert device("lab-1", path).peak == {"bf16": 1e14}
    assert device("H100", path).name == "H100-SXM"
    monkeypatch.setenv(ENVIRONMENT, str(path))
    assert device("LAB BOX").power is None
    path.write_text(OWN.replace("Lab-1", "H100-SXM"))
    assert device("h100sxm").memory == 24e9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN.replace("source", "sauce"), "sauce"),
        (OWN.replace("24e9", "-1"), "memory"),
        (OWN.replace("bf16", "bf17"), "bf17"),
        (OWN.replace("2026-01-02", "yesterday"), "own.toml"),
        (OWN + OWN.replace("Lab-1", "lab1"), "lab1|case"),
        (OWN + OWN.replace("Lab-1", "Lab-2"), "labbox"),
        ("peak = 3", "own.toml"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, words):
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        devices(path)


def test_missing_table():
    with pytest.raises(InputError, match="nowhere"):
        devices("nowhere.toml")


def test_json_both_ways():
    for found in devices().values():
        assert msgspec.json.decode(msgspec.json.encode(found), type=Device) == found
