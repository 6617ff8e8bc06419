"""The page: complete, self-contained, escaped, written whole."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.resources import files

import msgspec
import pytest
import synthetic_study
from synthetic_study import HOSTILE

from isoflop.errors import MissingExtra, StoreError
from isoflop.report import render, write_report
from isoflop.report.tables import run_table
from isoflop.runs.finding import Finding, Move
from isoflop.units import format_count, format_loss
from isoflop.validate.audit import Skipped


class Page(HTMLParser):
    """Elements with their attributes, the text outside scripts and styles, JSON by parent."""

    def __init__(self, document: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.json, self._inside = "", [], ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in {"script", "style"} else ""
        self._json = dict(attrs).get("type") == "application/json"

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if not self._inside:
            self.text += data
        elif self._inside == "script" and self._json:
            self.json.append(json.loads(data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def sound():
    return synthetic_study.study()


@pytest.fixture(scope="module")
def document(sound):
    return render(sound)


@pytest.fixture(scope="module")
def page(document):
    return Page(document)


@pytest.fixture(scope="module")
def troubled():
    return Page(render(synthetic_study.troubled()))


def test_numbers_of_the_answer_are_the_documents(sound, page):
    shown = {a["data-symbol"]: float(a["value"]) for a in page.all("data")}
    plan = sound.plan
    assert shown == {
        "N*": plan.N.estimate,
        "D*": plan.D.estimate,
        "L": plan.loss.estimate,
        "D*/N*": plan.tokens_per_parameter.estimate,
    }
    for estimate, write in (
        (plan.N, format_count),
        (plan.D, format_count),
        (plan.loss, format_loss),
    ):
        low, high = estimate.interval
        assert write(estimate.estimate) in page.text
        assert f"{write(low)} to {write(high)}" in page.text
    assert "1 decade (10×) beyond" in page.text
    low, high = plan.flat["1%"]
    assert f"any N from {format_count(low)} to {format_count(high)}" in page.text


def test_units_and_conventions_are_stated(page):
    for words in ("nats per token", "matrices + head", "exact FLOPs", "tokens processed"):
        assert words in page.text


def test_6nd_is_compared_with_the_flops_of_these_runs(sound, page):
    table = sound.table
    shares = [6 * n * d / c for n, d, c in zip(table["N"], table["D"], table["C"], strict=True)]
    said = f"6ND with this N is {100 * min(shares):.0f} to {100 * max(shares):.0f} % of it"
    assert said in page.text


def test_exponents_of_all_approaches_and_conventions(sound, page):
    approaches = (sound.approach1, sound.approach2, sound.approach3)
    found = [a.N_exponent for a in approaches] + list(sound.conventions.values())
    assert len(found) == 6
    for estimate in found:
        low, high = estimate.interval
        assert f"{estimate.estimate:.3f} ({low:.3f} to {high:.3f})" in page.text


def test_every_run_and_finding_is_listed(sound, page):
    for run, seconds in zip(sound.table["id"], sound.table["seconds"], strict=True):
        assert run[:8] in page.text
        assert f"{seconds:.1f}" in page.text
    for finding in sound.findings:
        assert finding.message in page.text
        assert finding.remedy in page.text
    assert page.text.index("Halving the learning rate") < page.text.index("does not steepen")
    assert sound.provenance["command"] in page.text
    assert "10.2 min" in page.text


def test_findings_say_how_far_they_move_the_answer_and_what_was_not_checked(sound):
    move = Move(what="exponent of N*", now=0.513, then=0.481, how="five runs left out")
    finding = Finding(
        code="outliers",
        severity="warning",
        message="five runs lie off the law.",
        why="They decide.",
        source="Besiroglu et al. 2024",
        moves=(move,),
    )
    skipped = Skipped(check="warmup", reason="no column says how long <it> is.")
    result = msgspec.structs.replace(sound, findings=[finding], unchecked=[skipped])
    text = Page(render(result)).text
    for words in ("1 warning", "0.513", "0.481", "five runs left out", "Besiroglu", "<it> is"):
        assert words in text


def test_figures_have_captions_and_descriptions(page):
    plots = [a for a in page.all("div") if a.get("class") == "plot"]
    assert len(plots) == 9
    assert all(a["role"] == "img" and len(a["aria-label"]) > 30 for a in plots)
    assert len(page.all("figure")) == len(page.all("figcaption")) == 7
    assert [f"Figure {k}" in page.text for k in range(1, 8)] == [True] * 7
    assert len(page.json) == 9 + 1  # one document a plot, and the dark colours


def test_nothing_is_fetched(document, page):
    addresses = [a[name] for _, a in page.elements for name in ("src", "href") if name in a]
    assert addresses
    assert all(address.startswith("#") or address == "data:," for address in addresses)
    style = document[document.index("<style>") : document.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert not {a.get("srcset") for _, a in page.elements} - {None}


def test_links_lead_somewhere(page):
    targets = {a["id"] for _, a in page.elements if "id" in a}
    assert {a["href"][1:] for a in page.all("a")} <= targets


def test_script_is_inlined_once_and_the_file_is_small(document):
    assert document.count("* plotly.js v") == 1
    assert len(document.encode()) < 5.1e6


def test_no_inline_event_handlers(page, troubled):
    for one in (page, troubled):
        assert not [name for _, a in one.elements for name in a if name.startswith("on")]


def test_markup_in_texts_stays_text(troubled):
    scripts = [a for a in troubled.all("script") if a.get("type") != "application/json"]
    assert len(scripts) == 2  # plotly and the page's own
    assert troubled.all("img") == []
    # question, title, plan error (answer, verdict, finding), run id, reason, edge, corpus, command
    assert troubled.text.count(HOSTILE) >= 9
    shown = [a["title"] for a in troubled.all("td") if "title" in a]
    assert HOSTILE in shown


def test_json_cannot_close_its_script(troubled):
    raw = render(synthetic_study.troubled())
    blocks = re.findall(r'<script type="application/json">(.*?)</script>', raw, flags=re.S)
    assert len(blocks) == len(troubled.json) - 1
    assert all("<" not in block and "&" not in block for block in blocks)


def test_what_is_missing_says_why(troubled):
    assert "This study gives no plan. There is no plan: only three budgets" in troubled.text
    assert "Figure 6 is not drawn: no run was held out." in troubled.text
    assert "Figure 7 is not drawn: no plan." in troubled.text
    assert "Too few curves" in troubled.text
    assert "1 of 27 runs failed." in troubled.text
    assert "edge: the best run is the smallest" in troubled.text
    assert "40 % below approach 2" in troubled.text
    assert troubled.all("data") == []


def test_a_study_of_failures_still_has_a_page():
    page = Page(render(synthetic_study.empty()))
    assert [f"Figure {k} is not drawn" in page.text for k in range(1, 8)] == [True] * 7
    assert "0 finished, 27 failed" in page.text
    assert "No check was made." in page.text


def test_open_intervals_are_said_in_words(sound):
    wide = msgspec.structs.replace(sound.plan.N, interval=(None, 9e5))
    plan = msgspec.structs.replace(sound.plan, N=wide)
    assert "up to 900k" in Page(render(msgspec.structs.replace(sound, plan=plan))).text


def test_run_table_has_numbers_to_sort_by(sound, page):
    columns, rows = run_table(sound)
    losses = [row[[c.unit for c in columns].index("nats/token")].value for row in rows]
    assert sorted(losses) == sorted(sound.table["loss"])
    roles = [row[1].shown for row in rows]
    assert list(dict.fromkeys(roles)) == ["isoFLOP", "held out", "rate probe"]
    sizes = [row[[c.heading for c in columns].index("N")].value for row in rows[:5]]
    assert sizes == sorted(sizes)
    values = {a["data-value"] for a in page.all("td") if "data-value" in a}
    assert {str(loss) for loss in losses} <= values


def test_nan_and_unknown_columns_of_the_table(sound):
    count = len(sound.table["id"])
    table = dict(sound.table) | {"odd": ["a b"] * count, "void": [float("nan")] * count}
    table["loss"] = [float("nan"), *table["loss"][1:]]
    columns, rows = run_table(msgspec.structs.replace(sound, table=table))
    headings = [column.heading for column in columns]
    assert "odd" in headings
    assert "void" not in headings
    assert [row[headings.index("loss")] for row in rows].count(("—", "", "")) == 1
    render(msgspec.structs.replace(sound, table=table))


def test_same_study_same_page(sound, document):
    assert render(sound) == document


def test_written_whole_and_alone(sound, document, tmp_path):
    target = tmp_path / "new" / "folder" / "report.html"
    assert write_report(sound, target) == target
    assert target.read_text(encoding="utf-8") == document
    target.write_text("old")
    write_report(sound, str(target))
    assert target.read_text(encoding="utf-8") == document
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_bytes_of_a_foreign_file_name_are_no_obstacle(sound, tmp_path):
    command = b"isoflop study --corpus caf\xe9".decode("utf-8", "surrogateescape")
    odd = msgspec.structs.replace(sound, provenance={"command": command})
    assert b"--corpus caf?" in write_report(odd, tmp_path / "report.html").read_bytes()


def test_unwritable_place(sound, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match=r"report"):
        write_report(sound, blocked / "report.html")
    assert blocked.read_text() == "in the way"


@pytest.mark.parametrize("package", ["jinja2", "plotly"])
def test_missing_extra(sound, package, monkeypatch, tmp_path):
    for name in list(sys.modules):
        if name.split(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=package) as caught:
        write_report(sound, tmp_path / "report.html")
    assert caught.value.exit_code == 3
    assert "isoflop[report]" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_importing_the_layer_is_light():
    code = "import sys, isoflop.report; print({'jinja2', 'plotly', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_templates_are_in_the_package():
    names = {path.name for path in files("isoflop.report").joinpath("templates").iterdir()}
    assert {"report.html.j2", "macros.html.j2", "report.css", "report.js"} <= names
