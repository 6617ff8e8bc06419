"""This machine, measured: cores, and the matrix-product rate that training is compared with."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import torch

from isoflop.train import processor
from isoflop.train.products import onednn, onednn_is_faster

if TYPE_CHECKING:
    from collections.abc import Callable

#: Size of the probed square matrices: large enough for the peak, 12 ms a product at 170 GFLOP/s.
PROBE = 1024
#: The same for bfloat16, which is fifty times slower than float32 where hardware lacks it.
PROBE_BFLOAT16 = 256


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was made on.

    Args:
        peak: best measured float32 matrix product on one thread, FLOP a CPU second, by the
            library that training uses for large ones (`isoflop.train.products`).
        peak_bfloat16: the same in bfloat16.
        cores: usable by this process.
        processor: as the operating system names it.
        python, torch: versions.
    """

    peak: float
    peak_bfloat16: float
    cores: int
    processor: str
    python: str
    torch: str

    @property
    def dtype(self) -> str:
        """Faster of float32 and bfloat16 in large products, by this machine's own probe.

        bfloat16 must be twice as fast there to gain anything in small ones; whether a model
        gains is then tried on the model itself (`isoflop.train.precision`).
        """
        return "bfloat16" if self.peak_bfloat16 > 2 * self.peak else "float32"


@functools.lru_cache(maxsize=1)
def probe() -> Machine:
    """Measure this machine; takes about a quarter of a second, once a process."""
    one_thread()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Machine(
        peak=_product_rate(torch.float32, PROBE, onednn if onednn_is_faster() else torch.mm),
        peak_bfloat16=_product_rate(torch.bfloat16, PROBE_BFLOAT16, torch.mm),
        cores=cores or 1,
        processor=processor.name(),
        python=platform.python_version(),
        torch=str(torch.__version__),  # a subclass of str otherwise
    )


def one_thread() -> None:
    """Use one thread, and keep freed memory instead of giving it back to the system.

    Two threads of a small model cost more than they give, six times so when anything else runs.
    glibc returns freed blocks to the system and takes them again at the next step; the page
    faults cost a tenth of a step at width 64.
    """
    torch.set_num_threads(1)
    torch.backends.mkldnn.set_flags(True)  # `Gradient` turns it off for small models
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc only
        if mallopt is not None:
            mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
            mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD


def _product_rate(
    dtype: torch.dtype, size: int, product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> float:
    a = torch.ones(size, size, dtype=dtype)
    best = float("inf")
    for _ in range(6):
        start = time.process_time()
        product(a, a)
        best = min(best, time.process_time() - start)
    return 2.0 * size**3 / max(best, 1e-9)
