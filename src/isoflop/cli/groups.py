"""A verb with subcommands, one of which is meant where none is named."""

from __future__ import annotations

import click


class DefaultGroup(click.Group):
    """A group that reads `verb ...` as `verb DEFAULT ...` if `...` names no subcommand.

    Args:
        default: name of the subcommand that may be left out.
    """

    def __init__(self, *args: object, default: str = "", **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportArgumentType]
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default subcommand first unless another, or help, is asked for."""
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if args and args[0] in known else [self.default, *args])
