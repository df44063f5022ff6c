"""What transforms of functions refuse, in PyTorch's words: arguments, tangents, outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jtorch as torch

from .._core.dtypes import is_inexact
from .._tensor.tensor import Tensor
from ._trees import flatten, unflatten

BACKWARD = "vjp(f, *primals)"
FORWARD = "jvp(f, primals, tangents)"


def chosen(args: Sequence[Any], argnums: Any) -> tuple[tuple[int, ...], bool]:
    """Return the positions to differentiate by, and whether there is one alone.

    Raises:
        RuntimeError: ``argnums`` is neither an int nor a tuple of different ints, or there are
            fewer arguments.
    """
    alone = isinstance(argnums, int)
    if not alone and not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    places = []
    for place in (argnums,) if alone else argnums:
        if not isinstance(place, int):
            raise RuntimeError(f"argnum must be int, got: {type(place)}")
        if not -len(args) <= place < len(args):
            raise RuntimeError(f"Got argnum={place}, but only {len(args)} positional inputs")
        places.append(place % len(args))
    if not places:
        raise RuntimeError("argnums must be non-empty")
    if len(set(places)) < len(places):
        raise RuntimeError(f"argnums elements must be unique, got {tuple(places)}")
    return tuple(places), alone


def check_inputs(leaves: Sequence[Any]) -> None:
    """Refuse what cannot require gradients."""
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}")
        if not is_inexact(leaf.dtype):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")


def check_outputs(outputs: list[Any], name: str) -> None:
    """Refuse outputs that are no tensors, or for a backward pass no floating point ones.

    Args:
        outputs: the leaves of what a function returned.
        name: ``BACKWARD`` or ``FORWARD``.
    """
    if outputs == [None] or not outputs:
        raise RuntimeError(
            f"{name}: Expected f to be a function that has non-empty output (got output = "
            f"{outputs})"
        )
    for output in outputs:
        if not isinstance(output, Tensor):
            raise RuntimeError(
                f"{name}: expected f(*primals) to return only tensors, got unsupported type "
                f"{type(output)}"
            )
    if name == BACKWARD:
        for output in outputs:
            if not is_inexact(output.dtype):
                raise RuntimeError(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got "
                    f"Tensor with dtype {output.dtype}"
                )


def with_aux(result: Any, name: str) -> tuple[Any, Any]:
    """Return the two parts that a function with ``has_aux`` returns."""
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return result


def _shown(tree: Any) -> str:
    """Return how PyTorch writes the structure of a tree."""
    return str(torch.utils._pytree.tree_structure(tree))


def check_directions(primals: Any, tangents: Any) -> None:
    """Refuse primals and tangents of ``jvp`` that do not fit together."""
    (leaves, structure), (given, found) = flatten(primals), flatten(tangents)
    if structure != found:
        raise RuntimeError(
            f"{FORWARD}: Expected primals and tangents to have the same python structure. For "
            "example, if primals is a tuple of 3 tensors, tangents also must be. Got primals with "
            f"structure {_shown(primals)} and tangents with structure {_shown(tangents)}"
        )
    for values, what in ((leaves, "primals"), (given, "tangents")):
        if not values:
            raise RuntimeError(f"{FORWARD}: Expected {what} to contain at least one Tensor.")
        for each in values:
            if not isinstance(each, Tensor):
                raise RuntimeError(
                    f"{FORWARD}: Expected {what} to only contain Tensors, got {type(each)}"
                )
    for primal, tangent in zip(leaves, given, strict=True):
        check_primal(primal)
        if not is_inexact(tangent.dtype):
            raise _no_direction("tangent", tangent)
        if primal.shape != tangent.shape:
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the "
                f"original Tensor, this is not supported. Tensor is of size {list(primal.shape)} "
                f"while the given forward gradient is of size {list(tangent.shape)}."
            )


def check_primal(primal: Any) -> None:
    """Refuse a tensor that no function can be differentiated by forwards."""
    if not is_inexact(primal.dtype):
        raise _no_direction("primal", primal)


def _no_direction(what: str, tensor: Any) -> ValueError:
    return ValueError(f"Expected {what} to be floating point or complex, but got: {tensor.dtype}")


def check_tangents(primals: tuple, tangents: tuple) -> None:
    """Refuse tangents that are not in the form of the primals of ``linearize``."""
    (leaves, structure), (given, found) = flatten(primals), flatten(tangents)
    if structure != found:
        raise RuntimeError(
            f"Expected the tangents {_shown(tangents)} to have the same argspec as the primals "
            f"{_shown(primals)}"
        )
    for place, (primal, tangent) in enumerate(zip(leaves, given, strict=True)):
        for name in ("shape", "device", "dtype"):
            own, its = getattr(primal, name), getattr(tangent, name)
            if own != its:
                raise RuntimeError(
                    f"tangent:{place} with {name} {its} in flattened pytree doesn't match "
                    f"the {name} {own} of the corresponding primal."
                )


class _Leaf:
    """A leaf in the short form of a structure."""

    def __repr__(self) -> str:
        return "*"


def other_cotangents(cotangents: Any, output: Any) -> RuntimeError:
    """Cotangents of ``vjp_fn`` that are not in the form of the output."""
    shown = []
    for tree in (cotangents, output):
        leaves, structure = flatten(tree)
        shown.append(repr(unflatten(structure, [_Leaf()] * len(leaves))))
    return RuntimeError(
        "Expected pytree structure of cotangents to be the same as pytree structure of outputs to "
        f"the function. cotangents: {shown[0]}, primal output: {shown[1]}"
    )


def check_chunks(chunk_size: Any, name: str) -> None:
    """Refuse a number of rows at once that is not positive."""
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"{name}: `chunk_size` should be greater than 0.")


def check_randomness(randomness: Any) -> None:
    """Refuse a word that says nothing about random numbers in a transform."""
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
