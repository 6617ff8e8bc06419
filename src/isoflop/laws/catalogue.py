"""Modules of this package that declare laws; a module named like its law is found first."""

MODULES: tuple[str, ...] = (
    "chinchilla",
    "kaplan",
    "kaplan_batch",
    "kaplan_frontier",
    "hestness",
    "rosenfeld",
    "pearce",
    "henighan",
    "muennighoff",
    "gadre",
    "experts",
    "joint_moe",
    "sparse",
    "hernandez",
)
