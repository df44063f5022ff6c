"""The operators, by family. Importing this package declares them all."""

from . import arithmetic, matmul, moments, reduction, shape  # noqa: F401
