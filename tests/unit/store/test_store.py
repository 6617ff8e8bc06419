from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from isoflop.errors import InputError, StoreError
from isoflop.runs.run import Point, Run
from isoflop.store import Store

spawn = multiprocessing.get_context("spawn")


def test_what_is_written_is_read_back(store: Store, make_spec, make_run, make_point) -> None:
    specs = [make_spec(seed) for seed in range(3)]
    store.add(specs)
    assert sorted(store.specs(), key=lambda s: s.setup.seed) == specs
    run = make_run(specs[0])
    with store.writer(run.id) as writer:
        writer.checkpoint.write_bytes(b"weights")
        writer.append(make_point(1))
        writer.append(make_point(2, val_loss=3.5))
        assert [p.step for p in store.points(run.id)] == [1, 2]  # readable while written
        writer.finish(run)
        assert not writer.checkpoint.exists()
    assert store.runs() == [run]
    assert store.points(run.id) == [make_point(1), make_point(2, val_loss=3.5)]
    assert sorted(p.name for p in store.run_folder(run.id).iterdir()) == [
        "points.jsonl",
        "run.json",
        "spec.json",
    ]


def test_points_are_on_the_disk_when_asked_for_and_before_the_outcome(
    store: Store, make_spec, make_run, make_point, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, synced = make_run(make_spec()), []
    real = os.fsync

    def note(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real(handle)

    monkeypatch.setattr(os, "fsync", note)
    with store.writer(run.id) as writer:
        writer.append(make_point(1))
        writer.append(make_point(2))
        before = list(synced)
        writer.sync()
        assert synced == [*before, "points.jsonl"]
        writer.finish(run)
    after = synced[len(before) + 1 :]
    assert after[0] == "points.jsonl"
    assert after[1].startswith(".run.json")


def test_the_first_labels_of_a_setup_stay(store: Store, make_spec) -> None:
    store.add([make_spec(0, role="isoflop")])
    store.add([make_spec(0, role="lr_probe", budget=5.0)])
    assert [(s.role, s.budget) for s in store.specs()] == [("isoflop", 1e9)]


def test_todo_is_what_has_no_outcome_each_setup_once(store: Store, make_spec, make_run) -> None:
    a, b, c = (make_spec(seed) for seed in range(3))
    for spec, status in ((a, "finished"), (b, "failed")):
        with store.writer(spec.id) as writer:
            writer.finish(make_run(spec, status=status, loss=None))
    assert store.todo([a, b, c, c]) == [c]
    assert store.todo([c, b, a], retry_failed=True) == [c, b]


def test_a_finished_run_never_changes(store: Store, make_spec, make_run, make_point) -> None:
    run = make_run(make_spec())
    with store.writer(run.id) as writer:
        writer.finish(run)
        writer.finish(run)
        with pytest.raises(StoreError, match=r"loss 3\.25.*never changes"):
            writer.finish(make_run(make_spec(), loss=3.0))
        with pytest.raises(StoreError, match="never changes"):
            writer.append(make_point(1))
    assert store.runs() == [run]


def test_a_failed_run_may_be_retried_and_its_record_is_kept(
    store: Store, make_spec, make_run
) -> None:
    spec = make_spec()
    failed = make_run(spec, status="failed", reason="loss is NaN at step 3", loss=None)
    for run in (failed, make_run(spec)):
        with store.writer(spec.id) as writer:
            writer.checkpoint.write_bytes(b"weights")
            writer.finish(run)
            assert writer.checkpoint.exists() == (run is failed)
    assert [run.status for run in store.runs()] == ["finished"]
    kept = store.run_folder(spec.id) / "failed-1.json"
    assert msgspec.json.decode(kept.read_bytes(), type=Run) == failed


def test_a_number_that_json_cannot_hold_is_refused_by_name(
    store: Store, make_spec, make_run
) -> None:
    run = make_run(make_spec(), measured={"peak_share": float("nan")})
    with store.writer(run.id) as writer, pytest.raises(InputError, match=r"measured\.peak_share"):
        writer.finish(run)
    assert store.runs() == []


def test_a_type_that_json_cannot_hold_is_refused(store: Store, make_spec, make_run) -> None:
    class Version(str):
        __slots__ = ()

    run = make_run(make_spec(), provenance={"torch": Version("2.13")})
    with store.writer(run.id) as writer, pytest.raises(InputError, match="Version"):
        writer.finish(run)


def test_a_run_goes_into_its_own_folder(store: Store, make_spec, make_run) -> None:
    with store.writer(make_spec(1).id) as writer, pytest.raises(StoreError, match="belong"):
        writer.finish(make_run(make_spec(2)))


@pytest.mark.parametrize("id", ["../x", "", ".hidden", "a/b"])
def test_an_id_is_never_a_path(store: Store, id: str) -> None:  # noqa: A002
    with pytest.raises(InputError):
        store.points(id)


def test_a_run_has_one_writer(store: Store, make_spec) -> None:
    id = make_spec().id  # noqa: A001
    second = store.writer(id, wait=0)
    with store.writer(id), pytest.raises(StoreError, match=f"process {os.getpid()}"):
        second.__enter__()
    with second:
        pass


def test_what_a_killed_writer_left_is_cleaned(store: Store, make_spec) -> None:
    folder = store.run_folder(make_spec().id)
    folder.mkdir(parents=True)
    (folder / ".run.json.99.tmp").write_bytes(b'{"id": ')
    assert store.runs() == []
    assert store.specs() == []
    with store.writer(folder.name):
        assert [p.name for p in folder.iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.json", b"", r"run\.json, line 1: .*truncated"),
        (
            "run.json",
            b'{"schema": "isoflop.run/1",\n "id": oops}',
            r"run\.json, line 2: .*malformed",
        ),
        ("run.json", b'{"schema": "isoflop.run/1",\n\n"id": 5}', r"run\.json, line 3: .*`str`"),
        ("run.json", b'{"schema": "isoflop.run/9"}', r"run\.json: schema `isoflop\.run/9`"),
        ("run.json", b'{"id": "\xff"}', r"run\.json, line 1"),
        ("spec.json", b'{"schema": "isoflop.spec/2", "new": 1}', r"schema `isoflop\.spec/2`"),
        ("spec.json", b"[]", r"spec\.json, line 1"),
    ],
)
def test_a_bad_file_is_named_with_its_line_and_kept(
    store: Store, name: str, content: bytes, message: str
) -> None:
    path = store.run_folder("abc") / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=message) as caught:
        (store.runs if name == "run.json" else store.specs)()
    assert caught.value.do
    assert path.read_bytes() == content


