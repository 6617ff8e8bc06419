"""Pickles read as data: equal to what pandas pickled, and nothing in them is ever run."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.runs.public.converters.inert import Node, plain, read

pd = pytest.importorskip("pandas")


class Touch:
    """Unpickling it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_plain_containers():
    value = {"a": [1, 2.5, "x", None, True, False], "b": (1, 2), "c": {}, 3: (1, 2, 3, 4), "d": ()}
    assert read(pickle.dumps(value, protocol=5)) == value
    assert read(pickle.dumps(list(range(3000)), protocol=5)) == list(range(3000))


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.array([1, 2, 3]), np.array([True, False])]
)
def test_arrays(array, protocol):
    found = plain(read(pickle.dumps(array, protocol=protocol)))
    np.testing.assert_array_equal(found, array)
    assert plain(read(pickle.dumps(np.float64(1.5), protocol=protocol))) == 1.5


def test_a_call_stays_a_name(tmp_path):
    target = tmp_path / "touched"
    node = read(pickle.dumps(Touch(target), protocol=5))
    assert isinstance(node, Node)
    assert node.name.endswith("touch")
    with pytest.raises(InputError, match="touch"):
        plain(node)
    assert not target.exists()
    pickle.loads(pickle.dumps(Touch(target), protocol=5))  # noqa: S301 (what was avoided)
    assert target.exists()


@pytest.mark.parametrize("data", [b"", b"\x80\x05K\x01", b"\x80\x05]K\x01q\x00.", b"not a pickle"])
def test_broken_pickles_are_input_errors(data):
    with pytest.raises(InputError, match="pickle"):
        read(data)
