"""Cherti et al. 2022: zero-shot error of OpenCLIP models in training compute."""

from isoflop.laws.dimensions import ErrorRate, Multiplications, Scale, SignedExponent
from isoflop.laws.law import law


@law(source="cherti2022", equation="E = beta C^alpha", question="how does error depend on compute?")
def openclip(C: Multiplications, *, beta: Scale, alpha: SignedExponent) -> ErrorRate:
    r"""Zero-shot error of contrastive image-text models: 1 - top-1, or 1 - recall at 5.

    $$E = \beta C^{\alpha}, \quad \alpha < 0$$

    C is in GMACs: samples seen times giga multiply-accumulates a sample, half its GFLOPs. The
    constants are the line in log10 through the best model of each of five equal bins in log C:
    an envelope, not an average.

    Wrong for models off the envelope, and near the irreducible error, which it lacks.
    """
    return beta * C**alpha
