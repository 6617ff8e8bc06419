"""Whether bfloat16 pays: the trial of `isoflop.train.precision` at widths from 16 to 512.

    python bench/train_dtype.py

Prints the rates of large products in both types and, for each size, how many times as fast a
training step is under bfloat16 autocast as by float32's own path, in CPU seconds of one thread.
"""

from __future__ import annotations

import numpy as np

from isoflop.design import rules
from isoflop.design.architecture import Architecture
from isoflop.train.corpus import Corpus
from isoflop.train.machine import one_thread, probe
from isoflop.train.precision import try_bfloat16
from isoflop.train.trainer import Training

SIZES = ((16, 2), (32, 2), (64, 4), (128, 5), (256, 6), (512, 6))


def main() -> None:
    """Print the table."""
    machine = probe()
    one_thread()
    print(f"{machine.processor}, PyTorch {machine.torch}")
    print(f"products: float32 {machine.peak:.3g} FLOP/s, bfloat16 {machine.peak_bfloat16:.3g}")
    tokens = np.random.default_rng(0).integers(0, 512, 70_000).astype(np.uint16)
    corpus = Corpus(
        name="noise",
        train=tokens,
        val=tokens[:2000],
        vocab=512,
        train_bytes=None,
        val_bytes=None,
        text_digest="",
        digest="noise",
    )
    for width, layers in SIZES:
        shape = Architecture(width=width, layers=layers)
        setup = rules.setup(shape, 1e12, corpus=corpus.digest)
        found = try_bfloat16(Training(setup, corpus))
        print(
            f"{width:4} x {layers}  batch {setup.batch:3}  {found.speedup:5.2f} x  "
            f"cosine {found.cosine:.5f}  loss {100 * found.loss:.3f} %  -> {found.dtype}"
        )


if __name__ == "__main__":
    main()
