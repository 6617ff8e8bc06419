"""Examples of the documentation, run as a reader would run them."""

from __future__ import annotations

import doctest
import re
import shlex
from typing import TYPE_CHECKING

import numpy as np
import pytest
from documents import DOCS, ROOT, fences

from isoflop.cli.main import run
from isoflop.laws.chinchilla import chinchilla

if TYPE_CHECKING:
    from pathlib import Path

LAW = (DOCS / "howto" / "your-own-law.md").read_text(encoding="utf-8")
FIT = (DOCS / "concepts" / "fit.md").read_text(encoding="utf-8")
POINTS = ROOT / "../shared/data/chinchilla-epoch-svg.csv"

#: A command and, where the page shows it, what it prints.
SHOWN = re.compile(r"```bash\n(isoflop .*?)\n```\n(?:\n```text\n(.*?)\n```)?", re.DOTALL)


def test_python_of_a_law_of_ones_own():
    parser = doctest.DocTestParser()
    text = "\n".join(fences(LAW, "pycon"))
    examples = parser.get_doctest(text, {"__name__": "example"}, "your-own-law", None, 0)
    assert len(examples.examples) > 25
    report: list[str] = []
    result = doctest.DocTestRunner().run(examples, out=report.append)
    assert result.failed == 0, "".join(report)


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    """A folder with runs.csv: 48 runs of Chinchilla's law with 0.5 % noise."""
    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e10, 8), np.geomspace(1e9, 3e11, 6)))
    noise = np.exp(np.random.default_rng(0).normal(0.0, 5e-3, N.size))
    loss = chinchilla(N, D, E=1.7, A=400.0, alpha=0.34, B=410.0, beta=0.28) * noise
    table = np.stack([N, D, loss], axis=1)
    np.savetxt(tmp_path / "runs.csv", table, delimiter=",", header="N,D,loss", comments="")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_of_a_law_of_ones_own(runs, capsys):
    found = SHOWN.findall(LAW)
    assert len(found) >= 2
    for block, shown in found:
        for line in block.splitlines():
            code = run([*shlex.split(line)[1:], "--no-sensitivity"])
            out, err = capsys.readouterr()
            assert code == (2 if shown else 0), (line, out, err)
            assert shown in err


@pytest.mark.data
@pytest.mark.skipif(not POINTS.exists(), reason="the public run tables are not here")
def test_output_of_the_fit_page(capsys):
    found = SHOWN.findall(FIT)
    assert len(found) == 2
    for line, shown in found:
        words = shlex.split(line.replace("\\\n", ""))[1:]
        run([str(POINTS) if word.endswith(".csv") else word for word in words])
        assert capsys.readouterr().out.strip() == shown


@pytest.mark.data
@pytest.mark.skipif(not POINTS.exists(), reason="the public run tables are not here")
@pytest.mark.parametrize("method", ["case", "wild", "laplace"])
def test_intervals_of_the_fit_page(method, capsys):
    words = shlex.split(SHOWN.findall(FIT)[0][0].replace("\\\n", ""))[1:]
    words = [str(POINTS) if word.endswith(".csv") else word for word in words]
    run([*words, "--method", method, "--no-sensitivity"])
    printed = re.search(r"^beta .*?\[([\d.]+), ([\d.]+)\]", capsys.readouterr().out, re.MULTILINE)
    said = re.search(rf"^\| `{method}` \| ([\d.]+) to ([\d.]+) \|", FIT, re.MULTILINE)
    assert printed
    assert said
    assert printed.groups() == said.groups()
