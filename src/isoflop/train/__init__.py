"""Training: corpus, model, trainer. Nothing here is imported at start-up."""
