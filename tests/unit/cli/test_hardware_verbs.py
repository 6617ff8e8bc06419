"""`isoflop hardware`, `serve` and `moe` as a user would type them, rightly and wrongly."""

from __future__ import annotations

import json

import pytest

from isoflop.cli.main import run
from isoflop.plan.energy import footprint
from isoflop.plan.hardware import ENVIRONMENT, devices
from isoflop.plan.moe import plan_mixture
from isoflop.plan.serving import serve
from isoflop.plan.training import train_on

OWN = """
[Lab-1]
vendor = "us"
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


@pytest.fixture
def said(capsys):
    def told(*words, code=0):
        assert run(list(words)) == code
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return captured.out if code == 0 else captured.err

    return told


def test_list_names_every_device(said):
    text = said("hardware")
    assert all(name in text for name in devices())
    assert "dense" in text
    found = json.loads(said("hardware", "--json"))
    assert [x["name"] for x in found] == list(devices())
    assert all(x["source"] and x["date"] for x in found)


def test_one_device(said):
    text = said("hardware", "show", "h100 sxm")
    assert "989 TFLOP/s dense" in text
    assert "2026-09-19" in text
    assert json.loads(said("hardware", "show", "H100", "--json"))["peak"]["bf16"] == 989e12
    assert "power not known" in said("hardware", "show", "TPU-v5e")


def test_own_devices(said, tmp_path, monkeypatch):
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    assert "Lab-1" in said("hardware", "--table", str(path))
    assert "100 TFLOP/s" in said("hardware", "show", "lab1", "--table", str(path))
    monkeypatch.setenv(ENVIRONMENT, str(path))
    assert "Lab-1" in said("serve", "Llama-3-8B", "--device", "lab 1")


def test_memory_is_train_on(said):
    words = ["hardware", "memory", "Llama-3-70B", "--tensor", "8", "--context", "8k"]
    found = json.loads(said(*words, "--tokens", "15T", "--price", "$2", "--json"))
    same = train_on("Llama-3-70B", "H100", tensor=8, context=8000, tokens=15e12, price=2.0)
    assert found["count"] == same.count
    assert found["usd"] == pytest.approx(same.usd)
    text = said(*words)
    assert f"{same.count} are the fewest" in text
    assert "another run's" in text


def test_energy_is_footprint(said):
    words = ["hardware", "energy", "--device", "H100", "--count", "64", "--time", "3 weeks"]
    found = json.loads(said(*words, "--region", "France", "--json"))
    same = footprint("H100", count=64, time=3 * 604800, region="France")
    assert found["joules"] == same.joules
    assert found["operational"] == same.operational
    assert "give --region or --intensity" in said(*words)
    embodied = said(*words, "--intensity", "0.4", "--embodied", "150", "--lifetime", "4 years")
    assert "embodied" in embodied
    assert "together" in embodied


def test_serve_is_serve(said):
    words = ["serve", "Llama-3-70B", "--count", "8", "--batch", "32", "--prompt", "2048"]
    found = json.loads(said(*words, "--price", "2", "--hop", "1 us", "--json"))
    same = serve("Llama-3-70B", count=8, batch=32, prompt=2048, price=2.0, hop=1e-6)
    assert found["usd_per_million_output"] == same.usd_per_million_output
    assert found["chosen"]["decode"]["roofline"]["bound"] == "memory-bound"
    text = said(*words)
    assert "memory-bound" in text
    # 2 N and the attention over the context; the weights shared by 32 sequences and a cache each.
    assert "generated 1.47e11 FLOPs and 5.13 GB moved" in text
    assert "upper bounds" in text


def test_serve_says_options_demand_and_what_few_bits_cost(said):
    text = said(
        *("serve", "Llama-3-8B", "--weights", "int4", "--trained-on", "15T", "--price", "2"),
        *("--input-tokens", "5T", "--output-tokens", "1T", "--over", "2 years"),
    )
    assert "chosen" in text
    assert "nats per token at 4 bits" in text
    assert "extrapolated" in text
    assert "over 2 years" in text


def test_a_shape_by_flags(said):
    words = ["serve", "--N", "70.6B", "--layers", "80", "--width", "8192", "--heads", "64"]
    words += ["--head-dim", "128", "--kv-heads", "8", "--json"]
    given, known = json.loads(said(*words)), json.loads(said("serve", "Llama-3-70B", "--json"))
    assert given["chosen"] == known["chosen"]
    assert "made up" in said("serve", "--N", "70B")


def test_moe_is_plan_mixture(said):
    found = json.loads(said("moe", "--budget", "1e22", "--memory", "72 GB", "--json"))
    same = plan_mixture(1e22, memory=72e9)
    assert found["best"]["experts"] == same.best.experts
    assert found["best"]["loss"] == same.best.loss
    text = said("moe", "--budget", "1e22", "--device", "H100", "--experts", "1,4,16")
    assert "memory decides its size" in text
    assert "without intervals" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["hardware", "show", "H1000"], "H100-SXM"),
        (["hardware", "--table", "nowhere.toml"], "nowhere.toml"),
        (["hardware", "nothing"], "nothing"),
        (["hardware", "memory"], "--N 70B"),
        (["hardware", "memory", "Llama-3-70B", "--N", "70B"], "cannot be given too"),
        (["hardware", "memory", "Llama-3-70B", "--tensor", "8", "--count", "8"], "--count 24"),
        (["hardware", "memory", "Llama-3-70B"], "--recompute full"),
        (["hardware", "memory", "Llama-3-70B", "--count", "1.5"], "whole number"),
        (["hardware", "energy", "--device", "H100", "--count", "1"], "--time"),
        (["hardware", "energy", "--count", "1", "--time", "1 h"], "power of one"),
        (["hardware", "energy", "--device", "H100", "--count", "1", "--time", "3 kg"], "kg"),
        (["serve", "Llama-3-71B"], "Llama-3-70B"),
        (["serve", "Llama-3-70B", "--count", "1"], "--count 2"),
        (["serve", "Llama-3-70B", "--latency", "1 us"], "decodes a token in"),
        (["serve", "Llama-3-70B", "--weights", "fp3"], "fp3"),
        (["serve", "Llama-3-70B", "--mfu", "40"], "40"),
        (["moe", "--budget", "0"], "not positive"),
        (["moe", "--budget", "1e20", "--experts", "1.5"], "whole"),
        (["moe", "--budget", "1e20", "--device", "H1OO"], "H100-SXM"),
    ],
)
def test_wrong_words(said, words, expected):
    import re

    assert re.search(expected, said(*words, code=2))
