from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import CorpusError
from isoflop.train import corpus, text, tokenizer
from isoflop.train.cache import Cache

WORDS = ["loss", "law", "token", "width", "depth", "batch", "scale", "model", "data", "fit"]


def write(folder: Path, files: int = 60, words: int = 400) -> Path:
    source = random.Random(0)
    for i in range(files):
        path = folder / f"part{i % 7}" / f"file{i}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            " ".join(source.choice(WORDS) + str(source.randrange(99)) for _ in range(words))
        )
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "text")


def test_the_split_is_by_the_name_alone(folder: Path) -> None:
    files = text.folder_or_file(folder)
    split = {d.name: d.held_out for d in text.read(files)}
    shuffled = random.Random(1).sample(files, len(files))
    assert {d.name: d.held_out for d in text.read(shuffled)} == split
    (folder / "part0" / "a new first file.txt").write_text("other")
    again = {d.name: d.held_out for d in text.read(text.folder_or_file(folder))}
    assert again.items() >= split.items()
    assert 0 < sum(split.values()) < len(split) / 4


def test_files_come_sorted_and_duplicates_and_binaries_are_dropped(folder: Path) -> None:
    before = [d.name for d in text.read(text.folder_or_file(folder))]
    assert before == sorted(before)
    (folder / "zz copy.txt").write_bytes((folder / "part0" / "file0.txt").read_bytes())
    (folder / "zz latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (folder / "zz binary").write_bytes(b"a\0b")
    (folder / ".hidden").write_text("no")
    (folder / "zz empty").write_text("")
    tally = text.Tally()
    assert [d.name for d in text.read(text.folder_or_file(folder), tally=tally)] == before
    assert tally == text.Tally(read=len(before), not_text=2, copies=1, empty=1)
    assert tally.note == (
        f"Left out of {len(before) + 4} documents: 2 not UTF-8 text, 1 exact copies of others,"
        " 1 empty."
    )


def test_what_is_no_file_is_not_waited_for(folder: Path) -> None:
    before = text.folder_or_file(folder)
    os.mkfifo(folder / "pipe.txt")
    (folder / "nowhere.txt").symlink_to(folder / "no such file")
    assert text.folder_or_file(folder) == before


def test_a_folder_that_cannot_be_read_is_not_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "part3":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CorpusError, match=r"part3 cannot be read: Permission denied"):
        text.folder_or_file(folder)


@pytest.mark.parametrize("character", ["x", "é", "語"])
@pytest.mark.parametrize("space", ["", " "])
def test_a_text_without_lines_is_cut_all_the_same(
    tmp_path: Path, character: str, space: str
) -> None:
    path = tmp_path / "one line.txt"
    path.write_text("".join(f"{i:x}{character * (i % 9)}{space}" for i in range(60_000)))
    documents = list(text.read(text.folder_or_file(path)))
    assert "".join(d.text for d in documents) == path.read_text()
    sizes = [len(d.text.encode()) for d in documents]
    assert max(sizes) <= 2 * text.PIECE_BYTES
    assert min(sizes[:-1]) >= text.PIECE_BYTES
    assert len(sizes) > 10


def test_the_tokenizers_sample_is_the_first_texts_by_digest_whatever_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokenizer, "SAMPLE_BYTES", 1000)
    source = random.Random(4)
    documents = [(f"n{i}", f"{i} " * source.randrange(1, 60)) for i in range(200)]
    expected, taken = [], 0
    for _, one in sorted(documents, key=lambda d: hashlib.sha256(d[0].encode()).digest()):
        if taken < 1000:
            expected.append(one)
        taken += len(one)
    assert 5 < len(expected) < 100
    assert list(tokenizer._sample(documents)) == expected
    source.shuffle(documents)
    assert list(tokenizer._sample(documents)) == expected


