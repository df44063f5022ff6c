"""Gradients: the usual path, the general path, and transforms of recorded functions."""
