"""Derivatives as functions: ``grad``, ``vjp``, ``jvp``, ``jacrev``, ``jacfwd``, ``hessian``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .._engine.backward.levels import levels
from .._engine.backward.nodes import AccumulateGrad
from .._engine.backward.usual import leaves_behind
from .._engine.recording.storage import current_value
from .._engine.recording.trace import local
from .._tensor.tensor import Tensor, require_grad
from ..autograd import grad as _autograd_grad
from ..autograd.grad_mode import enable_grad
from ..ops.creation.creation import zeros_like
from . import _argument_checks as checks
from ._apply import apply, rebuilt, stand_in_meta
from ._trees import flatten, unflatten

_depth = 0


def _tracked(tree: Any) -> tuple[Any, list[Tensor], bool]:
    """Return a tree with tensors to differentiate by, those, and whether they came from others."""
    leaves, structure = flatten(tree)
    checks.check_inputs(leaves)
    outer = any(leaf.requires_grad for leaf in leaves)
    fresh = [
        leaf.view_as(leaf) if leaf.requires_grad else require_grad(leaf.detach()) for leaf in leaves
    ]
    return unflatten(structure, fresh), fresh, outer


def _flows_elsewhere(outputs: list, inputs: list) -> bool:
    """Return whether outputs have a gradient for other leaves than these inputs."""
    own = {id(input) for input in inputs}
    waiting = []
    for output in outputs:
        if not isinstance(output, Tensor) or not output.requires_grad:
            continue
        leaves = leaves_behind(current_value(output))
        if leaves is None:
            waiting.append(output.grad_fn)
        elif any(id(leaf) not in own for leaf in leaves):
            return True
    seen = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(node, AccumulateGrad):
            if id(node.variable) not in own:
                return True
        else:
            waiting.extend(following for following, _ in node.next_functions)
    return False


def _with(args: tuple, places: tuple[int, ...], values: tuple) -> list:
    filled = list(args)
    for place, value in zip(places, values):
        filled[place] = value
    return filled


def _released(tree: Any, outer: bool) -> Any:
    """Return results without history, unless an outer transform differentiates them too."""
    if outer or _depth or local.trace.captures:
        return tree
    leaves, structure = flatten(tree)
    return unflatten(
        structure, [leaf.detach() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
    )


def _gradients(outputs: list, inputs: list, cotangents: Any) -> list:
    if not any(output.requires_grad for output in outputs):
        return [zeros_like(input) for input in inputs]
    gradients = _autograd_grad(
        outputs, inputs, cotangents, create_graph=True, retain_graph=True, allow_unused=True
    )
    return [
        zeros_like(input) if value is None else value for value, input in zip(gradients, inputs)
    ]


def grad_and_value(func: Callable, argnums: Any = 0, has_aux: bool = False) -> Callable:
    """Return a function that computes the gradient of another, and its value.

    Args:
        func: returns a tensor without dimensions (and something else, with ``has_aux``).
        argnums: by which of its arguments to differentiate; an int, or a tuple of them.
        has_aux: whether ``func`` returns a pair, the second part of which is handed on.
    Returns:
        Function that returns ``(gradient, value)``, or ``(gradient, (value, aux))``.
    Raises:
        RuntimeError: the function returns anything else.
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        global _depth
        places, alone = checks.chosen(args, argnums)
        fresh, inputs, outer = _tracked(tuple([args[place] for place in places]))
        _depth += 1
        levels.stack.append(None)
        try:
            with enable_grad():
                output = func(*_with(args, places, fresh), **kwargs)
                aux = None
                if has_aux:
                    if not (isinstance(output, tuple) and len(output) == 2):
                        raise RuntimeError(
                            "grad_and_value(f)(*args): output of function f should be a tuple: "
                            "(output, aux) if has_aux is True"
                        )
                    output, aux = output
                if not isinstance(output, Tensor):
                    raise RuntimeError(
                        "grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got "
                        f"{type(output)}"
                    )
                if output.dim() != 0:
                    raise RuntimeError(
                        "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, "
                        f"got tensor with {output.dim()} dims. Maybe you wanted to use the vjp "
                        "or jacrev APIs instead?"
                    )
                outer = outer or _flows_elsewhere([output], inputs)
                found = _gradients([output], inputs, None)
        finally:
            levels.stack.pop()
            _depth -= 1
        gradient = unflatten(flatten(fresh)[1], found)
        gradient = gradient[0] if alone else gradient
        gradient, output, aux = _released((gradient, output, aux), outer)
        return (gradient, (output, aux)) if has_aux else (gradient, output)

    return wrapper