def test_a_single_file_is_cut_at_line_ends_and_split_by_content(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text("".join(f"line {i} {'x' * (i % 50)}\n" for i in range(40_000)))
    documents = list(text.read(text.folder_or_file(path)))
    assert "".join(d.text for d in documents) == path.read_text()
    assert all(d.text.endswith("\n") for d in documents)
    assert 0 < sum(d.held_out for d in documents) < len(documents) / 4


def test_the_standard_library_leaves_out_tests_and_tables() -> None:
    names = [name for name, _ in text.standard_library()]
    folders = {part for name in names for part in name.split("/")[:-1]}
    assert not folders & {"test", "tests", "idle_test", "encodings", "site-packages"}
    assert "pydoc_data/topics.py" in names
    assert "argparse.py" in names
    assert all(name.endswith((".py", ".txt")) for name in names)


def test_tokens_decode_to_the_text_with_an_end_after_each_document(
    folder: Path, tmp_path: Path
) -> None:
    from tokenizers import Tokenizer

    made = corpus.load(folder, cache=tmp_path, vocab=300)
    entry = next((tmp_path / "corpora").iterdir())
    bpe = Tokenizer.from_file(str(entry / "tokenizer.json"))
    documents = list(text.read(text.folder_or_file(folder)))
    for part, held_out in ((made.train, False), (made.val, True)):
        ends = np.flatnonzero(part == 0)
        texts = [d.text for d in documents if d.held_out == held_out]
        assert len(ends) == len(texts)
        assert part[-1] == 0
        pieces = np.split(np.asarray(part), ends + 1)[:-1]
        assert [bpe.decode(piece[:-1].tolist()) for piece in pieces] == texts
    assert made.val_bytes == sum(len(d.text) for d in documents if d.held_out)
    assert made.train.dtype == np.uint16
    assert int(made.train.max()) < made.vocab == 300


def test_the_marker_in_a_text_is_text() -> None:
    bpe = tokenizer.train([("a", "some text " * 50)], 300)
    (ids,) = tokenizer.encode(bpe, [f"x{tokenizer.END_OF_TEXT}y"])
    assert (ids == 0).sum() == 1
    assert ids[-1] == 0


def test_the_digest_follows_the_content_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    first = corpus.load(folder, cache=tmp_path / "a", vocab=300)
    again = corpus.load(folder, cache=tmp_path / "b", vocab=300)
    assert again.digest == first.digest
    assert corpus.load(folder, cache=tmp_path / "a", vocab=301).digest != first.digest
    path = folder / "part0" / "file0.txt"
    path.write_text(path.read_text() + "!")
    assert corpus.load(folder, cache=tmp_path / "a", vocab=300).digest != first.digest
    path.write_text(path.read_text()[:-1])
    path.rename(path.with_name("another name.txt"))
    assert corpus.load(folder, cache=tmp_path / "a", vocab=300).digest != first.digest


@pytest.mark.parametrize("damage", ["flip", "cut", "meta", "missing"])
def test_a_damaged_cache_is_built_again(folder: Path, tmp_path: Path, damage: str) -> None:
    first = corpus.load(folder, cache=tmp_path, vocab=300)
    train = np.array(first.train)
    entry = next((tmp_path / "corpora").iterdir())
    path = entry / ("meta.json" if damage == "meta" else "train.bin")
    data = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "flip":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        path.write_bytes(data[:-7])
    again = corpus.load(folder, cache=tmp_path, vocab=300)
    assert again.digest == first.digest
    np.testing.assert_array_equal(again.train, train)
    assert len(list((tmp_path / "corpora").iterdir())) == 1


def test_of_two_builders_the_first_wins_and_both_can_read(tmp_path: Path) -> None:
    cache = Cache(tmp_path)

    def build(folder: Path, value: int) -> dict[str, int]:
        np.array([value], dtype="<u2").tofile(folder / "x.bin")
        return {"value": value}

    def slow(folder: Path) -> dict[str, int]:
        cache.get("key", lambda other: build(other, 1))  # another process is done meanwhile
        return build(folder, 2)

    facts, arrays = cache.get("key", slow)
    assert facts == {"value": 1}
    assert arrays["x"].tolist() == [1]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def build(folder: Path) -> dict[str, int]:
        (folder / "x.bin").write_bytes(b"12")
        raise RuntimeError(folder)

    with pytest.raises(RuntimeError, match="building"):
        Cache(tmp_path).get("key", build)
    assert not list((tmp_path / "corpora").iterdir())


def test_a_token_file_is_split_by_blocks_of_content(tmp_path: Path) -> None:
    tokens = np.random.default_rng(0).integers(0, 50, 100 * corpus.BLOCK + 77).astype("<u2")
    path = tmp_path / "tokens.bin"
    tokens.tofile(path)
    made = corpus.load(path, cache=tmp_path)
    assert made.vocab == 50
    assert made.bits_per_byte(1.0) is None
    assert len(made.train) + len(made.val) == len(tokens)
    blocks = tokens[: 100 * corpus.BLOCK].reshape(100, -1)
    held_out = [text.held_out(block.tobytes()) for block in blocks]
    assert 0 < sum(held_out) < 20
    np.testing.assert_array_equal(
        np.asarray(made.val)[: corpus.BLOCK], blocks[held_out.index(True)]
    )


def test_too_little_is_refused_with_the_numbers(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("a few words\n")
    with pytest.raises(CorpusError, match=r"only \d+ tokens of the 512"):
        corpus.load(path, cache=tmp_path)
    tokens = tmp_path / "short.bin"
    np.arange(1000, dtype="<u2").tofile(tokens)
    with pytest.raises(CorpusError, match="fewer than 1,024"):
        corpus.load(tokens, cache=tmp_path)
    tokens.write_bytes(b"123")
    with pytest.raises(CorpusError, match="whole number of uint16"):
        corpus.load(tokens, cache=tmp_path)
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    with pytest.raises(CorpusError, match="`only` holds no text") as caught:
        corpus.load(tmp_path / "only", cache=tmp_path)
    assert "1 not UTF-8 text" in caught.value.why
    with pytest.raises(CorpusError, match="neither a file nor a folder"):
        corpus.load(tmp_path / "nothing", cache=tmp_path)


def test_too_many_epochs_are_refused(folder: Path, tmp_path: Path) -> None:
    made = corpus.load(folder, cache=tmp_path, vocab=300)
    made.check(2 * len(made.train))
    with pytest.raises(CorpusError, match=r"5\.0 epochs"):
        made.check(5 * len(made.train))


def test_bits_per_byte(folder: Path, tmp_path: Path) -> None:
    made = corpus.load(folder, cache=tmp_path, vocab=300)
    assert made.val_bytes
    bits = len(made.val) * 2.0 / np.log(2) / made.val_bytes
    assert made.bits_per_byte(2.0) == pytest.approx(bits)
