"""``vmap``: a function of one sample, for a whole batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax

from .._engine.backward.capture import stand_in_meta
from .._engine.recording.storage import current_value
from .._tensor.tensor import Tensor
from ..ops.shape.joining import cat
from ._apply import apply
from ._trees import flatten, spread, unflatten


def _name(function: Callable) -> str:
    return getattr(function, "__name__", repr(function))


def _checked(function: Callable, in_dims: Any, args: tuple) -> tuple[list, Any, list]:
    name = _name(function)
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): "
            f"expected `in_dims` to be int or a (potentially nested) tuple "
            f"matching the structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add "
            f"inputs, or you are trying to vmap over a function with no inputs. "
            f"The latter is unsupported."
        )
    leaves, structure = flatten(args)
    dims = spread(in_dims, structure)
    if dims is None:
        raise ValueError(
            f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): "
            f"in_dims is not compatible with the structure of `inputs`. "
            f"in_dims has structure {flatten(in_dims)[1]} but inputs "
            f"has structure {structure}."
        )
    for at, (leaf, dim) in enumerate(zip(leaves, dims)):
        if dim is None:
            continue
        where = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>): Got in_dim={dim} for "
        if not isinstance(dim, int):
            raise ValueError(
                f"{where}an input but in_dim must be either an integer dimension or None."
            )
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"{where}an input but the input is of type "
                f"{type(leaf)}. We cannot vmap over non-Tensor arguments, "
                f"please use None as the respective in_dim"
            )
        if not -leaf.dim() <= dim < leaf.dim():
            raise ValueError(
                f"{where}some input, but that input is a Tensor "
                f"of dimensionality {leaf.dim()} so expected in_dim to satisfy "
                f"-{leaf.dim()} <= in_dim < {leaf.dim()}."
            )
        dims[at] = dim % leaf.dim()
    sizes = [leaf.size(dim) for leaf, dim in zip(leaves, dims) if dim is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(size != sizes[0] for size in sizes):
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped "
            f"dimension, got sizes {sizes} for the mapped dimension"
        )
    return leaves, structure, dims


def vmap(
    func: Callable,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable:
    """Return a function that applies another to every slice of its arguments, all at once.

    Args:
        func: a function of tensors; it sees them without the mapped dimension.
        in_dims: which dimension of each argument is mapped over, ``None`` for one that is the same
            for all; one for all arguments, or nested as they are.
        out_dims: where the mapped dimension goes in each result.
        randomness: ``"error"``, or ``"same"`` for the same numbers in every slice. PyTorch's
            ``"different"`` raises where numbers are drawn.
        chunk_size: slices to compute at a time.
    Raises:
        ValueError: arguments and dimensions do not fit.
        RuntimeError: the function looks at a value, or draws random numbers.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, structure, dims = _checked(func, in_dims, args)
        if chunk_size is not None:
            return _in_chunks(func, leaves, structure, dims, out_dims, kwargs, chunk_size)
        return _mapped(func, leaves, structure, dims, out_dims, randomness, kwargs)

    return wrapped


def _mapped(
    func: Callable,
    leaves: list,
    structure: Any,
    dims: list,
    out_dims: Any,
    randomness: str,
    kwargs: dict,
) -> Any:
    places = [at for at, dim in enumerate(dims) if dim is not None]
    arguments = [leaves[at] for at in places]
    axes = tuple([dims[at] for at in places])
    metas = []
    for tensor, axis in zip(arguments, axes):
        shape = tuple(tensor.shape)
        metas.append(stand_in_meta(shape[:axis] + shape[axis + 1 :], tensor._value.meta))

    written: list[int] = []  # which of the arguments the function writes to

    def one(*slices: Tensor) -> Any:
        filled = list(leaves)
        for at, output in zip(places, slices):
            filled[at] = output
        before = [each._value for each in slices]
        result = func(*unflatten(structure, filled), **kwargs)
        for at, value in enumerate(before):
            if current_value(slices[at]) is not value:
                written.append(at)
        return result, [slices[at] for at in written]

    name = _name(func)

    def build(pure: Callable, arrays: list, extra: list) -> list:
        return jax.vmap(pure, in_axes=axes, out_axes=0)(*arrays)

    made, results = apply(one, arguments, metas, "vmap", build, axes, random=randomness)
    outputs, form = flatten(made.result[0])
    for output in outputs:
        if not isinstance(output, Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return "
                f"Tensors, got type {type(output)}. "
                "Did you mean to set out_dims= to None for output?"
            )
    where = spread(out_dims, form)
    if where is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): "
            f"out_dims is not compatible with the structure of `outputs`. "
            f"out_dims has structure {flatten(out_dims)[1]} but outputs "
            f"has structure {form}."
        )
    for at, position in zip(written, made.positions[len(outputs) :]):
        arguments[at].copy_(results[position].movedim(0, axes[at]))
    placed = []
    for position, dim in zip(made.positions, where):
        result = results[position]
        placed.append(result if dim in (0, None) else result.movedim(0, dim))
    return unflatten(form, placed)


def _in_chunks(
    func: Callable,
    leaves: list,
    structure: Any,
    dims: list,
    out_dims: Any,
    kwargs: dict,
    size: int,
) -> Any:
    parts: list[Any] = []
    split = [leaf.split(size, dim) if dim is not None else None for leaf, dim in zip(leaves, dims)]
    count = max(len(part) for part in split if part is not None)
    for at in range(count):
        chunk = [leaf if part is None else part[at] for leaf, part in zip(leaves, split)]
        parts.append(_mapped(func, chunk, structure, dims, out_dims, "same", kwargs))
    flat = [flatten(part)[0] for part in parts]
    form = flatten(parts[0])[1]
    where = spread(out_dims, form) or [0] * len(flat[0])
    joined = [cat.call(list(pieces), dim or 0) for pieces, dim in zip(zip(*flat), where)]
    return unflatten(form, joined)
