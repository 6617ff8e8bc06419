"""Priors of the forecaster: one declaration of every number that is not read from the curve.

They were chosen on training rows alone (`bench/forecast_priors.py`): the training part of each
visible curve of Alabdulmohsin et al. 2022 was cut at 1/2, 1/3, 1/4 and 1/6 of its own range and
the rows up to twice the cut were predicted; `fitted` and `hardly` by `bench/forecast_widening.py`.
No row of a test part was used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Centre and standard deviation of a normal prior of a transformed parameter.
Normal = tuple[float, float]


@dataclass(frozen=True)
class Priors:
    """What is believed before a curve is seen; x is in units of its last training row.

    Args:
        laws: law -> prior probability; `flat` is a constant.
        trust: power of the evidence that weighs laws against each other; 1 is Bayes' rule. Rows far
            back decide most of the evidence and little of what comes next, so that less than 1
            predicts better where no law is quite right (Grunwald 2012).
        exponent: of ln c of M2 to M4 and BNSL (c > 0 is how fast y - floor falls).
        pure_exponent: of ln c of M1, which has no floor.
        floor: of ln((last y - floor) / floor) in half of the draws.
        floor_of_fall: in the other half, of ln of that over (largest y - last y) / last y.
        inverse: of ln gamma of M3 in units of 1 / last x.
        ceiling: of ln of how far ln(eps_0) of M4 lies above the largest training value.
        sharpness: of ln alpha of M4.
        turn: of ln(slope after a break / slope before it).
        gradual: of ln f of a break; its position is uniform in ln x from the first training row
            to the farthest prediction.
        misfit: of ln(amplitude of what no law describes / range of ln y).
        noise: of ln(noise of one evaluation / range of ln y).
        reaches: correlation length of the misfit in ln x -> prior probability; the short one is for
            curves that collapse within their last rows, and is believed only if nothing else fits.
        growths: the misfit's amplitude grows by exp(growth) for every unit of ln x before the
            last row: the start of a curve obeys a law less than its end.
        memory: share and length in ln x of noise that neighbouring rows have in common.
        fitted: rows that go into level, slope and bend; the rest are the degrees of freedom of the
            Student t that samples follow.
        hardly: range of ln y below which samples are widened further, and the power of (that range
            over the curve's), divided by the degrees of freedom.
        kin: curves of the same run that are asked at most, the nearest in range.
        kin_reach: share of the farthest x asked that their rows must reach.
        kin_rows: rows that they must have up to there.
        kin_share: of their mean surprise that is added.
        draws: parameter sets a law is represented by.
    """

    laws: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType(
            {
                "m1": 0.05,
                "m2": 0.42,
                "m3": 0.05,
                "m4": 0.17,
                "bnsl": 0.20,
                "bnsl2": 0.10,
                "flat": 0.01,
            }
        )
    )
    trust: float = 0.2
    exponent: Normal = (-0.35, 0.7)
    pure_exponent: Normal = (-1.9, 0.8)
    floor: Normal = (-0.9, 0.8)
    floor_of_fall: Normal = (-1.2, 0.9)
    inverse: Normal = (0.0, 1.5)
    ceiling: Normal = (-1.0, 1.5)
    sharpness: Normal = (-0.5, 0.8)
    turn: Normal = (0.0, 0.7)
    gradual: Normal = (-0.7, 0.8)
    misfit: Normal = (-2.7, 0.5)
    noise: Normal = (-5.0, 1.2)
    reaches: Mapping[float, float] = field(
        default_factory=lambda: MappingProxyType({3.0: 0.99, 0.5: 0.01})
    )
    growths: tuple[float, ...] = (0.3, 0.6, 1.0)
    memory: tuple[float, float] = (0.7, 0.15)
    fitted: int = 3
    hardly: tuple[float, float] = (0.15, 1.0)
    kin: int = 3
    kin_reach: float = 0.9
    kin_rows: int = 8
    kin_share: float = 0.5
    draws: int = 256


PRIORS = Priors()
