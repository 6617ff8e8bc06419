"""What compute at inference can replace of compute in training."""

from __future__ import annotations

from isoflop.errors import InputError


def exchange(scale: float, ratio: float) -> float:
    """Return how many times more inference compute a model may use in place of a larger one.

    Training takes 6 N D_train FLOPs and inference 2 N D_inference. A model `scale` times larger
    costs `scale` times both; with those FLOPs the small model can multiply its inference by

        scale + 3 (scale - 1) / ratio,   ratio = D_inference / D_train.

    Args:
        scale: parameters of the larger model over those of the small one, above 1.
        ratio: tokens generated over the model's life for each training token, above 0.

    Raises:
        InputError: scale or ratio is out of range.

    Source: Snell et al. 2024 (arXiv:2408.03314), section 7.
    """
    if not scale > 1:
        raise InputError(
            f"scale = {scale:g}: the larger model must be larger.", do="Give a scale above 1."
        )
    if not ratio > 0:
        raise InputError(
            f"ratio = {ratio:g} inference tokens for each training token is not positive.",
            do="Without inference every FLOP goes to training.",
        )
    return scale + 3 * (scale - 1) / ratio


def training_share(training: float, inference: float) -> float:
    """Return the share of all compute that goes to training if the two trade at a fixed rate.

    If `training` orders of magnitude of training compute are worth `inference` orders of
    magnitude of inference compute at equal quality, the share is inference / (training +
    inference): quality is C_train^inference x C_inference^training in a Cobb-Douglas form.

    Args:
        training: orders of magnitude of training compute saved.
        inference: orders of magnitude of inference compute spent for them.

    Raises:
        InputError: either is not positive.

    Source: Villalobos & Atkinson 2023 (Epoch AI), read in a note.
    """
    if not (training > 0 and inference > 0):
        raise InputError(f"a trade of {training:g} for {inference:g} orders is not positive.")
    return inference / (training + inference)