def test_a_place_that_is_no_study_is_refused_when_one_is_required(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").runs() == []
    with pytest.raises(StoreError, match="does not exist"):
        Store(tmp_path / "none").require()
    with pytest.raises(StoreError, match="holds no runs"):
        Store(tmp_path).require()
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_is_an_error_not_a_traceback(tmp_path: Path, make_spec) -> None:
    (tmp_path / "study").write_text("a file")
    with pytest.raises(StoreError, match="Not a directory"):
        Store(tmp_path / "study").add([make_spec()])


def test_an_unwritable_folder_is_an_error_that_keeps_its_errno(
    store: Store, make_spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([make_spec(0)])
    real = os.open

    def refuse(path, flags, *rest, **more):
        if flags & os.O_CREAT:
            raise OSError(30, "Read-only file system")
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreError, match="Read-only file system") as caught:
        store.add([make_spec(1)])
    assert caught.value.errno == 30
    with pytest.raises(StoreError, match="Read-only file system"), store.writer(make_spec(0).id):
        pass
    assert store.specs() == [make_spec(0)]


FULL = """
import resource, sys
from isoflop.errors import StoreError
from isoflop.runs.run import Point
from isoflop.store import Store
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with Store(sys.argv[1]).writer("abc") as writer:
    try:
        for step in range(100):
            writer.append(Point(step=step, tokens=step, flops=1.0, seconds=1.0))
    except StoreError as error:
        print(step, error.what)
"""


def test_points_are_whole_up_to_the_moment_a_real_write_fails(store: Store) -> None:
    """The kernel's limit on a file's size ends writes half way, as a full disk does."""
    command = [sys.executable, "-c", FULL, str(store.path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    step, _, message = printed.partition(" ")
    assert "cannot append to" in message
    assert int(step) > 5
    assert [p.step for p in store.points("abc")] == list(range(int(step)))


def test_the_table_holds_every_outcome_and_says_how_it_counted(
    store: Store, make_spec, make_run
) -> None:
    good, bad = make_spec(0), make_spec(1)
    runs = [
        make_run(good),
        make_run(bad, status="failed", reason="NaN", loss=None, measured={"cpu_seconds": 2.0}),
    ]
    with pytest.raises(StoreError, match="does not exist"):
        store.table()
    store.add([good])
    assert store.columns() == {}
    with pytest.raises(StoreError, match="none of its 1 runs"):
        store.table()
    for run in runs:
        with store.writer(run.id) as writer:
            writer.finish(run)
    table, columns = store.table(), store.columns()
    assert (table.convention.N, table.convention.C, table.convention.loss) == (
        "matrices+head",
        "exact",
        "nats/token",
    )
    assert table.source == str(store.path)
    row = {name: column[list(columns["id"]).index(good.id)] for name, column in columns.items()}
    assert (row["N"], row["N_matrices"], row["N_all"]) == (14336.0, 6144.0, 22608.0)
    assert (row["D"], row["C"], row["loss"], row["bits_per_byte"]) == (2560.0, 1e9, 3.25, 1.75)
    assert (row["width"], row["layers"], row["batch"]) == (16.0, 2.0, 4.0)
    assert (row["run"], row["status"], row["role"]) == (good.id, "finished", "isoflop")
    assert row["seconds"] == 1.5
    assert np.isnan(row["cpu_seconds"])
    assert np.isnan(columns["loss"]).sum() == 1
    assert sorted(columns) == sorted(table.columns)


def test_curves_through_the_index_equal_the_files_and_follow_their_changes(
    store: Store, make_point, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isoflop.store.index.WORTH", 1)
    for name in ("aa", "bb"):
        with store.writer(name) as writer:
            for step in range(1, 5):
                writer.append(make_point(step, train_loss=1 / step))
    first = store.curves()
    assert (store.path / "index.sqlite").exists()

    def fail(path: Path) -> list[Point]:
        raise AssertionError(f"{path} was read although the index holds it")

    with monkeypatch.context() as context:
        context.setattr("isoflop.store.index.read_points", fail)
        second = store.curves()
    for curves in (first, second):
        assert sorted(curves) == ["aa", "bb"]
        for name in curves["aa"]:
            np.testing.assert_array_equal(curves["aa"][name], store.curve("aa")[name])
    assert np.isnan(second["bb"]["val_loss"]).all()
    assert second["bb"]["train_loss"].tolist() == [1, 1 / 2, 1 / 3, 1 / 4]

    with store.writer("aa") as writer:
        writer.append(make_point(9))
    assert store.curves()["aa"]["step"].tolist() == [1, 2, 3, 4, 9]
    assert store.curves()["bb"].points == 4


def test_a_broken_index_is_made_anew(
    store: Store, make_point, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isoflop.store.index.WORTH", 1)
    with store.writer("aa") as writer:
        writer.append(make_point(1))
    index = store.path / "index.sqlite"
    index.write_bytes(b"this is not a database" * 100)
    for _ in range(3):
        assert store.curves()["aa"]["step"].tolist() == [1.0]
    assert index.read_bytes().startswith(b"SQLite format 3")


def write_many(folder: str, count: int) -> None:
    with Store(folder).writer("aa") as writer:
        for step in range(count):
            writer.append(Point(step=step, tokens=step, flops=1.0, seconds=1.0))


def test_a_run_can_be_read_at_any_moment_while_it_is_written(store: Store) -> None:
    process = spawn.Process(target=write_many, args=(str(store.path), 300))
    process.start()
    seen = [0]
    while process.is_alive():
        steps = [point.step for point in store.points("aa")]
        assert steps == list(range(len(steps)))
        seen.append(len(steps))
    process.join()
    assert process.exitcode == 0
    assert seen == sorted(seen)
    assert len(store.points("aa")) == 300


def test_todo_reads_no_more_than_it_must(store: Store, make_spec, make_run) -> None:
    """A malformed record of a run that nobody asked for stops no sweep."""
    other = store.run_folder("other")
    other.mkdir(parents=True)
    (other / "run.json").write_text("{")
    assert store.todo([make_spec()]) == [make_spec()]
