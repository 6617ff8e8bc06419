"""One function a figure: a study result in, a plotly figure out (None where it has no data).

`figure.write_html(path)` or `figure.write_image(path)` saves one on its own.
"""

from isoflop.report.figures.curves import loss_curves
from isoflop.report.figures.heldout import heldout_prediction
from isoflop.report.figures.optimum import optimal_loss, optimal_parameters, optimal_tokens
from isoflop.report.figures.parabolas import isoflop_parabolas
from isoflop.report.figures.plan import plan_curve
from isoflop.report.figures.surface import surface_fit, surface_residuals

__all__ = [
    "heldout_prediction",
    "isoflop_parabolas",
    "loss_curves",
    "optimal_loss",
    "optimal_parameters",
    "optimal_tokens",
    "plan_curve",
    "surface_fit",
    "surface_residuals",
]
