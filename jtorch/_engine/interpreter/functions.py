"""A program as steps that are functions of JAX arrays, for whoever compiles several as one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import jax.extend
import numpy as np

from ..graph.trie import Instruction, Template
from .assemble import Assembled, Assembler, assembled_by
from .steps import Form, Step, present_only

#: Functions that are remembered before all are forgotten.
_MOST_FUNCTIONS = 5_000
_known: dict[Hashable, Step] = {}


class _Functions:
    """Makes steps; equal ones, of any program, have the same function."""

    def step(
        self,
        key: Hashable,
        function: Callable,
        forms: Sequence[Any],
        absent: Sequence[Any] = (),
        related: Any = None,
    ) -> Step:
        """Return the step of a function; the arguments are those of ``steps.translated``."""
        own = tuple([(form.shape, form.dtype) for form in (*forms, *absent)])
        whole = (key, len(forms), own)
        step = _known.get(whole)
        if step is None:
            if len(_known) >= _MOST_FUNCTIONS:
                _known.clear()
            present: list[bool] = []
            shapes = [jax.ShapeDtypeStruct(form.shape, form.dtype) for form in forms]
            closed = jax.make_jaxpr(present_only(function, absent, present))(*shapes)
            made = [Form(each.shape, np.dtype(each.dtype)) for each in closed.out_avals]
            # To go through its equations again is quicker than through what made them.
            step = Step(jax.extend.core.jaxpr_as_fun(closed), made, 1, 0.0, present)
            _known[whole] = step
        return step

    def constant(self, array: np.ndarray) -> Any:
        return jax.device_put(array)


class _FunctionAssembler(Assembler):
    """An assembler whose steps are not those that templates remember, which are NumPy's."""

    def __init__(self) -> None:
        super().__init__(_Functions())
        self.of_templates: dict[Any, Step] = {}

    def step_of(self, instruction: Instruction, operands: list[int]) -> Step:
        return self._remembered(
            instruction.identity, None, lambda: self.forward(instruction, operands)
        )

    def step_of_rule(
        self, level: Any, instruction: Instruction, present: tuple[bool, ...], there: list[int]
    ) -> Step:
        return self._remembered(
            instruction.identity,
            present,
            lambda: self.backward(level, instruction, present, there),
        )

    def _remembered(self, template: Any, which: Any, make: Callable[[], Step]) -> Step:
        if template.__class__ is not Template:
            return make()
        step = self.of_templates.get((template, which))
        if step is None:
            step = self.of_templates[template, which] = make()
        return step


def assemble_functions(program: Any, forms: Sequence[Form]) -> Assembled:
    """Return a program as steps that are pure functions of JAX arrays.

    Args:
        program: a ``programs.Program``.
        forms: shapes and dtypes of its used inputs.
    """
    return assembled_by(_FunctionAssembler(), program, forms)
