"""Reductions: sums, means, extrema over dimensions."""
