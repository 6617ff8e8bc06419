"""The plans of the how-to pages print what the pages show."""

from __future__ import annotations

import doctest
import re
import shlex

import numpy as np
import pytest
from documents import DOCS, fences

from isoflop.cli.main import run
from isoflop.laws.chinchilla import chinchilla

PAGES = (
    "cluster-for-a-month",
    "serve-tokens",
    "few-unique-tokens",
    "mixture-of-experts",
    "one-model-or-many-samples",
)
#: Commands, and the lines that the page shows of what they print.
SHOWN = re.compile(r"```bash\n(.*?)\n```\n(?:\n```text\n(.*?)\n```)?", re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_commands_print_what_the_page_shows(page, capsys, tmp_path, monkeypatch):
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e10, 8), np.geomspace(1e9, 3e11, 6)))
    noise = np.exp(np.random.default_rng(0).normal(0.0, 5e-3, N.size))
    loss = chinchilla(N, D, E=1.7, A=400.0, alpha=0.34, B=410.0, beta=0.28) * noise
    table = np.stack([N, D, loss], axis=1)
    np.savetxt(tmp_path / "runs.csv", table, delimiter=",", header="N,D,loss", comments="")
    monkeypatch.chdir(tmp_path)
    found = SHOWN.findall((DOCS / "howto" / f"{page}.md").read_text(encoding="utf-8"))
    assert len(found) >= 2
    for block, shown in found:
        printed = ""
        for line in block.splitlines():
            assert run(shlex.split(line)[1:]) == 0, line
            printed += capsys.readouterr().out
        for line in shown.splitlines():
            assert line.rstrip() in printed.splitlines(), (block, line, printed)


def test_python_of_the_pages_gives_what_it_shows():
    page = (DOCS / "howto" / "cluster-for-a-month.md").read_text(encoding="utf-8")
    text = "\n".join(fences(page, "pycon"))
    examples = doctest.DocTestParser().get_doctest(text, {"__name__": "page"}, "page", None, 0)
    assert len(examples.examples) >= 5
    report: list[str] = []
    result = doctest.DocTestRunner().run(examples, out=report.append)
    assert result.failed == 0, "".join(report)
