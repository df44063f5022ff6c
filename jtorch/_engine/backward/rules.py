"""How gradients flow through the instructions of a captured function: as they do on the tape.

JAX would differentiate whatever a function computes. On the tape no gradient flows to an operand
without one (what ``detach`` returned, what was computed under ``no_grad``), and rules of PyTorch's
replace JAX's where they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import primitives, tape
from ..graph.tracing import tracing_for_jax
from ..graph.trie import Instruction
from ..graph.values import Meta


def on_tape(instruction: Instruction) -> Callable:
    """Return an instruction's function, differentiated as the tape differentiates it."""
    wanted = instruction.gradient_operands
    if not wanted or instruction.vjp is None:
        return cut(instruction)
    places = {position: at for at, position in enumerate(wanted)}

    @jax.custom_vjp
    def function(*operands: Any) -> Any:
        return instruction.function(*operands)

    def forward(*operands: Any) -> Any:
        results = function(*operands)  # by the rule too where it is differentiated once more
        return results, (operands, results)

    def backward(residuals: Any, cotangents: Any) -> Any:
        operands, results = residuals
        several = isinstance(results, (tuple, list))
        given = list(cotangents) if several else [cotangents]
        # PyTorch's gradient of a complex function is the conjugate of JAX's.
        given = [
            jnp.conj(cotangent) if _is_complex(cotangent) else _filled(cotangent, meta)
            for cotangent, meta in zip(given, instruction.metas, strict=True)
        ]
        given_results = list(results) if several else [results]
        with tracing_for_jax():
            gradients = tape.pull_back(instruction, given, given_results, list(operands))
        return tuple(
            [
                _fitting(gradients[places[at]], operand) if at in places else None
                for at, operand in enumerate(operands)
            ]
        )

    function.defvjp(forward, backward)
    return function


def _is_complex(array: Any) -> bool:
    return np.dtype(array.dtype).kind == "c"


def _filled(cotangent: Any, meta: Meta) -> Any:
    """Return a cotangent, zeros for that of a result that has none."""
    if cotangent.dtype == jax.dtypes.float0:
        return jnp.zeros(meta.shape, meta.dtype._numpy)
    return cotangent


def _fitting(gradient: Any, operand: Any) -> Any:
    """Return a gradient as JAX wants it: of the operand's dtype, by JAX's convention."""
    if gradient is None:
        return None
    if _is_complex(operand):
        gradient = jnp.conj(gradient)
    elif _is_complex(gradient):
        gradient = jnp.real(gradient)
    return gradient.astype(operand.dtype)


def cut(instruction: Instruction) -> Callable:
    """Return an instruction's function, through which gradients flow where the tape lets them."""
    kept = frozenset(instruction.gradient_operands)
    if not kept or len(kept) == len(instruction.operands):
        return instruction.function

    def function(*operands: Any) -> Any:
        given = [
            operand if at in kept else jax.lax.stop_gradient(operand)
            for at, operand in enumerate(operands)
        ]
        return instruction.function(*given)

    return function


def forwards(instruction: Instruction) -> Callable:
    """Return an instruction's function for tangents, which nothing but ``detach`` stops."""
    if instruction.op not in (primitives.detach, primitives.data):
        return instruction.function
    return lambda *operands: jax.lax.stop_gradient(instruction.function(*operands))


def cut_where_known(instruction: Instruction) -> Callable:
    """Return an instruction's function for JAX's own rules, if it has no ``backward`` in Python."""
    own = instruction.op is not None and instruction.op.name == "_with_backward"
    return on_tape(instruction) if own else cut(instruction)
