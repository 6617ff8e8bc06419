"""What the package promises in public: names, help and documentation agree."""

from collections import Counter
from pathlib import Path

import click
import numpy as np
import pytest

import isoflop
from isoflop.cli.main import SECTIONS, VERBS, cli


@pytest.mark.parametrize("name", isoflop.__all__)
def test_public_names_resolve(name):
    assert getattr(isoflop, name) is not None


@pytest.mark.parametrize("name", sorted(set(isoflop.__all__) - {"__version__"}))
def test_public_names_can_be_called(name):
    assert callable(getattr(isoflop, name))


def test_fit_is_a_verb_and_a_layer():
    N = np.array([1e8, 1e9, 1e8, 1e9, 3e8, 3e8])
    D = np.array([1e9, 1e9, 1e10, 1e10, 3e9, 3e10])
    loss = 1.7 + 400 / N**0.34 + 410 / D**0.28
    fitted = isoflop.fit({"N": N, "D": D, "loss": loss}, "chinchilla")
    assert isinstance(fitted, isoflop.fit.Fit)
    assert fitted.estimate["alpha"] == pytest.approx(0.34, abs=1e-4)


def test_layers_that_are_verbs_stay_callable_after_their_import():
    import isoflop.design

    assert len(isoflop.design([5e10, 1.5e11], corpus="x").specs) == 10


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb):
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    text = command.get_help(click.Context(command, info_name=f"isoflop {verb}"))
    assert "Example" in text
    assert f"isoflop {verb}" in text.split("Example")[1]


def test_help_lists_every_verb_once():
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(VERBS)
    text = cli.get_help(click.Context(cli, info_name="isoflop"))
    assert all(f"  {verb} " in text and VERBS[verb][1].split()[0] in text for verb in VERBS)


def leaves(command: click.Command) -> list[click.Command]:
    if isinstance(command, click.Group):
        return [leaf for sub in command.commands.values() for leaf in leaves(sub)]
    return [command]


@pytest.mark.parametrize("verb", VERBS)
def test_every_flag_is_explained_and_json_is_everywhere(verb):
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    for leaf in leaves(command):
        options = [p for p in leaf.params if isinstance(p, click.Option)]
        assert all(option.help for option in options), leaf.name
        assert any("--json" in option.opts for option in options), leaf.name
        assert verb == "laws" or "isoflop" in (leaf.epilog or ""), leaf.name


def test_test_files_have_names_of_their_own():
    """Two of one name do not collect together; each passes when it is run alone."""
    names = Counter(path.name for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
