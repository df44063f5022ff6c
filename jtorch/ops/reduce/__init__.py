"""Reductions, running reductions, sorting, counting and statistics."""