def grad(func: Callable, argnums: Any = 0, has_aux: bool = False) -> Callable:
    """Return a function that computes the gradient of another; see ``grad_and_value``."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def vjp(func: Callable, *primals: Any, has_aux: bool = False) -> tuple:
    """Compute a function and get one that multiplies vectors by its Jacobian from the left.

    Args:
        func: a function of ``primals``.
        *primals: where to compute it.
        has_aux: whether it returns a pair, the second part of which is handed on.
    Returns:
        ``(output, vjp_fn)``, or ``(output, vjp_fn, aux)``. ``vjp_fn`` takes cotangents in the form
        of the output and returns gradients in the form of the primals.
    """
    global _depth
    fresh, inputs, outer = _tracked(primals)
    _depth += 1
    levels.stack.append(None)
    try:
        with enable_grad():
            output = func(*fresh)
    finally:
        levels.stack.pop()
        _depth -= 1
    aux = None
    if has_aux:
        output, aux = checks.with_aux(output, checks.BACKWARD)
    outputs, form = flatten(output)
    checks.check_outputs(outputs, checks.BACKWARD)
    outer = outer or _flows_elsewhere(outputs, inputs)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, shape = flatten(cotangents)
        if shape != form:
            raise checks.other_cotangents(cotangents, output)
        gradients = unflatten(flatten(fresh)[1], _gradients(outputs, inputs, given))
        gradients = _released(
            gradients, outer or any(cotangent.requires_grad for cotangent in given)
        )
        return gradients

    released = _released(output, outer)
    return (released, vjp_fn, _released(aux, outer)) if has_aux else (released, vjp_fn)


def jvp(
    func: Callable, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple:
    """Compute a function and the product of its Jacobian with a vector.

    Args:
        func: a function of ``primals``.
        primals: where to compute it, a tuple.
        tangents: the vector, in the form of the primals.
        strict: accepted.
        has_aux: whether it returns a pair, the second part of which is handed on.
    Returns:
        ``(output, tangent of the output)``, or with the third part that is handed on.
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals to be a tuple. "
            "E.g. it should be valid to call f(*primals)."
        )
    leaves, structure = flatten(primals)
    given, _ = flatten(tangents)
    checks.check_directions(primals, tangents)

    def flat(*fresh: Tensor) -> Any:
        result = func(*unflatten(structure, fresh))
        output = checks.with_aux(result, checks.FORWARD)[0] if has_aux else result
        checks.check_outputs(flatten(output)[0], checks.FORWARD)
        return result

    def build(pure: Callable, arrays: list, extra: list) -> list:
        tangents = [tangent.astype(array.dtype) for tangent, array in zip(extra, arrays)]
        values, directions = jax.jvp(pure, tuple(arrays), tuple(tangents))
        wider = [tangent for tangent, own in zip(extra, tangents) if tangent.dtype != own.dtype]
        return [*values, *[_direction(*pair, wider) for pair in zip(directions, values)]]

    made, results = apply(
        flat,
        leaves,
        [stand_in_meta(tuple(leaf.shape), leaf._value.meta) for leaf in leaves],
        "jvp",
        build,
        None,
        extra=given,
    )
    half = len(results) // 2
    values, directions = rebuilt(made, results[:half]), rebuilt(made, results[half:])
    if has_aux:
        return values[0], directions[0], values[1]
    return values, directions


def _direction(direction: Any, value: Any, wider: list) -> Any:
    """Return the derivative of a value as PyTorch has it.

    Args:
        direction: as JAX has it: nothing for integers, of which it is zeros.
        value: the value.
        wider: tangents of other dtypes than their primals, which it is promoted with.
    """
    if direction.dtype == jax.dtypes.float0:
        return jnp.zeros(direction.shape, value.dtype)
    return direction.astype(jnp.result_type(direction, *wider)) if wider else direction


