"""The places that CONTRIBUTING.md sends people to exist."""

import re
from pathlib import Path

import isoflop

SOURCE = Path(isoflop.__file__).parent
ROOT = Path(__file__).parents[2]


def places():
    """Every path in backquotes of a table row, with a star for a name to be chosen."""
    rows = [x for x in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if x.startswith("| a")]
    assert len(rows) >= 8
    return {p for row in rows for p in re.findall(r"`([\w./*]+(?:\.\w+|/))`", row)}


def test_places_exist():
    found = places()
    assert "laws/catalogue.py" in found
    lost = [p for p in found if not any(any(r.glob(p)) for r in (SOURCE, ROOT, ROOT / "tests"))]
    assert not [p for p in lost if p != "*_page.py"]
