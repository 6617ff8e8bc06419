"""What the operating system says of the processor."""

from __future__ import annotations

import platform
from pathlib import Path


def name() -> str:
    """Return the model, as a person knows it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def vendor() -> str:
    """Return who made it, or whatever the platform says of it."""
    return _cpuinfo("vendor_id") or platform.processor() or platform.machine()


def _cpuinfo(field: str) -> str:
    """Return a field of the first processor on Linux; elsewhere, or without it, nothing."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == field:
                    return value.strip()
    except OSError:
        pass
    return ""
