"""What storing weights in few bits costs in loss, where a law is known."""

from __future__ import annotations

import msgspec

from isoflop.errors import InputError
from isoflop.plan.hardware import BYTES, checked_precision
from isoflop.units import format_count


class Penalty(msgspec.Struct, frozen=True, kw_only=True):
    """Loss that quantising weights after training adds.

    Args:
        bits: of a weight; loss: added, nats per token.
        N, D: parameters and training tokens it is for.
        source: of the law and its constants; warnings: where it is extrapolated.
    """

    bits: float
    loss: float
    N: float
    D: float
    source: str
    warnings: tuple[str, ...] = ()


def quantisation_penalty(N: float, D: float, precision: str) -> Penalty | None:
    """Return the loss that quantising the weights of a trained model adds.

    C_T D^g_D / N^g_N exp(-bits / g_post): it grows with the tokens of training, so that the
    over-trained models that are cheap to serve lose most.

    Args:
        N: parameters; D: tokens of training; precision: of the stored weights.

    Returns:
        None at 16 bits and more, where nothing is quantised.

    Source: Kumar et al. 2024 (arXiv:2411.04330), Eq. 2 (`quantisation_loss`).
    """
    from isoflop import laws

    bits = 8 * BYTES[checked_precision(precision)]
    if bits >= 16:
        return None
    if not (N > 0 and D > 0):
        raise InputError(f"a model of {N:g} parameters on {D:g} tokens is not possible.")
    law = laws.get("quantisation_loss")
    label, published = next(iter(law.published.items()))
    loss = float(law(N, D, bits, **published.constants))
    warnings = [
        f"the penalty of {bits:g} bits is extrapolated: {name} = {format_count(value)} is "
        f"{value / published.range[name][1]:.3g}x the largest of the fit"
        for name, value in (("N", N), ("D", D))
        if value > published.range[name][1]
    ]
    return Penalty(
        bits=bits,
        loss=loss,
        N=N,
        D=D,
        source=f"{law.source}, {published.table}, set `{label}`",
        warnings=tuple(warnings),
    )
