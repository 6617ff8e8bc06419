"""The catalogue of codes, and the page that lists them."""

from pathlib import Path

from isoflop.validate.audit.auditing import CHECKS
from isoflop.validate.audit.codes import CODES, source_of

PAGE = Path(__file__).parents[3] / "docs" / "concepts" / "audit.md"


def test_the_page_lists_every_code_as_the_code_does():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert rows == [
        f"| `{name}` | {code.severities} | {code.when} | {source_of(name)} |"
        for name, code in CODES.items()
        if code.severities
    ]


def test_every_check_has_a_code_and_every_code_a_source():
    assert {check.name for check in CHECKS} <= set(CODES)
    assert all(source_of(name) for name in CODES)
    assert source_of("nothing") == ""
