"""The documentation covers what there is, and what it shows exists."""

from __future__ import annotations

import ast
import re
import shutil
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

import click
import numpy as np
import pytest
from documents import DOCS, ROOT, anchors, commands, fences, links, written

import isoflop
from isoflop import laws
from isoflop.cli.main import VERBS, cli

LAWS = laws.names()


@pytest.fixture(scope="session")
def docs(tmp_path_factory):
    """A copy of the documentation with every generated page."""
    from isoflop_docs import write_all

    folder = tmp_path_factory.mktemp("built") / "docs"
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns("_build", "laws", "reference"))
    write_all(folder)
    return folder


# Commands -----------------------------------------------------------------------------------------
@pytest.fixture
def parse(monkeypatch):
    """Parse a command line without running it."""
    monkeypatch.setattr(click.Command, "invoke", lambda self, context: None)

    def run(words):
        if words[0] == "make":
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
            assert {w for w in words[1:] if "=" not in w} <= set(targets), words
            return
        try:
            cli.main(args=words[1:], prog_name="isoflop", standalone_mode=False)
        except click.ClickException as error:
            pytest.fail(f"{' '.join(words)}: {error.format_message()}")

    return run


def test_parsing_finds_mistakes(parse):
    parse(["isoflop", "fit", "runs.csv", "--bootstrap", "10"])
    for wrong in (
        ["isoflop", "fti", "runs.csv"],
        ["isoflop", "fit", "runs.csv", "--boot", "10"],
        ["isoflop", "fit"],
        ["isoflop", "laws", "show", "chinchilla", "--M", "1"],
        ["make", "nothing"],
    ):
        with pytest.raises((pytest.fail.Exception, AssertionError)):
            parse(wrong)


@pytest.mark.parametrize("page", written(), ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_of_a_page_exist(page, parse):
    for words in commands(page.read_text(encoding="utf-8")):
        parse(words)


def test_commands_of_generated_pages_exist(docs, parse):
    found = 0
    for page in (*(docs / "laws").glob("*.md"), docs / "reference" / "cli.md"):
        for words in commands(page.read_text(encoding="utf-8")):
            parse(words)
            found += 1
    assert found > len(LAWS)


def leaves(words: list[str], command: click.Command):
    yield words, command
    if isinstance(command, click.Group):
        for name, sub in command.commands.items():
            yield from leaves([*words, name], sub)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_flag_is_in_the_reference(verb, docs):
    page = (docs / "reference" / "cli.md").read_text(encoding="utf-8")
    root = cli.get_command(click.Context(cli), verb)
    assert root is not None
    for words, command in leaves([verb], root):
        name = " ".join(["isoflop", *words])
        section = re.search(rf"^#+ {name}$\n(.*?)(?=^#+ |\Z)", page, re.MULTILINE | re.DOTALL)
        assert section, name
        for parameter in command.params:
            for flag in (*parameter.opts, *parameter.secondary_opts):
                spelled = f"`{flag}" if flag.startswith("-") else f"`{flag.upper()}"
                metavar = getattr(parameter, "metavar", None)
                assert spelled in section[1] or (metavar and metavar in section[1]), (name, flag)


# Python -------------------------------------------------------------------------------------------
def snippets(text: str) -> list[str]:
    return fences(text, "python")


def check_python(text: str) -> None:
    for snippet in snippets(text):
        tree = ast.parse(snippet)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("isoflop"):
                module = import_module(node.module or "")
                assert all(hasattr(module, alias.name) for alias in node.names), snippet
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "iso"
            ):
                assert node.attr in isoflop.__all__, snippet


@pytest.mark.parametrize("page", written(), ids=lambda p: str(p.relative_to(ROOT)))
def test_python_of_a_page_compiles_and_names_what_exists(page):
    check_python(page.read_text(encoding="utf-8"))


