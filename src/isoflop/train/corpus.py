"""A corpus: tokens to train on, tokens held out, and the digest of how they came to be."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from isoflop.design.sweep import TEMPLATE
from isoflop.errors import CorpusError
from isoflop.train import text, tokenizer
from isoflop.train.cache import Cache, Facts, digest_of_file, write_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Token ids of the tokenizer that is trained on text.
VOCAB = TEMPLATE.vocab
#: Tokens of a block of a token file; a block is held out by the hash of its content.
BLOCK = 4096
#: Part of the digest: raise it when the reading, splitting or encoding of a corpus changes.
FORMAT = "isoflop.corpus/1"
#: Fewer tokens than this on either side are no measurement.
LEAST_TOKENS = 1024


class Corpus(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and where they came from.

    Args:
        name: what it was made of, for people.
        train: training tokens, uint16 [train tokens], memory-mapped.
        val: validation tokens, uint16 [val tokens], memory-mapped.
        vocab: number of token ids.
        train_bytes: bytes of training text; None for a token file.
        val_bytes: bytes of validation text; None for a token file.
        text_digest: sha256 over each document's name and content.
        digest: sha256 over text, split rule and tokenizer: the identity of the corpus.
        left_out: which documents were not read, and why; empty where all were.
    """

    name: str
    train: np.ndarray
    val: np.ndarray
    vocab: int
    train_bytes: int | None
    val_bytes: int | None
    text_digest: str
    digest: str
    left_out: str = ""

    @property
    def bytes_per_token(self) -> float | None:
        """Bytes of validation text a token; None for a token file."""
        return None if self.val_bytes is None else self.val_bytes / len(self.val)

    def bits_per_byte(self, loss: float) -> float | None:
        """Convert validation loss (nats/token) to bits a byte; None for a token file."""
        rate = self.bytes_per_token
        return None if rate is None else loss / (rate * float(np.log(2)))

    def check(self, tokens: int, *, epochs: float = 4.0) -> None:
        """Refuse a run of `tokens` that would read the corpus more than `epochs` times.

        Raises:
            CorpusError: it would; past about four epochs repeated tokens are worth less
                (Muennighoff et al. 2023, arXiv:2305.16264).
        """
        if tokens > epochs * len(self.train):
            raise CorpusError(
                f"{tokens:,} training tokens are {tokens / len(self.train):.1f} epochs of the "
                f"{len(self.train):,} that `{self.name}` has.",
                f"Past {epochs:g} epochs repeated tokens are worth less, and the law would bend.",
                "Take a larger --corpus, or a smaller budget.",
            )


def load(path: Path | None = None, *, vocab: int = VOCAB, cache: Path | None = None) -> Corpus:
    """Read a corpus, from the cache where its text was encoded before.

    Args:
        path: a folder, a text file, or a file of uint16 tokens whose name ends in .bin;
            None for the running Python's standard library.
        vocab: token ids of the byte-level BPE (of a token file: its largest id plus one).
        cache: folder for encoded tokens; by default $ISOFLOP_CACHE, else ~/.cache/isoflop.

    Raises:
        CorpusError: unreadable, or too small to train and to validate on.
    """
    store = Cache(cache or default_cache())
    if path is not None and path.suffix == ".bin" and path.is_file():
        corpus = _token_file(path, store)
    elif path is None:
        version = ".".join(map(str, sys.version_info[:3]))
        name = f"Python {version} standard library"
        corpus = _text(name, text.standard_library(), vocab, store, text.LIBRARY_PERCENT)
    else:
        corpus = _text(path.name, text.folder_or_file(path), vocab, store)
    return _large_enough(corpus)


