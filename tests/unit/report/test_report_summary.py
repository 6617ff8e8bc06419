"""The summary in a terminal, and the words that page and summary share."""

import msgspec
import pytest
import synthetic_study

from isoflop.report import summary_text
from isoflop.report.answer import verdicts


@pytest.fixture(scope="module")
def sound():
    return synthetic_study.study()


def grade(result, subject):
    return next(v.grade for v in verdicts(result) if v.subject == subject)


def test_summary_has_the_answer_the_approaches_and_the_path(sound):
    written = summary_text(msgspec.structs.replace(sound, report="study/report.html"))
    assert "train a model of 574k parameters on 14.1M tokens" in written
    assert "447k to 769k" in written
    assert "Three approaches (matrices + head, 90 % intervals):" in written
    for approach in (sound.approach1, sound.approach2, sound.approach3):
        low, high = approach.N_exponent.interval
        assert f"{approach.N_exponent.estimate:.3f} ({low:.3f} to {high:.3f})" in written
    assert "inside the 90 % interval" in written
    assert "warning: Halving the learning rate" in written
    assert written.endswith("Report: study/report.html\n")


def test_summary_is_plain_and_narrow(sound):
    written = summary_text(sound)
    assert "[" not in written
    assert "\x1b" not in written
    prose = written.split("Three approaches (")[0]
    assert max(len(line) for line in prose.splitlines()) <= 96


def test_columns_are_aligned(sound):
    lines = summary_text(sound).splitlines()
    head = next(line for line in lines if line.lstrip().startswith("Approach 1   "))
    row = next(line for line in lines if line.lstrip().startswith("Exponent a"))
    assert row.index("0.499") == head.index("Approach 1")


def test_control_characters_cannot_steer_the_terminal(sound):
    odd = msgspec.structs.replace(sound, question="\x1b[2J\x07what\u202e?")
    written = summary_text(odd)
    assert all(c.isprintable() or c == "\n" for c in written)
    assert "what" in written


def test_without_a_plan_it_says_why():
    written = summary_text(synthetic_study.troubled())
    assert "This study gives no plan." in written
    assert "No larger run was held out" in written
    assert "error: There is no plan" in written
    assert "isoflop study --budgets 5e10,1.5e11,5e11" in written


def test_with_nothing_it_still_says_so():
    written = summary_text(synthetic_study.empty())
    assert "None of them gave an answer." in written
    assert "27 of 27 runs failed." in written


def test_heldout_grades(sound):
    assert grade(sound, "Held-out prediction") == "good"
    held = sound.heldout
    outside = msgspec.structs.replace(held, covered=False)
    assert grade(msgspec.structs.replace(sound, heldout=outside), "Held-out prediction") == "bad"
    cells = [msgspec.structs.replace(held.cells[0], covered=False), *held.cells[1:]]
    partly = msgspec.structs.replace(held, cells=cells)
    assert grade(msgspec.structs.replace(sound, heldout=partly), "Held-out prediction") == "caution"
    none = msgspec.structs.replace(sound, heldout=None)
    assert grade(none, "Held-out prediction") == "caution"


def test_check_grades(sound):
    by_severity = {finding.severity: finding for finding in sound.findings}
    passed = msgspec.structs.replace(sound, findings=[by_severity["ok"], by_severity["note"]])
    assert grade(passed, "Self-checks") == "good"
    assert grade(sound, "Self-checks") == "caution"
    assert grade(synthetic_study.troubled(), "Self-checks") == "bad"


def test_agreement_grades(sound):
    assert grade(sound, "Three approaches") == "good"
    differ = msgspec.structs.replace(sound, disagreement=["They differ by 2x."])
    assert grade(differ, "Three approaches") == "caution"
    two = msgspec.structs.replace(sound, approach1=synthetic_study.empty().approach1)
    assert grade(two, "Three approaches") == "caution"
    assert grade(synthetic_study.empty(), "Three approaches") == "bad"
