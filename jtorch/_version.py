"""The version of jtorch, and the PyTorch version that it answers for."""

__version__ = "0.1.0"
TORCH_VERSION = "2.13.0+jtorch"
