"""What errors, findings and help tell to type exists: verbs, flags, and names to import."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import click
import pytest

import isoflop
from isoflop.cli.main import VERBS, cli

SOURCE = Path(isoflop.__file__).parent
#: Takes any input of a law as a flag.
OPEN = ("laws", "show")


def strings():
    """Every text in the source with its place; what an f-string fills in is `X`."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            place = f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.JoinedStr):
                parts = [x.value if isinstance(x, ast.Constant) else "X" for x in node.values]
                yield place, "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield place, node.value


def commands(text):
    """The verbs and the line of every `isoflop ...` in a text; a sentence names no verb."""
    for found in re.finditer(r"(?P<shown>  |`)?\bisoflop (?P<words>(?:[a-z-]+ ?)+)[^\n;`]*", text):
        words = found["words"].split()
        if found["shown"] or words[0] in VERBS:
            yield words, found[0]


def flags_of(words):
    """The flags that a command takes; those of its subcommands too where none is named."""
    command = cli.get_command(click.Context(cli), words[0])
    for word in words[1:]:
        if isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
    commands = [command]
    if isinstance(command, click.Group):
        commands += command.commands.values()
    known = {flag for c in commands for p in c.params for flag in (*p.opts, *p.secondary_opts)}
    return known | {"--help"}


def mistakes(text):
    """What a text tells to type and does not exist."""
    for words, line in commands(text):
        if words[0] not in VERBS:
            yield f"no verb `{words[0]}`: {line}"
        elif tuple(words[:2]) != OPEN:
            unknown = set(re.findall(r"--[A-Za-z][\w-]*", line)) - flags_of(words)
            yield from (f"no flag {flag}: {line}" for flag in sorted(unknown))


def test_mistakes_are_found():
    assert list(mistakes("Add runs:  isoflop design --vary N"))
    assert list(mistakes("Fit it:  isoflop fti runs.csv"))
    assert not list(mistakes("Look:  isoflop fit runs.csv --law chinchilla; isoflop laws"))


def test_commands_in_texts_exist():
    found = [f"{place}: {mistake}" for place, text in strings() for mistake in mistakes(text)]
    assert not found


def test_calls_in_texts_exist():
    called = {
        name
        for _, text in strings()
        for name in re.findall(r"\bisoflop(?:\.[a-z_]\w*)+(?=\()", text)
    }
    assert called
    for name in called:
        module, _, attribute = name.rpartition(".")
        if not hasattr(import_module(module), attribute):
            pytest.fail(f"{name} does not exist")