def linearize(func: Callable, *primals: Any) -> tuple:
    """Compute a function and get one that multiplies its Jacobian by vectors.

    Returns:
        ``(output, jvp_fn)``; ``jvp_fn`` takes tangents in the form of the primals.
    """

    for primal in flatten(primals)[0]:
        if isinstance(primal, Tensor):
            checks.check_primal(primal)

    def jvp_fn(*tangents: Any) -> Any:
        checks.check_tangents(primals, tangents)
        directions = iter(jvp(tensors, primals, tangents)[1] if any(moving) else ())
        parts = zip(outputs, moving, strict=True)
        return unflatten(form, [next(directions) if moves else each for each, moves in parts])

    def tensors(*again: Any) -> tuple:
        leaves = flatten(func(*again))[0]
        return tuple([leaf for leaf, moves in zip(leaves, moving, strict=True) if moves])

    output = func(*primals)
    outputs, form = flatten(output)
    moving = [isinstance(leaf, Tensor) for leaf in outputs]
    return output, jvp_fn


def _jacobian(func: Callable, argnums: Any, has_aux: bool, transform: str) -> Callable:
    differentiate = jax.jacfwd if transform == "jacfwd" else jax.jacrev

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        places, alone = checks.chosen(args, argnums)
        chosen = tuple([args[place] for place in places])
        leaves, structure = flatten(chosen)
        count = len(leaves)
        forward = transform == "jacfwd"
        name = checks.FORWARD if forward else checks.BACKWARD
        if not forward:
            checks.check_inputs(leaves)
        for leaf in leaves:
            checks.check_primal(leaf)

        def flat(*fresh: Tensor) -> Any:
            if forward:
                result = func(*_with(args, places, unflatten(structure, fresh)), **kwargs)
            else:
                with enable_grad():  # what the tape would not differentiate is not JAX's business
                    tracked = [leaf.clone() if leaf.requires_grad else leaf for leaf in fresh]
                    result = func(*_with(args, places, unflatten(structure, tracked)), **kwargs)
            output = checks.with_aux(result, name)[0] if has_aux else result
            checks.check_outputs(flatten(output)[0], name)
            return result

        def build(pure: Callable, arrays: list, extra: list) -> list:
            values = pure(*arrays)
            real = [jnp.issubdtype(value.dtype, jnp.inexact) for value in values]

            def differentiable(*fresh: Any) -> list:
                return [value for value, is_real in zip(pure(*fresh), real) if is_real]

            every = tuple(range(count))
            jacobians = iter(differentiate(differentiable, argnums=every)(*arrays))
            blocks = []
            for value, is_real in zip(values, real, strict=True):
                if is_real:
                    blocks.extend(next(jacobians))
                else:
                    blocks.extend(
                        jnp.zeros((*value.shape, *array.shape), value.dtype) for array in arrays
                    )
            return [*values, *blocks]

        made, results = apply(
            flat,
            leaves,
            [
                stand_in_meta(tuple(leaf.shape), leaf._value.meta, transform == "jacrev")
                for leaf in leaves
            ],
            transform,
            build,
            count,
        )
        number = len(results) // (count + 1)
        values = rebuilt(made, results[:number])
        blocks = [results[number + at * count : number + (at + 1) * count] for at in range(number)]
        aux = None
        output = made.result
        if has_aux:
            output, aux = output[0], values[1]
        outputs, form = flatten(output)
        per_output = []
        for position in made.positions[: len(outputs)]:
            parts = unflatten(structure, blocks[position])
            per_output.append(parts[0] if alone else parts)
        found = unflatten(form, per_output)
        return (found, aux) if has_aux else found

    return wrapper


def jacrev(
    func: Callable,
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable:
    """Return a function that computes the Jacobian of another, backwards.

    Args:
        func: a function of tensors.
        argnums: by which of its arguments to differentiate; an int, or a tuple of them.
        has_aux: whether it returns a pair, the second part of which is handed on.
        chunk_size: accepted: rows are computed all at once.
    Raises:
        ValueError: ``chunk_size`` is not positive.
    Returns:
        Function whose result has, for each output and argument, a tensor of the shape of the
        output followed by that of the argument.
    """
    checks.check_chunks(chunk_size, "jacrev")
    return _jacobian(func, argnums, has_aux, "jacrev")


def jacfwd(
    func: Callable, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable:
    """Return a function that computes the Jacobian of another, forwards; see ``jacrev``."""
    jacobian = _jacobian(func, argnums, has_aux, "jacfwd")

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        checks.check_randomness(randomness)
        return jacobian(*args, **kwargs)

    return wrapper


def hessian(func: Callable, argnums: Any = 0) -> Callable:
    """Return a function of the second derivatives of another, forwards over backwards."""
    return jacfwd(jacrev(func, argnums), argnums)
