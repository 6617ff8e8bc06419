"""Plans: what to train with a budget."""
