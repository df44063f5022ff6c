"""``vmap``: a function of one sample, for a whole batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax

from .._engine.backward.capture import capture
from .._engine.recording.storage import current_value
from .._tensor.tensor import Tensor
from ..ops.shape.joining import cat
from ..random import get_rng_state, set_rng_state
from ._apply import stand_in_meta, tensors_in, transformed
from ._argument_checks import check_randomness
from ._trees import described, flatten, spread, unflatten


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
            f"in_dims has structure {described(in_dims)} but inputs "
            f"has structure {described(args)}."
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
        randomness: what happens where numbers are drawn: ``"error"``, ``"same"`` for the same
            numbers in every slice, ``"different"`` for others in each.
        chunk_size: slices to compute at a time.
    Raises:
        ValueError: arguments and dimensions do not fit.
        RuntimeError: the function looks at a value, or draws random numbers.
    """
    check_randomness(randomness)
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        leaves, structure, dims = _checked(func, in_dims, args)
        if chunk_size is not None:
            every = (out_dims, randomness, kwargs)
            return _in_chunks(func, leaves, structure, dims, chunk_size, *every)
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

    made = capture(one, arguments, metas, tensors_in, "vmap", randomness, axes)
    outputs, form = flatten(made.result[0])
    where = _out_dims(name, out_dims, outputs, form, made.result[0])
    wanted = iter(made.positions)
    positions = [next(wanted) if isinstance(output, Tensor) else None for output in outputs]
    whole = {position for position, dim in zip(positions, where) if dim is None}
    mapped = dict(zip(made.positions, made.mapped))
    for position in whole:
        if position is not None and mapped[position]:
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
    spread_over = tuple([None if at in whole else 0 for at in range(len(mapped))])
    inside = made.axes

    def build(pure: Callable, arrays: list, extra: list) -> list:
        return jax.vmap(pure, in_axes=inside, out_axes=list(spread_over))(*arrays)

    results = transformed(made, "vmap", build, (inside, spread_over)) if spread_over else []
    for at, position in zip(written, wanted):
        arguments[at].copy_(results[position].movedim(0, axes[at]))
    placed = []
    for output, position, dim in zip(outputs, positions, where):
        result = output if position is None else results[position]
        placed.append(result if not dim else result.movedim(0, dim))
    return unflatten(form, placed)


def _out_dims(name: str, out_dims: Any, outputs: list, form: Any, result: Any) -> list:
    """Return where the mapped dimension goes in each output, ``None`` where there is none.

    Raises:
        ValueError: the dimensions and the outputs do not fit.
    """
    dims = flatten(out_dims)[0]
    if not all(dim is None or isinstance(dim, int) for dim in dims):
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
            "collection of ints representing where in the outputs the vmapped dimension should "
            "appear."
        )
    where = spread(out_dims, form)
    if where is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): "
            f"out_dims is not compatible with the structure of `outputs`. "
            f"out_dims has structure {described(out_dims)} but outputs "
            f"has structure {described(result)}."
        )
    for output, dim in zip(outputs, where):
        if dim is not None and not isinstance(output, Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return "
                f"Tensors, got type {type(output)}. "
                "Did you mean to set out_dims= to None for output?"
            )
    return where


def _in_chunks(
    func: Callable,
    leaves: list,
    structure: Any,
    dims: list,
    size: int,
    out_dims: Any,
    randomness: str,
    kwargs: dict,
) -> Any:
    parts: list[Any] = []
    state = get_rng_state() if randomness == "same" else None
    split = [leaf.split(size, dim) if dim is not None else None for leaf, dim in zip(leaves, dims)]
    count = max(len(part) for part in split if part is not None)
    for at in range(count):
        chunk = [leaf if part is None else part[at] for leaf, part in zip(leaves, split)]
        if state is not None:
            set_rng_state(state)
        parts.append(_mapped(func, chunk, structure, dims, out_dims, randomness, kwargs))
    flat = [flatten(part)[0] for part in parts]
    form = flatten(parts[0])[1]
    where = spread(out_dims, form) or [0] * len(flat[0])
    joined = [cat.call(list(pieces), dim or 0) for pieces, dim in zip(zip(*flat), where)]
    return unflatten(form, joined)
