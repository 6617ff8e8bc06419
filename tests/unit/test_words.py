"""Public functions of the plan's side take the command line's names, and numbers as text."""

import inspect

import click
import numpy as np
import pytest

import isoflop as iso
from isoflop.cli.main import cli
from isoflop.errors import InputError
from isoflop.laws.chinchilla import chinchilla
from isoflop.plan.shapes import Shape


def test_text_and_numbers_are_the_same_question():
    words = iso.serve(
        "Llama-3-70B", "H100", count="8", batch="32", prompt="2k", mfu="40%", latency="20 ms",
        price="$2", output_tokens="1T", over="2 years", hop="1 us",
    )  # fmt: skip
    numbers = iso.serve(
        "Llama-3-70B", "H100", count=8, batch=32, prompt=2000, mfu=0.4, latency=0.02, price=2,
        output_tokens=1e12, over=2 * 365.25 * 86400, hop=1e-6,
    )  # fmt: skip
    assert words == numbers
    assert iso.moe("1e22", memory="72 GB") == iso.moe(1e22, memory=72e9)
    text = iso.train_on("Llama-3-8B", "H100", tokens="15T", mfu="40%", count="64")
    assert text == iso.train_on("Llama-3-8B", "H100", tokens=15e12, mfu=0.4, count=64)
    same = iso.footprint("H100", count=64, time=3 * 604800.0)
    assert iso.footprint("H100", count="64", time="3 weeks") == same


def test_a_number_of_parameters_is_a_model_whose_shape_is_made_up():
    found = iso.serve(7e9, "H100", batch=1)
    assert found.shape.N == 7e9
    assert any("made up" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: iso.serve("Llama-3-70B", latency="soon"), "soon"),
        (lambda: iso.serve("Llama-3-70B", latency=[20]), "latency is a number or text, not list"),
        (lambda: iso.serve("Llama-3-70B", count="8.5"), "not a whole number"),
        (lambda: iso.serve("Llama-3-70B", latency="20 GB"), "20 GB"),
        (lambda: iso.serve(["Llama-3-70B"]), "not list"),
        (lambda: iso.serve(True), "not bool"),
        (lambda: iso.moe("lots"), "lots"),
        (lambda: iso.moe(True), "budget is a number or text, not bool"),
        (lambda: iso.footprint(power="400 kWh", count=1, time=1), "400 kWh"),
        (lambda: iso.plan("chinchilla", True), "not bool"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(call, words):
    with pytest.raises(InputError, match=words):
        call()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (iso.serve, ["serve"]),
        (iso.moe, ["moe"]),
        (iso.train_on, ["hardware", "memory"]),
        (iso.footprint, ["hardware", "energy"]),
    ],
)
def test_flags_of_the_command_are_arguments_of_the_function(function, words):
    """But for those that describe a model's shape, which Python gives as a `Shape`."""
    command, context = cli, click.Context(cli)
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(context, word)
        assert found is not None
        command = found
    flags = {
        option.opts[-1].removeprefix("--").replace("-", "_")
        for option in command.params
        if isinstance(option, click.Option)
    }
    fields = set() if function is iso.moe else set(Shape.__struct_fields__)
    arguments = set(inspect.signature(function).parameters)
    assert flags - {"json", "table"} - fields <= arguments


def test_next_runs_take_text_too():
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 1e11, 4)))
    noise = np.exp(np.random.default_rng(0).normal(0.0, 5e-3, N.size))
    loss = chinchilla(N, D, E=1.7, A=400.0, alpha=0.34, B=410.0, beta=0.28) * noise
    fit = iso.fit({"N": N, "D": D, "loss": loss}, "chinchilla", bootstrap=50)
    text = iso.next_runs(fit, "3e19", N="7B", D="140B", most="6")
    assert text == iso.next_runs(fit, 3e19, N=7e9, D=140e9, most=6)