def default_cache() -> Path:
    """Return $ISOFLOP_CACHE, or the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ISOFLOP_CACHE") or Path(home) / "isoflop")


def _text(
    name: str,
    files: list[tuple[str, Path]],
    vocab: int,
    store: Cache,
    percent: int = text.VALIDATION_PERCENT,
) -> Corpus:
    tally = text.Tally()
    text_digest = _digest_of_text(files, tally)
    if not tally.read:
        raise CorpusError(
            f"`{name}` holds no text.",
            f"A corpus is UTF-8 text. {tally.note}",
            "Convert it first:  iconv -f latin1 -t utf-8",
        )
    rule = f"{FORMAT} {text_digest} held out {percent} bpe {vocab} {tokenizer.SAMPLE_BYTES}"

    def build(folder: Path) -> Facts:
        training = ((d.name, d.text) for d in text.read(files, percent) if not d.held_out)
        bpe = tokenizer.train(training, vocab)
        size = bpe.get_vocab_size()
        if size != vocab:
            raise CorpusError(
                f"the text of `{name}` yields only {size} tokens of the {vocab} asked for.",
                "There is too little of it to learn a tokenizer from, let alone to fit a law."
                + f" {tally.note}".rstrip(),
                "Take a larger --corpus.",
            )
        facts: Facts = {"vocab": vocab}
        for part in ("train", "val"):
            texts = _Measured(files, percent, held_out=part == "val")
            write_tokens(folder / f"{part}.bin", tokenizer.encode(bpe, texts))
            facts[f"{part}_bytes"] = texts.bytes
        facts["tokenizer"] = hashlib.sha256(bpe.to_str().encode()).hexdigest()
        (folder / "tokenizer.json").write_text(bpe.to_str(), encoding="utf-8")
        return facts

    return _corpus(name, text_digest, rule, store, build, left_out=tally.note)


class _Measured:
    """The texts of one part, read one after the other, and how many bytes they had."""

    def __init__(self, files: list[tuple[str, Path]], percent: int, *, held_out: bool) -> None:
        self.files, self.percent, self.held_out = files, percent, held_out
        self.bytes = 0

    def __iter__(self) -> Iterator[str]:
        for document in text.read(self.files, self.percent):
            if document.held_out == self.held_out:
                self.bytes += len(document.text.encode())
                yield document.text


def _digest_of_text(files: list[tuple[str, Path]], tally: text.Tally) -> str:
    digest = hashlib.sha256()
    for document in text.read(files, tally=tally):
        content = hashlib.sha256(document.text.encode()).hexdigest()
        digest.update(f"{document.name}\0{content}\n".encode())
    return digest.hexdigest()


def _token_file(path: Path, store: Cache) -> Corpus:
    """Read uint16 tokens: blocks of 4096, each held out by the hash of its content."""
    if path.stat().st_size % 2:
        raise CorpusError(
            f"{path} has {path.stat().st_size} bytes: not a whole number of uint16.",
            "A file whose name ends in .bin is read as little-endian uint16 tokens.",
            "Give text another name, or a folder.",
        )
    digest = digest_of_file(path)

    def build(folder: Path) -> Facts:
        for part in ("train", "val"):
            blocks = (b for b in _blocks(path) if text.held_out(b.tobytes()) == (part == "val"))
            write_tokens(folder / f"{part}.bin", blocks)
        largest = max((int(block.max()) for block in _blocks(path)), default=0)
        return {"vocab": largest + 1, "train_bytes": None, "val_bytes": None, "tokenizer": ""}

    return _corpus(path.name, digest, f"{FORMAT} {digest} blocks {BLOCK}", store, build)


def _blocks(path: Path) -> Iterator[np.ndarray]:
    with path.open("rb") as file:
        while data := file.read(2 * BLOCK):
            yield np.frombuffer(data, dtype="<u2")


def _corpus(
    name: str,
    text_digest: str,
    rule: str,
    store: Cache,
    build: Callable[[Path], Facts],
    *,
    left_out: str = "",
) -> Corpus:
    facts, arrays = store.get(hashlib.sha256(rule.encode()).hexdigest()[:32], build)
    identity = hashlib.sha256(f"{rule} {facts['tokenizer']}".encode()).hexdigest()
    return Corpus(
        name=name,
        train=arrays["train"],
        val=arrays["val"],
        vocab=facts["vocab"],
        train_bytes=facts["train_bytes"],
        val_bytes=facts["val_bytes"],
        text_digest=text_digest,
        digest=identity,
        left_out=left_out,
    )


def _large_enough(corpus: Corpus) -> Corpus:
    for part, array in (("training", corpus.train), ("validation", corpus.val)):
        if len(array) < LEAST_TOKENS:
            raise CorpusError(
                f"`{corpus.name}` has {len(array):,} {part} tokens, fewer than {LEAST_TOKENS:,}.",
                f"About {text.VALIDATION_PERCENT} % of the documents are held out, by a hash, and"
                " both parts must measure something." + f" {corpus.left_out}".rstrip(),
                "Take a larger --corpus, or one of more documents.",
            )
    return corpus
