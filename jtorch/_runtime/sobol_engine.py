"""The operators behind ``torch.quasirandom``, such as ``torch._sobol_engine_draw``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core.dtypes import dtype as DType
from .._engine.declare import publish
from .._random import sobol
from .._tensor.constructors import tensor


def _write(target: Any, values: np.ndarray) -> Any:
    return target.copy_(tensor(values))


def draw(
    quasi: Any, n: int, sobolstate: Any, dimension: int, num_generated: int, dtype: DType | None
) -> tuple[Any, Any]:
    """Return the next points, and the state after them.

    Args:
        quasi: the state, an integer for each dimension; it is written.
        n: how many points.
        sobolstate: the direction numbers.
        dimension: of the points.
        num_generated: how many points came before.
        dtype: of the points.
    """
    made, state = sobol.points(quasi.numpy(), n, sobolstate.numpy(), num_generated)
    _write(quasi, state)
    integers = tensor(made)
    floating = integers.float() if dtype is None else integers.to(dtype)
    return floating * 2.0**-sobol.BITS, quasi


def fast_forward(quasi: Any, n: int, sobolstate: Any, dimension: int, num_generated: int) -> Any:
    """Pass over points: write the state after them."""
    return _write(quasi, sobol.points(quasi.numpy(), n, sobolstate.numpy(), num_generated)[1])


def initialize_state(sobolstate: Any, dimension: int) -> Any:
    """Write the direction numbers of a dimension."""
    return _write(sobolstate, sobol.direction_numbers(dimension))


def scramble(sobolstate: Any, ltm: Any, dimension: int) -> Any:
    """Multiply the direction numbers by lower triangular matrices of bits."""
    return _write(sobolstate, sobol.scrambled(sobolstate.numpy(), ltm.numpy()))


publish("_sobol_engine_draw", draw)
publish("_sobol_engine_ff_", fast_forward)
publish("_sobol_engine_initialize_state_", initialize_state)
publish("_sobol_engine_scramble_", scramble)
