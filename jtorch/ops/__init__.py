"""The operators, by family. Importing this package declares them all."""

from . import advanced_indexing, arithmetic, copying, matmul, moments, reduction, shape  # noqa: F401
