"""The parts of the replay from Kaplan to Chinchilla."""

from isoflop.protocols.replay import chinchilla, kaplan, porian

PARTS = {
    "refined-web": porian.refined_web,
    "open-web-text": porian.open_web_text,
    "kaplan": kaplan.constants,
    "conversion": kaplan.conversion,
    "approaches": chinchilla.approaches,
    "rounded": chinchilla.rounded,
    "likelihood": chinchilla.likelihood,
    "refit": chinchilla.refit,
    "early-stop": chinchilla.early_stop,
    "outliers": chinchilla.outliers,
    "two-sets": chinchilla.two_sets,
    "bias": kaplan.bias,
}
