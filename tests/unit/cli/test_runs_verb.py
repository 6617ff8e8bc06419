"""`isoflop runs`: what of a table is shown."""

from isoflop.cli.main import run


def test_a_table_without_known_columns_shows_its_first(capsys, tmp_path):
    path = tmp_path / "x.csv"
    names = [f"metric_{i}" for i in range(9)]
    path.write_text(",".join(names) + "\n" + ",".join(["a" * 40, *"12345678"]) + "\n")
    assert run(["runs", str(path)]) == 0
    header, row, last = capsys.readouterr().out.splitlines()
    assert header.split() == names[:8]
    assert row.split()[0] == "a" * 21 + "..."
    assert last.startswith("1 runs")
