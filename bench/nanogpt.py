"""Run a checkout of nanoGPT (github.com/karpathy/nanoGPT), unmodified, and time its processor use.

Differences that remain: nanoGPT has learned positions instead of rotary ones, LayerNorm without
bias instead of RMSNorm, a head tied to the embedding, one learning rate, and a loss printed every
ten steps. Layers, width, heads, vocabulary, context, batch, GELU, AdamW, clipping, float32, eager
mode and threads are the same.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from isoflop.design.architecture import Architecture


def prepare(folder: Path, train: np.ndarray, val: np.ndarray, vocab: int) -> None:
    """Write the data folder that nanoGPT's loop reads."""
    train.tofile(folder / "train.bin")
    val.tofile(folder / "val.bin")
    (folder / "meta.pkl").write_bytes(pickle.dumps({"vocab_size": vocab}))


def processor_seconds(command: list[str], *, cwd: Path, threads: int = 1) -> float:
    """Run a command to its end; return the user and system seconds that it took.

    Raises:
        RuntimeError: it failed.
    """
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    with process.stderr:
        problems = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} failed:\n{problems[-2000:]}")
    return usage.ru_utime + usage.ru_stime


def train(
    checkout: Path, data: Path, shape: Architecture, *, batch: int, steps: int, threads: int = 1
) -> float:
    """Train with nanoGPT's own train.py; return its processor seconds."""
    settings = {
        "device": "cpu",
        "compile": False,
        "dtype": "float32",
        "dataset": data,
        "out_dir": data / "out",
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "n_embd": shape.width,
        "block_size": shape.context,
        "batch_size": batch,
        "gradient_accumulation_steps": 1,
        "max_iters": steps - 1,  # nanoGPT counts from 0 and includes the last
        "lr_decay_iters": steps,
        "warmup_iters": max(1, steps // 20),
        "min_lr": 0.0,
        "beta2": 0.99,
        "weight_decay": 0.0,
        "eval_iters": 1,
        "eval_interval": 10**9,
        "always_save_checkpoint": False,
        "log_interval": 10,
    }
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return processor_seconds([sys.executable, "train.py", *flags], cwd=checkout, threads=threads)
