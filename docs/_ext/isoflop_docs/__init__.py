"""The generated pages of this documentation: laws, command line, Python interface.

As a Sphinx extension it writes them into the source folder before Sphinx looks for pages, and
draws formulas as MathML. The generators need nothing of Sphinx.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def write_all(docs: Path) -> list[Path]:
    """Write every generated page under the folder of the documentation; return their paths."""
    from isoflop_docs import api_pages, cli_page, law_page

    written = [
        *_write(docs / "laws", law_page.pages()),
        *_write(docs / "reference", [("cli.md", cli_page.page()), *api_pages.pages()]),
    ]
    _remove_others(written)
    return written


def _write(folder: Path, pages: Iterable[tuple[str, str]]) -> list[Path]:
    """Write pages into a folder, those that changed only: Sphinx reads by the time of change."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in pages:
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def _remove_others(written: list[Path]) -> None:
    """Remove pages of an earlier build that are generated no more."""
    for folder in {path.parent for path in written}:
        for path in set(folder.glob("*.md")) - set(written):
            path.unlink()


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    from isoflop_docs import docstrings, mathml

    app.connect("config-inited", lambda app, _config: write_all(Path(app.srcdir)))
    # Before napoleon reads the sections of a docstring.
    app.connect("autodoc-process-docstring", docstrings.translate, priority=100)
    app.add_html_math_renderer(
        "mathml",
        (mathml.visit_inline, mathml.nothing),
        (mathml.visit_block, mathml.nothing),
    )
    app.add_css_file("isoflop.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
