"""Libraries that are built on PyTorch, run on jtorch."""
