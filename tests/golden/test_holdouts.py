"""Public tables held out as users would: fitted small, scored large; the shipped record again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import isoflop as iso
from isoflop.cli.main import run
from isoflop.validate.forms import FORMS
from isoflop.validate.past import past
from isoflop.validate.rolling import How

FILE = Path(__file__).parents[2] / "../shared/data/chinchilla-epoch-svg.csv"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not FILE.exists(), reason=f"{FILE.name} is not here"),
]

COLUMNS = {"N": "params_N", "D": "tokens_D", "C": "flops_C"}
HELD = "C > 1e21"


def test_chinchilla_predicts_the_largest_runs(capsys):
    """All 245 points, as `isoflop validate` takes them: 222 fitted, 23 held out."""
    columns = [f"--column={name}={column}" for name, column in COLUMNS.items()]
    arguments = ["validate", str(FILE), *columns, "--law", "chinchilla", "--holdout", HELD]
    assert run([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["fitted"], found["heldout"]) == (222, 23)
    # The optimum is unique, so that its errors do not depend on seeds.
    assert found["errors"]["chinchilla"]["log"] == pytest.approx(0.0170132, abs=1e-6)
    assert found["errors"]["chinchilla"]["bias"] == pytest.approx(0.0055336, abs=1e-6)
    assert found["skill"]["chinchilla"] == pytest.approx(
        {"last value": 0.509783, "nearest run": 0.556885, "straight line": 0.658778}, abs=1e-5
    )
    at = next(c for c in found["coverage"]["chinchilla"] if c["nominal"] == 0.9)
    assert at["samples_only"] < 0.4 < at["observed"]


def test_the_record_of_a_past_holdout_can_be_made_again():
    """Error of the ensemble as in `past.json`; one in a hundred for other rounding of weights."""
    (stored,) = (
        h for h in past().holdouts if (h.table, h.holdout) == ("chinchilla-epoch-svg", HELD)
    )
    table = iso.load(FILE, columns=COLUMNS, where="epoch_outlier == 0")
    found = iso.validate(table, laws=FORMS["N, D"], holdout=HELD, how=How(samples=400))
    assert stored.runs == found.heldout
    assert found.errors["ensemble"].log == pytest.approx(stored.error, rel=0.01)
    assert stored.distance == pytest.approx(
        np.median([c.distance for c in found.predictions]), abs=1e-3
    )
    # Three laws and run noise widened hold more than samples of one law: measured, not assumed.
    assert stored.covered["widened"][2] > stored.covered["samples"][2] + 0.3
