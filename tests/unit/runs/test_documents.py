import json

import pytest

from isoflop.errors import InputError
from isoflop.runs.documents import objects
from isoflop.runs.io import load

RUNS = [{"N": 1e8, "D": 2e9, "loss": 3.0}, {"N": 2e8, "D": 4e9, "loss": 2.8}]


def losses(tmp_path, document, indent=2):
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(document, indent=indent), encoding="utf-8")
    return load(path)["loss"].tolist()


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "document",
    [
        RUNS,
        {"best": 2.8, "state": {"log_history": RUNS}},
        {"a": RUNS[0], "b": RUNS[1]},
        {"N": [1e8, 2e8], "loss": [3.0, 2.8]},
        {"config": {"N": 1e8}, "steps": [1, 2], "loss": [3.0, 2.8]},
    ],
)
def test_documents_of_several_shapes_are_read_on_one_line_or_many(tmp_path, document, indent):
    assert losses(tmp_path, document, indent) == [3.0, 2.8]


def test_what_holds_for_all_points_and_the_names_of_objects_become_columns():
    document = {"config": {"N": 1e8}, "D": [1, 2], "loss": [3.0, 2.8]}
    (first, _) = objects("x", json.dumps(document, indent=1))
    assert first == {"config.N": 1e8, "D": 1, "loss": 3.0}
    named = objects("x", json.dumps({"a": RUNS[0], "b": RUNS[1]}, indent=1))
    assert [record["name"] for record in named] == ["a", "b"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"train": RUNS, "test": {"runs": RUNS}}, "several lists of objects: train, test.runs"),
        ({"config": {"N": 1}, "curve": [[1, 2.0], [2, 1.9]]}, r"config \(object of 1\), curve"),
        ({"a": {"N": 1}, "b": {"D": 2}, "curve": [1, 2]}, "without a list of runs"),
    ],
)
def test_a_document_without_one_list_of_runs_says_what_it_holds(tmp_path, document, message):
    with pytest.raises(InputError, match=message):
        losses(tmp_path, document)


def test_a_broken_line_is_still_named():
    with pytest.raises(InputError, match="line 2 of `x` is not JSON"):
        objects("x", '{"N": 1}\n{"N": \n')
