"""The Python reference: the names of `isoflop`, then each layer's modules."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import isoflop
from isoflop.laws.law import Law
from isoflop_docs.markdown import escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

#: Layers with a page of their own, in the order in which they build on each other.
LAYERS = (
    "runs",
    "laws",
    "fit",
    "validate",
    "design",
    "plan",
    "store",
    "train",
    "protocols",
    "report",
)
#: Modules below every layer.
BASE = ("errors", "units", "samples")


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every page, the index first."""
    yield "index.md", index()
    yield "base.md", _page("Errors, units, samples", [f"isoflop.{name}" for name in BASE])
    for layer in LAYERS:
        yield f"{layer}.md", _page(f"isoflop.{layer}", modules(f"isoflop.{layer}"))


def index() -> str:
    """Return the index: what `isoflop` itself offers, and the layers."""
    verbs = [name for name in isoflop.__all__ if not name.startswith("_")]
    rows = [(f"[`{layer}`]({layer}.md)", escape(_first(f"isoflop.{layer}"))) for layer in LAYERS]
    parts = [
        "# Reference",
        "`import isoflop as iso` offers the verbs below. They are also those of the "
        "[command line](cli.md).",
        *(_verb(name) for name in verbs),
        "## Layers",
        "A layer uses its own modules and those of the layers above it in this table; below all "
        "of them lie [errors, units and samples](base.md).",
        "\n".join(table(("layer", "holds"), rows)),
        "\n".join(["```{toctree}", ":hidden:", "", "cli", "base", *LAYERS, "```"]),
    ]
    return "\n\n".join(parts) + "\n"


def verb(name: str) -> Any:
    """Return the function behind a public name: the one `isoflop` imports for type checkers."""
    tree = ast.parse(Path(isoflop.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return getattr(import_module(node.module or ""), alias.name)
    raise LookupError(name)


def modules(package: str) -> list[str]:
    """Return the names of a package and its modules, those that start with _ left out."""
    path = import_module(package).__path__
    found = [x.name for x in pkgutil.walk_packages(path, f"{package}.")]
    return [package, *sorted(x for x in found if "._" not in x)]


def public(module: ModuleType) -> list[str]:
    """Return the documented functions and classes that a module defines; laws have own pages."""
    return [
        name
        for name, found in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(found) or inspect.isfunction(found))
        and not isinstance(found, Law)
        and found.__module__ == module.__name__
    ]


def about(module: ModuleType) -> str:
    """Return a module's own docstring; `getdoc` of a verb gives its function's."""
    return inspect.cleandoc(vars(module).get("__doc__") or "")


def _verb(name: str) -> str:
    function = verb(name)
    signature = f"{function.__module__}.{function.__qualname__}"
    directive = f".. autofunction:: {signature}\n   :no-index:"
    return f"## isoflop.{name}\n\n```{{eval-rst}}\n{directive}\n```"


def _page(title: str, names: list[str]) -> str:
    parts = [f"# {title}"]
    for name in names:
        module = import_module(name)
        members = public(module)
        if name.count(".") == 1 and len(names) > 1 and not members:
            parts.append(escape(about(module)))
            continue
        parts.append(f"## {name}\n\n```{{eval-rst}}\n{_directive(name, members)}\n```")
    return "\n\n".join(parts) + "\n"


def _directive(name: str, members: list[str]) -> str:
    lines = [f".. automodule:: {name}"]
    if members:
        lines += [f"   :members: {', '.join(members)}", "   :member-order: bysource"]
    return "\n".join(lines)


def _first(module: str) -> str:
    return about(import_module(module)).split("\n\n")[0].replace("\n", " ")
