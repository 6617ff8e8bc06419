"""Whether to believe a fit: held-out runs and the checks of a study."""
