"""Every paper a law or a published set names is known, and its BibTeX is whole."""

from __future__ import annotations

import re

import pytest

from isoflop import laws
from isoflop.errors import InputError
from isoflop.laws.references import DEFINITION, bibtex, reference, references, sources

KEYS = sorted(references())


@pytest.mark.parametrize("name", laws.names())
def test_sources_of_a_law_are_known(name):
    law = laws.get(name)
    for key in sources(law):
        assert key in references()
    assert sources(law) or law.source == DEFINITION


@pytest.mark.parametrize("key", KEYS)
def test_reference_is_whole(key):
    paper = reference(key)
    assert re.fullmatch(r"\d{4}\.\d{4,5}", paper.arxiv)
    assert paper.arxiv.startswith(f"{paper.year % 100:02d}")
    assert key.endswith(str(paper.year))
    assert paper.authors
    assert "others" not in paper.authors[:-1]
    entry = bibtex(key)
    assert entry.count("{") == entry.count("}")
    assert entry.startswith(f"@misc{{{key},\n")
    assert f"eprint = {{{paper.arxiv}}}" in entry


def test_no_paper_is_listed_that_no_law_comes_from():
    used = {key for name in laws.names() for key in sources(laws.get(name))}
    functions = {"chen2021", "hagele2024"}  # pass_at_k, cooldown
    assert used | functions == set(KEYS)


def test_sentences_cite_one_two_three_and_more_authors():
    assert reference("pandey2024").short == "Pandey 2024 (arXiv:2405.16684)"
    assert reference("pearce2024").short.startswith("Pearce and Song 2024")
    assert reference("gao2022").short.startswith("Gao, Schulman and Hilton 2022")
    assert reference("kaplan2020").short.startswith("Kaplan et al. 2020")
    assert reference("khatri2025").short.startswith("Khatri et al. 2025")


def test_an_unknown_title_is_not_guessed_and_an_organisation_stays_whole():
    assert "title = {{arXiv:2401.02954}}" in bibtex("deepseek2024")
    assert "author = {{Ling team (Ant Group)}}" in bibtex("ling2025")
    with pytest.raises(InputError, match="nobody2000"):
        bibtex("nobody2000")


def test_sets_read_law_by_law_are_those_of_the_whole_file():
    import tomllib

    import msgspec

    from isoflop.laws.published import FILE, Published, published

    raw = tomllib.loads(FILE.read_text(encoding="utf-8"))
    whole = msgspec.convert(raw, dict[str, dict[str, Published]])
    assert whole.keys() <= set(laws.names())
    for name in laws.names():
        assert published(name) == whole.get(name, {})
