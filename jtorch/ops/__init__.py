"""The operators, by family. Importing this package declares them all."""

from . import (  # noqa: F401
    advanced_indexing,
    arithmetic,
    copying,
    indexing,
    inplace_shape,
    masks,
    matmul,
    moments,
    reduction,
    reshaping,
    scatter,
    shape,
    views_dtype,
    views_order,
    views_split,
    views_strided,
)
from . import extrema  # noqa: E402,F401
from . import normalising  # noqa: E402,F401
from . import bitwise, comparison, complex_numbers, division, elementwise  # noqa: E402,F401
from . import pairs, power, rounding, selection  # noqa: E402,F401
from . import activations  # noqa: E402,F401
from . import joining  # noqa: E402,F401
from . import diagonals  # noqa: E402,F401
from . import counting  # noqa: E402,F401
from . import losses  # noqa: E402,F401
from . import sorting  # noqa: E402,F401
from . import cumulative  # noqa: E402,F401
from . import products  # noqa: E402,F401
from . import creation  # noqa: E402,F401
from . import random  # noqa: E402,F401
from . import ranges  # noqa: E402,F401
