"""The operators, by family. Importing this package declares them all."""

from . import arithmetic, matmul, reduction, shape  # noqa: F401
