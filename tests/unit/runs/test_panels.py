import pytest

from isoflop.runs.io import load

HEADER = ",".join(
    f'"{name}{end}"'
    for name in ("a-1 - val/loss", "b - 2 - val/loss")
    for end in ("", "__MIN", "__MAX")
)


def test_a_chart_of_runs_becomes_a_row_a_point(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_text(f'"Step",{HEADER}\n"10",3.5,3,4,,,\n"20",3.0,3,3,2.5,2,3\n')
    table = load(path)
    assert table["run"].tolist() == ["a-1", "a-1", "b - 2"]
    assert table["Step"].tolist() == [10, 20, 20]
    assert table["loss"].tolist() == [3.5, 3.0, 2.5]


@pytest.mark.parametrize(
    "header", ["Step,a - x,b - x", "Step,N,a__MIN", "N,D - x,D - x__MIN", "only"]
)
def test_other_tables_stay_as_they_are(tmp_path, header):
    path = tmp_path / "runs.csv"
    path.write_text(header + "\n" + ",".join("1" for _ in header.split(",")) + "\n")
    assert list(load(path).columns)[-1] == header.split(",")[-1]
