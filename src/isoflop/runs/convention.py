"""How a table counted: parameters, FLOPs, tokens and loss."""

from __future__ import annotations

import msgspec

from isoflop.errors import InputError

UNSTATED = "unstated"

#: Field of `Convention` -> what it may say. "active": the experts a token passes through.
KNOWN: dict[str, tuple[str, ...]] = {
    "N": ("matrices", "matrices+head", "all", "active", UNSTATED),
    "D": ("processed", "C/6N", UNSTATED),
    "C": ("exact", "6ND", "nominal", UNSTATED),
    "loss": ("nats/token", "bits/token", "bits/byte", UNSTATED),
}

#: (field, what it says) -> columns that hold the quantity counted so.
STORED: dict[tuple[str, str], tuple[str, ...]] = {
    ("N", "matrices"): ("N_matrices",),
    ("N", "matrices+head"): ("N_matrices_head",),
    ("N", "all"): ("N_all",),
    ("C", "6ND"): ("C_6ND",),
    ("loss", "bits/byte"): ("bits_per_byte",),
}


class Convention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the numbers of a table were counted; what is not known is "unstated", not guessed.

    Args:
        N: which weights count: "matrices", "matrices+head", "all", "active" (sparse models).
        D: "processed" (tokens counted) or "C/6N" (derived from FLOPs).
        C: "exact" (attention included), "6ND", or "nominal" (the budget that was aimed at).
        loss: "nats/token", "bits/token" or "bits/byte".

    Raises:
        InputError: if a field says something else.
    """

    N: str = UNSTATED
    D: str = UNSTATED
    C: str = UNSTATED
    loss: str = UNSTATED

    def __post_init__(self) -> None:
        for field, known in KNOWN.items():
            if getattr(self, field) not in known:
                raise InputError(
                    f"`{getattr(self, field)}` is not a convention for {field}; "
                    f"known: {', '.join(known)}."
                )

    def differences(self, other: Convention) -> dict[str, tuple[str, str]]:
        """Return the fields in which two conventions differ, with both values."""
        pairs = {field: (getattr(self, field), getattr(other, field)) for field in KNOWN}
        return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}

    def saying(self, **conventions: str) -> Convention:
        """Return the convention with some fields changed.

        Raises:
            InputError: if a field or what it says is not known.
        """
        for field in conventions:
            if field not in KNOWN:
                raise InputError(f"`{field}` has no convention; known: {', '.join(KNOWN)}.")
        return msgspec.structs.replace(self, **conventions)

    def __str__(self) -> str:
        return ", ".join(f"{field} {getattr(self, field)}" for field in KNOWN)
