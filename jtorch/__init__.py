"""PyTorch's public face over JAX: ``import jtorch as torch``, or ``python -m jtorch script.py``."""

from ._hook import install, installed, uninstall
from ._version import TORCH_VERSION as __version__

__all__ = ["__version__", "install", "installed", "uninstall"]
