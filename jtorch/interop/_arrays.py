"""Tensors and arrays of JAX in each other's place, one by one and within nested containers."""

from __future__ import annotations

from typing import Any

import jax

from .._engine.graph.values import TensorBase
from .._engine.memory import from_jax as _engine
from .._tensor.tensor import Tensor


def is_leaf(value: object) -> bool:
    """Tell whether something is a tensor, which JAX would take for a container of an array."""
    return isinstance(value, TensorBase)


def to_jax(tree: Any) -> Any:
    """Return arrays of JAX with the elements of tensors, in their memory and on their device.

    A tensor on the CPU whose elements NumPy computed is copied once, and holds the array from then
    on. Writing to the tensor later leaves the array as it is.

    Args:
        tree: a tensor, or containers that JAX knows (dicts, lists, tuples, dataclasses) of tensors
            and anything else, which stays what it is.
    Returns:
        An array, or the same containers of arrays. No gradient flows through them.
    Raises:
        TypeError: a tensor has no elements (the device ``meta``) or is sparse.

    Example:
        >>> import jtorch as torch
        >>> from jtorch import interop
        >>> interop.to_jax(torch.tensor([1.0, 2.0])) * 2
        Array([2., 4.], dtype=float32)
    """
    if tree.__class__ is Tensor:
        return _engine.to_jax(tree)
    return jax.tree.map(
        lambda leaf: _engine.to_jax(leaf) if is_leaf(leaf) else leaf, tree, is_leaf=is_leaf
    )


def from_jax(tree: Any) -> Any:
    """Return tensors with the elements of arrays of JAX, in their memory and on their device.

    Args:
        tree: an array, or containers of arrays and anything else, which stays what it is.
    Returns:
        A tensor, or the same containers of tensors.
    Raises:
        TypeError: an array is a tracer, or has a dtype that tensors do not have.
        ValueError: an array is spread over several devices.

    Example:
        >>> import jax.numpy as jnp
        >>> from jtorch import interop
        >>> interop.from_jax({"a": jnp.ones(2, jnp.bfloat16), "b": "name"})
        {'a': tensor([1., 1.], dtype=torch.bfloat16), 'b': 'name'}
    """
    if _engine.is_jax(tree):
        return _engine.from_jax(tree)
    return jax.tree.map(
        lambda leaf: _engine.from_jax(leaf) if _engine.is_jax(leaf) else leaf,
        tree,
        is_leaf=is_leaf,
    )
