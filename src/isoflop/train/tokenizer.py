"""Byte-level BPE: trained on a bounded sample, encoded in small batches."""

from __future__ import annotations

import hashlib
import heapq
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tokenizers import Tokenizer

#: Ends every document; always token 0.
END_OF_TEXT = "<|endoftext|>"
#: Bytes of training text that the merges are learned from.
SAMPLE_BYTES = 3_000_000
#: Documents a call: all at once takes 3 GB and four times as long (measured).
CHUNK = 32


def train(documents: Iterable[tuple[str, str]], vocab: int) -> Tokenizer:
    """Learn `vocab` tokens from (name, text) pairs, in an order that no path prefix favours.

    Documents are taken in the order of the sha256 of their names until `SAMPLE_BYTES` are read.
    """
    try:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    except ImportError as error:
        raise MissingExtra("tokenizers", "train", "reading a corpus") from error
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample(documents), trainer)
    tokenizer.encode_special_tokens = True  # the marker's spelling in a text is only text
    return tokenizer


def _sample(documents: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the first texts by the sha256 of their names, keeping no more of them than that."""
    kept: list[tuple[int, str, str]] = []  # a heap, the largest digest first
    size = 0
    for name, text in documents:
        digest = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
        heapq.heappush(kept, (-digest, name, text))
        size += len(text)
        while size - len(kept[0][2]) >= SAMPLE_BYTES:
            size -= len(heapq.heappop(kept)[2])
    for _, _, text in sorted(kept, reverse=True):
        yield text


def encode(tokenizer: Tokenizer, texts: Iterable[str]) -> Iterator[np.ndarray]:
    """Yield uint16 arrays of the texts' tokens, each text followed by the end-of-text token."""
    chunk: list[str] = []
    for text in texts:
        chunk.append(text)
        if len(chunk) == CHUNK:
            yield _encode_chunk(tokenizer, chunk)
            chunk = []
    if chunk:
        yield _encode_chunk(tokenizer, chunk)


def _encode_chunk(tokenizer: Tokenizer, chunk: list[str]) -> np.ndarray:
    rows = tokenizer.encode_batch_fast(chunk, add_special_tokens=False)
    return np.concatenate([np.array([*row.ids, 0], dtype=np.uint16) for row in rows])