def test_every_public_name_is_in_the_reference(docs):
    from isoflop_docs.api_pages import LAYERS, modules, public, verb

    index = (docs / "reference" / "index.md").read_text(encoding="utf-8")
    for name in set(isoflop.__all__) - {"__version__"}:
        function = verb(name)
        assert f"## isoflop.{name}\n" in index
        assert f".. autofunction:: {function.__module__}.{function.__qualname__}" in index
    for layer in LAYERS:
        page = (docs / "reference" / f"{layer}.md").read_text(encoding="utf-8")
        assert f"({layer}.md)" in index
        for module in modules(f"isoflop.{layer}"):
            for name in public(import_module(module)):
                directive = rf"automodule:: {module}\n   :members: [^\n]*\b{name}\b"
                assert re.search(directive, page), (module, name)


def test_a_layers_page_begins_with_what_the_layer_is(docs):
    """Not with the function that the layer is when it is called."""
    page = (docs / "reference" / "plan.md").read_text(encoding="utf-8")
    assert page.startswith("# isoflop.plan\n\nPlans: what to train with a budget.\n")


def test_every_name_has_a_docstring():
    from isoflop_docs.api_pages import LAYERS, modules, public

    for module in (name for layer in LAYERS for name in modules(f"isoflop.{layer}")):
        found = import_module(module)
        assert found.__doc__, module
        for name in public(found):
            assert (getattr(found, name).__doc__ or "").strip(), (module, name)


# Laws ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", LAWS)
def test_page_of_a_law(name, docs):
    law = laws.get(name)
    page = (docs / "laws" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    for p in (*law.input_names, *law.parameter_names):
        assert f"| `{p}` |" in page
    for label, published in law.published.items():
        assert f"### `{label}`" in page
        assert all(f"{k} = {v!r}" in page for k, v in published.constants.items())
    for figure in re.findall(r"<figure.*?</figure>", page, re.DOTALL):
        drawn = ElementTree.fromstring(figure)  # noqa: S314 - our own text
        plots = [x for x in drawn.iter("svg") if x.get("class") == "plot"]
        assert len(plots) == len(law.inputs)
        for plot in plots:
            lines = [x for x in plot.iter("path") if "line" in (x.get("class") or "").split()]
            assert lines
            assert all("nan" not in (x.get("d") or "") for x in lines)


@pytest.mark.parametrize("name", LAWS)
def test_python_of_a_law_runs(name, docs):
    page = (docs / "laws" / f"{name}.md").read_text(encoding="utf-8")
    *formula, snippet = snippets(page)
    for text in formula:
        ast.parse(text)
    space: dict[str, Any] = {}
    exec(snippet, space)  # noqa: S102 - what a reader would paste
    said = re.search(r"# (\S+)", snippet.splitlines()[-1])
    assert said
    # The rows of a schedule are its steps: one row gives one value.
    assert np.ravel(space["value"]).item() == pytest.approx(float(said[1]), rel=1e-5)


def test_index_lists_every_law_once(docs):
    index = (docs / "laws" / "index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(\w+)\]\(\1\.md\) ", index, re.MULTILINE)
    assert sorted(listed) == LAWS


# Links --------------------------------------------------------------------------------------------
def test_links_resolve(docs):
    pages = [ROOT / "README.md", *sorted(docs.rglob("*.md"))]
    assert len(pages) > len(LAWS)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for link in links(text):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            # The README links to generated pages as they lie in the built copy.
            if not target.exists() and target.is_relative_to(DOCS):
                target = docs / target.relative_to(DOCS)
            assert target.exists(), f"{page.name}: {link}"
            if anchor:
                assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_page_is_in_a_toctree(docs):
    index = (docs / "index.md").read_text(encoding="utf-8")
    assert "laws/index.md" in links(index)
    assert "reference/index.md" in links(index)
    for page in written()[1:]:
        name = page.relative_to(DOCS).as_posix()
        if name not in {"index.md"} and not name.startswith("decisions/0"):
            assert name in links(index), name
