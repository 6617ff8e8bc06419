"""`isoflop cite`: BibTeX of laws and of the papers their constants are from."""

from __future__ import annotations

import click

from isoflop.cli import options as o
from isoflop.errors import InputError

EPILOG = """\b
Examples:
  isoflop cite chinchilla
  isoflop cite kaplan muennighoff2023 > laws.bib"""


@click.command(epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="LAW_OR_KEY...")
@click.option("--all", "everything", is_flag=True, help="Every paper that a law comes from.")
@o.json_flag
def command(names: tuple[str, ...], everything: bool, as_json: bool) -> int:
    """Print BibTeX of laws, and of the papers their published constants are from.

    A name is a law's (isoflop laws) or a paper's key. Family names only, and titles only where
    they are certain; look entries up before you print them.
    """
    from isoflop.laws.references import bibtex, reference, references

    keys = list(references()) if everything else _keys(names)
    if as_json:
        papers = [{"key": key, "paper": reference(key), "bibtex": bibtex(key)} for key in keys]
        o.print_json(papers)
    else:
        click.echo("\n\n".join(bibtex(key) for key in keys))
    return 0


def _keys(names: tuple[str, ...]) -> list[str]:
    """Return the keys of papers that names of laws or papers stand for, without repeats."""
    from isoflop import laws
    from isoflop.laws.references import references, sources

    if not names:
        raise InputError("which law is to be cited?", do="isoflop cite chinchilla")
    keys: list[str] = []
    for name in names:
        if name in references():
            keys.append(name)
            continue
        found = sources(laws.get(name))
        if not found:
            raise InputError(f"`{name}` is a definition; there is nothing to cite.")
        keys += found
    return list(dict.fromkeys(keys))
