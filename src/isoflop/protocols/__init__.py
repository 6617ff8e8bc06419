"""A question answered end to end with the layers above."""
