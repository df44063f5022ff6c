"""Tier 0 on the CPU: runs a program at once, operator by operator, with NumPy's kernels."""
