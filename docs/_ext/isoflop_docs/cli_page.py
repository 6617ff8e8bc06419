"""The command-line reference, from the click commands themselves."""

from __future__ import annotations

import inspect
import re
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from isoflop.cli.laws import Show
from isoflop.cli.main import cli
from isoflop_docs.markdown import code, escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator


def page() -> str:
    """Return the page: the exit codes, then a section for each verb."""
    context = click.Context(cli, info_name="isoflop")
    verbs = [name for name, command in commands() if " " not in name]
    rows = [(f"[`{name}`](#isoflop-{name})", escape(_first(cli, context, name))) for name in verbs]
    parts = [
        "# Command line",
        "Every verb prints its result on stdout and everything else on stderr; `--json` prints "
        "one JSON document. Quantities are written as people write them: `70B`, `1.4T`, "
        "`5.76e23`, `1 PF-day`. `isoflop VERB --help` prints what is written here.",
        "\n".join(table(("verb", "does"), rows)),
        *_paragraphs((cli.epilog or "").split("Example")[0]),
        "Ctrl-C stops cleanly with code 130; the same command goes on from there.",
        *(section(name, command) for name, command in commands()),
    ]
    return "\n\n".join(parts) + "\n"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that has its own help, with its words: ("laws show", command).

    The commands of single laws are left out: their flags are the laws' own, on their pages.
    """
    context = click.Context(cli, info_name="isoflop")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None, name  # noqa: S101 - a listed verb exists
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", found) for sub, found in command.commands.items())


def section(name: str, command: click.Command) -> str:
    """Return the section of one command: usage, text, arguments and flags, examples."""
    context = click.Context(command, info_name=f"isoflop {name}")
    usage = " ".join([f"isoflop {name}", *command.collect_usage_pieces(context)])
    parts = [
        f"{'###' if ' ' in name else '##'} isoflop {name}",
        code("text", usage),
        *_paragraphs(command.help or ""),
        *_arguments(command, context),
        *_flags(command),
        *_one_law(command, context),
        *_epilog(command.epilog or ""),
    ]
    return "\n\n".join(parts)


def _first(group: click.Group, context: click.Context, name: str) -> str:
    command = group.get_command(context, name)
    return "" if command is None else command.get_short_help_str(200)


def _paragraphs(text: str) -> list[str]:
    found = re.split(r"\n\s*\n", inspect.cleandoc(text).replace("\b\n", ""))
    return [escape(" ".join(x.split())) for x in found if x.strip()]


def _arguments(command: click.Command, context: click.Context) -> list[str]:
    names = [
        (f"`{p.make_metavar(context)}`", "required" if p.required else "optional")
        for p in command.params
        if isinstance(p, click.Argument)
    ]
    return ["\n".join(table(("argument", ""), names))] if names else []


def _flags(command: click.Command) -> list[str]:
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    rows = [(_spelled(p), escape(p.help or ""), _default(p)) for p in options]
    return ["\n".join(table(("flag", "does", "default"), rows))] if rows else []


def _one_law(command: click.Command, context: click.Context) -> list[str]:
    """Return the flags of one law as an instance of those that follow from its declaration."""
    if not isinstance(command, Show):
        return []
    law = command.get_command(context, "chinchilla")
    assert law is not None  # noqa: S101 - a registered law
    return ["The flags follow from the law; those of `chinchilla` are:", *_flags(law)]


def _spelled(option: click.Option) -> str:
    """Return a flag with what it takes: `--noise TEXT`, `--method [case|...]`."""
    names = "`, `".join((*option.opts, *option.secondary_opts))
    if option.is_flag:
        return f"`{names}`"
    if isinstance(option.type, click.Choice):
        taken = ", ".join(f"`{x}`" for x in option.type.choices)
        return f"`{names}` one of {taken}"
    kind = option.metavar or {"text": "TEXT", "float": "NUMBER", "integer": "WHOLE"}.get(
        option.type.name, option.type.name.upper().replace("INTEGER RANGE", "WHOLE")
    )
    return f"`{names} {kind}`" + (", may be repeated" if option.multiple else "")


def _default(option: click.Option) -> str:
    """Return the default as it would be typed; empty if there is none to speak of."""
    default = option.to_info_dict()["default"]
    if option.secondary_opts and isinstance(default, bool):
        return f"`{(option.opts if default else option.secondary_opts)[0]}`"
    if option.required:
        return "required"
    plain = isinstance(default, str | int | float | PurePath) and default is not False
    return f"`{default}`" if plain else ""


def _epilog(text: str) -> list[str]:
    """Return the examples of a command as a block of shell."""
    lines = inspect.cleandoc(text.replace("\b\n", "")).splitlines()
    commands = [x.split("Example:")[-1].strip() for x in lines if "isoflop " in x]
    shown = [re.sub(r" {2,}(?=\w)", "  # ", x) for x in commands]
    return ["Examples:", code("bash", "\n".join(shown))] if shown else []
