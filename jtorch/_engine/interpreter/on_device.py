"""Tier 0 of an accelerator: each operator an executable of its own, which NumPy does not reach.

A program there is compiled whole when it first runs. Where a line has made several programs of the
same operators, each of another combination of shapes or operands, the next ones run operator by
operator: their number is that of the operators' forms, not that of the combinations.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import numpy as np

from ..._core import precision
from .steps import Form, Step, present_only

#: Microseconds: to start an executable, and to compile one.
_CALL, _COMPILE = 30.0, 15_000.0
#: Executables that are remembered before all are forgotten.
_MOST_EXECUTABLES = 5_000

_executables: dict[Hashable, Step] = {}


class Executables:
    """Makes the steps of one program.

    Attributes:
        compiled: executables that were new.
        spent: what compiling them is estimated to cost, in microseconds.
    """

    def __init__(self, device: Any):
        self.device = device
        self.compiled = 0

    @property
    def spent(self) -> float:
        return self.compiled * _COMPILE

    def step(
        self,
        key: Hashable,
        function: Callable,
        forms: Sequence[Any],
        absent: Sequence[Any] = (),
        related: Any = None,
    ) -> Step:
        """Return a function as an executable; the arguments are those of ``steps.translated``."""
        own = tuple([(form.shape, form.dtype) for form in (*forms, *absent)])
        whole = (key, len(forms), own, self.device, precision.current())
        step = _executables.get(whole)
        if step is None:
            if len(_executables) >= _MOST_EXECUTABLES:
                _executables.clear()
            self.compiled += 1
            present: list[bool] = []
            traced = present_only(function, absent, present)
            results = jax.eval_shape(
                traced, *[jax.ShapeDtypeStruct(form.shape, form.dtype) for form in forms]
            )
            made = [Form(result.shape, np.dtype(result.dtype)) for result in results]
            step = _executables[whole] = Step(jax.jit(traced), made, 1, _CALL, present)
        return step

    def constant(self, array: np.ndarray) -> Any:
        """Return an array of the device."""
        return jax.device_put(array, self.device)


def run(assembled: Any, arguments: Sequence[Any], floats: Any, ints: Any, device: Any) -> list[Any]:
    """Run the steps of a program.

    Args:
        assembled: the steps.
        arguments: the arrays of the used inputs.
        floats, ints: the Python numbers of the trace.
        device: JAX's device.
    Returns:
        The outputs, arrays of JAX.
    """
    arrays = assembled.arrays.copy()
    for place, argument in zip(assembled.inputs, arguments, strict=True):
        arrays[place] = argument
    for place, kind, index in assembled.numbers:
        arrays[place] = np.float64(floats[index]) if kind == "f" else np.int64(ints[index])
    with jax.default_device(device):
        for function, operands, outputs, dead in assembled.steps:
            results = function(*[arrays[place] for place in operands])
            for place, array in zip(outputs, results, strict=True):
                arrays[place] = array
            results = array = None
            for place in dead:
                arrays[place] = None
    return [arrays[place] for place, _, _ in assembled.outputs]
