from __future__ import annotations

import subprocess
import sys

import pytest

from isoflop.design import rules
from isoflop.design.architecture import Architecture
from isoflop.errors import InputError


def test_batches_of_the_reference_sweep() -> None:
    """Batch of each budget of the measured sweep: 3, 4, 6, 8 and 11 sequences."""
    assert [rules.batch(c) for c in (5e10, 1.5e11, 5e11, 1.5e12, 5e12)] == [3, 4, 6, 8, 11]
    with pytest.raises(InputError, match="not positive"):
        rules.batch(0.0)


def test_rates_follow_width_and_batch_as_stated() -> None:
    base, wide, big = rules.rates(64, 4), rules.rates(128, 4), rules.rates(64, 16)
    assert (wide.hidden, wide.head) == (base.hidden / 2, base.head / 2)
    assert (wide.embedding, wide.gains) == (base.embedding, base.gains)
    for name in ("hidden", "head", "embedding", "gains"):
        assert getattr(big, name) == 2 * getattr(base, name)
        assert getattr(rules.rates(64, 4, multiple=0.5), name) == getattr(base, name) / 2


@pytest.mark.parametrize(("width", "steps"), [(8, 6521), (16, 2649), (24, 1487), (48, 505)])
def test_steps_of_the_reference_sweep(width: int, steps: int) -> None:
    setup = rules.setup(Architecture(width=width), 5e10, corpus="c")
    # The reference rounded up at some widths.
    assert abs(setup.steps - steps) <= 1
    assert setup.flops == pytest.approx(5e10, rel=0.5 / setup.steps)


def test_the_rules_need_no_torch() -> None:
    code = "import sys, isoflop.design.rules; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
