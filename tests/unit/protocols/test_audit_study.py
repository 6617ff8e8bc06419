"""The audit of a study's folder."""

import msgspec
import pytest
from made_study import design_study, make_study

import isoflop as iso
from isoflop.protocols.analyse import analyse
from isoflop.protocols.document import save_result
from isoflop.protocols.settings import quick
from isoflop.store import Store

SETTINGS = quick(samples=100)


def folder_of(path, *, last_rate=0.001, tilt=0.0):
    """A study's folder: its runs' last rate, and how much better probes at twice the rate do."""
    store = Store(path)
    store.add(design_study(SETTINGS, "corpus").specs)
    runs, points = make_study(SETTINGS)
    for run in runs:
        curve = [msgspec.structs.replace(p, rate=last_rate) for p in points[run.id]]
        lines = msgspec.json.Encoder(enc_hook=float).encode_lines(curve)
        (store.run_folder(run.id) / "points.jsonl").write_bytes(lines)
        probe = run.role == "lr_probe" and run.setup["architecture"]["width"] > 20
        with store.writer(run.id) as writer:
            loss = float(run.loss) - tilt * probe
            bits = loss / 1.5
            writer.finish(msgspec.structs.replace(run, loss=loss, bits_per_byte=bits))
    return path


def test_a_sound_study(tmp_path):
    audit = iso.audit(folder_of(tmp_path / "study"))
    assert audit.sound
    passed = {f.code for f in audit.passed}
    # Known from the folder only: probes, the last rate of each run, seeds.
    assert {"rate", "schedule", "warmup", "seeds", "failed", "epochs", "minimum"} <= passed
    assert "heldout" not in passed | {f.code for f in audit.findings}


def test_a_finished_study_adds_its_heldout_test(tmp_path):
    folder = folder_of(tmp_path / "study")
    runs, points = make_study(SETTINGS)
    result = analyse(runs, points, SETTINGS, corpus={}, timing={}, provenance={})
    save_result(result, folder)
    audit = iso.audit(folder, target=1e13)
    assert "heldout" in {f.code for f in (*audit.findings, *audit.passed)}
    assert audit.sound == all(f.severity == "note" for f in audit.findings)
    assert [s.check for s in result.unchecked]


@pytest.mark.parametrize(
    ("fault", "code"), [({"last_rate": 0.9}, "schedule"), ({"tilt": 0.4}, "rate")]
)
def test_faults_that_only_the_folder_shows(tmp_path, fault, code):
    audit = iso.audit(folder_of(tmp_path / "study", **fault))
    assert {f.code for f in audit.findings if f.severity == "warning"} == {code}


def test_a_study_gives_every_check_once():
    runs, points = make_study(SETTINGS)
    result = analyse(runs, points, SETTINGS, corpus={}, timing={}, provenance={})
    codes = [f.code for f in result.findings]
    assert all(codes.count(code) == 1 for code in set(codes) - {"minimum", "disagreement"})
    assert all(f.source for f in result.findings)
