"""The registry of public tables: pinned, complete, and read from a folder."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from isoflop.errors import DataError, InputError
from isoflop.runs import public
from isoflop.runs.public import converters

DATA = Path(__file__).parents[3].parent / "shared" / "data"
here = pytest.mark.skipif(not DATA.is_dir(), reason="the public tables ../shared/data are absent")

#: Rows of the tables of which ../shared/data holds a part.
PARTS = {
    "alabdulmohsin-nsl92": 9799,
    "openathena-isoflops": 423,
    "olmo-ladder-checkpoints": 1566,
    "regmix": 1024,
}


#: Tables that the descriptions there name, but of which there is no converted file.
UPSTREAM_ONLY = {"evo-fits", "obsscaling-post-training"}


@pytest.mark.parametrize("name", public.names())
def test_every_entry_is_pinned_and_has_a_converter(name):
    entry = public.show(name)
    assert entry.name == name
    assert entry.title
    assert entry.use
    assert entry.licence
    assert entry.citation
    assert entry.notes
    assert len({file.name for file in entry.files}) == len(entry.files)
    assert all(re.fullmatch(r"[0-9a-f]{64}", file.sha256) for file in entry.files)
    if entry.files:
        assert re.fullmatch(r"[0-9a-f]{40}", entry.commit)
        assert all(f"/{entry.commit}/" in url for url in entry.urls)
        module, _, function = entry.converter.partition(":")
        assert callable(getattr(import_module(f"{converters.__name__}.{module}"), function))
    assert (entry.digest == "") == (entry.checked == "part")


def test_many_files_are_listed_beside_the_registry():
    files = public.show("gadre-overtraining").files
    assert len(files) == 208
    assert sum(file.path.startswith("exp_data/models/") for file in files) == 104


def test_an_unknown_name_suggests_near_ones():
    with pytest.raises(InputError, match="no public table") as caught:
        public.show("porian-points")
    assert "porian-isoflop-points" in caught.value.do


@pytest.mark.data
@here
@pytest.mark.parametrize("name", [name for name in public.names() if name not in UPSTREAM_ONLY])
def test_every_table_loads_from_its_converted_file(monkeypatch, name):
    monkeypatch.setenv("ISOFLOP_DATA", str(DATA))
    entry, table = public.show(name), public.load(name)
    assert len(table) == PARTS.get(name, entry.rows)
    assert table.convention == entry.convention
    assert table.licence == entry.licence
    assert name in table.source
    if name in PARTS and entry.rows:
        assert f"({PARTS[name]:,} of {entry.rows:,} rows)" in table.source


@pytest.mark.data
@here
def test_the_folder_holds_no_table_that_is_not_registered():
    assert {path.stem for path in DATA.glob("*.csv")} == set(public.names()) - UPSTREAM_ONLY


@pytest.mark.data
@here
def test_conditions_may_use_both_names(monkeypatch):
    monkeypatch.setenv("ISOFLOP_DATA", str(DATA))
    table = public.load("chinchilla-epoch-svg", where="epoch_outlier == 0 and params_N > 1e9")
    assert (table["N"] > 1e9).all()
    assert table.convention.D == "C/6N"
    assert len(public.load("chinchilla-epoch-svg", where="epoch_outlier == 1")) == 5


@pytest.mark.data
@here
def test_a_changed_converted_file_is_refused(monkeypatch, tmp_path):
    text = (DATA / "bnsl-4digit-addition.csv").read_text(encoding="utf-8")
    (tmp_path / "bnsl-4digit-addition.csv").write_text(text.replace("2.13809046", "2.13809047"))
    monkeypatch.setenv("ISOFLOP_DATA", str(tmp_path))
    with pytest.raises(DataError, match="digest"):
        public.load("bnsl-4digit-addition")


@pytest.mark.data
@here
@pytest.mark.parametrize("folder", ["", "kyotakano-chinchilla-example"])
def test_upstream_files_may_lie_in_the_folder_or_in_the_tables_own(monkeypatch, tmp_path, folder):
    import hashlib

    import msgspec

    from isoflop.runs.public import File, tables

    text = (DATA / "kyotakano-chinchilla-example.csv").read_text(encoding="utf-8")
    body = text.replace("params_N,tokens_D,flops_C,loss", "N,D,C,loss").encode()
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "df.csv").write_bytes(body)
    entry = public.show("kyotakano-chinchilla-example")
    files = (File("examples/llm/df.csv", hashlib.sha256(body).hexdigest()),)
    monkeypatch.setattr(tables, "show", lambda _: msgspec.structs.replace(entry, files=files))
    monkeypatch.setenv("ISOFLOP_DATA", str(tmp_path))
    assert len(public.load(entry.name)) == 234


def test_upstream_files_in_the_folder_are_checked(monkeypatch, tmp_path):
    monkeypatch.setenv("ISOFLOP_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"no kyotakano-chinchilla-example\.csv.* no df\.csv"):
        public.load("kyotakano-chinchilla-example")
    (tmp_path / "kyotakano-chinchilla-example").mkdir()
    (tmp_path / "kyotakano-chinchilla-example" / "df.csv").write_text("C,N,D,loss\n1,1,1,1\n")
    with pytest.raises(DataError, match="has sha256"):
        public.load("kyotakano-chinchilla-example")
    monkeypatch.setenv("ISOFLOP_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="not a folder"):
        public.load("kyotakano-chinchilla-example")
