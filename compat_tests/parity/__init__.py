"""Training scripts, run unmodified under PyTorch and under jtorch with the same seed."""
