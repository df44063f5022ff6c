"""Derivatives of functions: jacobian, hessian and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._engine.graph.values import is_tensor
from ..ops.creation.creation import ones_like
from ..ops.creation.creation import zeros_like as zeros_like_function
from ..ops.shape.joining import stack as stack_operator

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tuple(value: Any, name: str, kind: str) -> tuple[bool, tuple]:
    several = isinstance(value, tuple)
    values = value if several else (value,)
    for index, tensor in enumerate(values):
        if not is_tensor(tensor):
            if several:
                raise TypeError(
                    f"The {name} given to {kind} must be either a Tensor or a tuple of Tensors but "
                    f"the value at index {index} has type {type(tensor)}."
                )
            raise TypeError(
                f"The {name} given to {kind} must be either a Tensor or a tuple of Tensors but the "
                f"given {name} has type {type(tensor)}."
            )
    return several, values


def _outputs(value: Any, kind: str) -> tuple[bool, tuple]:
    several = isinstance(value, tuple)
    values = value if several else (value,)
    for index, tensor in enumerate(values):
        if not is_tensor(tensor):
            where = (
                f"the value at index {index}"
                if several
                else "the given outputs of the user-provided function"
            )
            raise TypeError(
                f"The outputs of the user-provided function given to {kind} must be either a "
                f"Tensor or a tuple of Tensors but {where} has type {type(tensor)}."
            )
    return several, values


def _prepare(inputs: tuple, create_graph: bool) -> tuple:
    """Return copies that require grad, connected to the originals where a graph is wanted."""
    prepared = []
    for tensor in inputs:
        if create_graph and tensor.requires_grad:
            prepared.append(tensor.view_as(tensor))
        else:
            prepared.append(tensor.detach().requires_grad_(True))
    return tuple(prepared)


def _grad(outputs: Any, inputs: tuple, weights: Any = None, **options: Any) -> tuple:
    from . import grad

    outputs = [(o, w) for o, w in zip(outputs, weights or [None] * len(outputs), strict=True)]
    kept = [(o, w) for o, w in outputs if o.requires_grad]
    if not kept:
        return (None,) * len(inputs)
    return grad(
        tuple(o for o, _ in kept),
        inputs,
        tuple(w for _, w in kept),
        allow_unused=True,
        **options,
    )


#: What is missing where a gradient depends on nothing, by what it is a gradient of.
_MISSING = {
    "output": "The output of the user-provided function is independent of input {}. This is not "
    "allowed in strict mode.",
    "cotangent": "The gradient with respect to the input is independent of entry {} in the "
    "grad_outputs when using the double backward trick to compute forward mode gradients. This is "
    "not allowed in strict mode.",
    "jacobian": "The jacobian of the user-provided function is independent of input {}. This is "
    "not allowed in strict mode.",
    "hessian": "The hessian of the user-provided function is independent of entry {} in the "
    "grad_jacobian. This is not allowed in strict mode as it prevents from using the double "
    "backward trick to replace forward mode AD.",
}


def _filled(
    found: tuple, inputs: tuple, strict: bool, create_graph: bool = False, of: str = "output"
) -> tuple:
    """Return gradients with zeros where there is none.

    Args:
        found: the gradients.
        inputs: what they are for.
        strict: whether to raise there, and where a result cannot be differentiated again.
        create_graph: whether it has to be.
        of: a key of ``_MISSING``.
    """
    results = []
    for index, (value, input) in enumerate(zip(found, inputs, strict=True)):
        if value is None:
            if strict:
                raise RuntimeError(_MISSING[of].format(index))
            value = zeros_like_function(input)
        elif strict and create_graph and not value.requires_grad:
            what = "hessian" if of in ("jacobian", "hessian") else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {index}. This "
                "is not allowed in strict mode when create_graph=True."
            )
        results.append(value)
    return tuple(results)


def _check_depends(values: tuple, kind: str, strict: bool) -> None:
    """Raise, in strict mode, where an output or a gradient depends on no input.

    Args:
        values: the outputs, or the gradients for the inputs.
        kind: ``outputs``; ``gradients`` of a product with the Jacobian; ``jacobian`` of which there
            will be a Hessian.
        strict: whether it is that mode.
    """
    if not strict:
        return
    for index, value in enumerate(values):
        if value is None:
            raise RuntimeError(_MISSING["output"].format(index))
        if value.requires_grad:
            continue
        if kind == "outputs":
            raise RuntimeError(
                f"Output {index} of the user-provided function does not require gradients. The "
                "outputs must be computed in a differentiable manner from the input when running "
                "in strict mode."
            )
        if kind == "gradients":
            raise RuntimeError(
                f"The gradient with respect to input {index} is independent of the inputs of the "
                "user-provided function. This is not allowed in strict mode."
            )
        raise RuntimeError(
            "While computing the hessian, found that the jacobian of the user-provided function "
            f"with respect to input {index} is independent of the input. This is not allowed in "
            "strict mode. You should ensure that your function is twice differentiable and that "
            "the jacobian depends on the inputs (this would be violated by a linear function for "
            "example)."
        )


def _finish(values: Any, several: bool, create_graph: bool) -> Any:
    values = tuple([v if create_graph else v.detach() for v in values])
    return values if several else values[0]


def _check_vector(v: Any, like: tuple, name: str, kind: str) -> tuple:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                "The vector v can only be None if the input to the user-provided function "
                "is a single Tensor with a single element."
                if kind == "inputs"
                else "The vector v can only be None if the user-provided function returns a single "
                "Tensor with a single element."
            )
        return (ones_like(like[0]),)
    _, values = _tuple(v, "v", name)
    if len(values) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(values)}."
        )
    for index, (vector, other) in enumerate(zip(values, like, strict=True)):
        if vector.size() != other.size():
            prefix = f"Entry {index} in " if len(values) > 1 else ""
            raise RuntimeError(
                f"{prefix}v has invalid size: should be {other.size()} but got {vector.size()}."
            )
    return values


def vjp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple:
    """Return ``func(*inputs)`` and the product of ``v`` with its Jacobian.

    Args:
        func: takes and returns tensors.
        inputs: a tensor or a tuple of them.
        v: of the outputs' shapes; not needed for a scalar.
        create_graph: whether the results can be differentiated.
        strict: whether an output that does not depend on an input is an error.
    Returns:
        The outputs, and one tensor for each input.
    """
    several, given = _tuple(inputs, "inputs", "vjp")
    prepared = _prepare(given, create_graph)
    several_outputs, outputs = _outputs(func(*prepared), "vjp")
    _check_depends(outputs, "outputs", strict)
    weights = _check_vector(v, outputs, "vjp", "outputs")
    gradients = _grad(outputs, prepared, list(weights), create_graph=create_graph)
    gradients = _filled(gradients, prepared, strict, create_graph)
    return (
        _finish(outputs, several_outputs, create_graph),
        _finish(gradients, several, create_graph),
    )


def jvp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple:
    """Return ``func(*inputs)`` and the product of its Jacobian with ``v``.

    Args:
        func: takes and returns tensors.
        inputs: a tensor or a tuple of them.
        v: of the inputs' shapes; not needed for one of one element.
        create_graph: whether the results can be differentiated.
        strict: whether an output that does not depend on an input is an error.
    Returns:
        The outputs, and one tensor for each output.
    """
    _, given = _tuple(inputs, "inputs", "jvp")
    prepared = _prepare(given, create_graph)
    weights = _check_vector(v, prepared, "jvp", "inputs")
    several_outputs, outputs = _outputs(func(*prepared), "jvp")
    _check_depends(outputs, "outputs", strict)
    # The gradient is linear in the cotangents: differentiating it by them gives the tangents.
    dummies = tuple([zeros_like_function(o).requires_grad_() for o in outputs])
    gradients = _grad(outputs, prepared, list(dummies), create_graph=True)
    _check_depends(gradients, "gradients", strict)
    gradients = _filled(gradients, prepared, False)
    products = _grad(gradients, dummies, list(weights), create_graph=create_graph)
    products = _filled(products, outputs, strict, create_graph, "cotangent")
    return (
        _finish(outputs, several_outputs, create_graph),
        _finish(products, several_outputs, create_graph),
    )


def jacobian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of a function.

    Args:
        func: takes and returns tensors.
        inputs: a tensor or a tuple of them.
        create_graph: whether the result can be differentiated.
        strict: whether an output that does not depend on an input is an error.
        vectorize, strategy: how PyTorch computes it; the result is the same.
    Returns:
        For each output and each input a tensor of shape ``output.shape + input.shape``; nested
        tuples where there are several.
    """
    _check_strategy(vectorize, strategy, create_graph, strict)
    several, given = _tuple(inputs, "inputs", "jacobian")
    prepared = _prepare(given, create_graph)
    several_outputs, outputs = _outputs(func(*prepared), "jacobian")
    _check_depends(outputs, "outputs", strict)
    if not vectorize and any(not output.numel() for output in outputs):
        raise RuntimeError("stack expects a non-empty TensorList")
    stack, zeros_like = stack_operator.call, zeros_like_function
    rows = []
    for output_index, output in enumerate(outputs):
        columns: list[list[Any]] = [[] for _ in prepared]
        flat = output.reshape(-1)
        for position in range(output.numel()):
            element = flat[position]
            if element.requires_grad:
                found = _grad(
                    [element], prepared, None, retain_graph=True, create_graph=create_graph
                )
            else:
                found = (None,) * len(prepared)
            for index, (value, each) in enumerate(zip(found, prepared, strict=True)):
                if value is None and strict:
                    raise RuntimeError(
                        f"Output {output_index} of the user-provided function is independent of "
                        f"input {index}. This is not allowed in strict mode."
                    )
                if strict and create_graph and value is not None and not value.requires_grad:
                    raise RuntimeError(
                        f"The jacobian of the user-provided function is independent of input "
                        f"{index}. This is not allowed in strict mode when create_graph=True."
                    )
                columns[index].append(zeros_like(each) if value is None else value)
        rows.append(
            tuple(
                [
                    stack(column).view(tuple(output.shape) + tuple(each.shape))
                    if column
                    else each.new_zeros(tuple(output.shape) + tuple(each.shape))
                    for column, each in zip(columns, prepared, strict=True)
                ]
            )
        )
    if not create_graph:
        rows = [tuple([each.detach() for each in row]) for row in rows]
    shaped = [row if several else row[0] for row in rows]
    return tuple(shaped) if several_outputs else shaped[0]


def _check_strategy(vectorize: bool, strategy: str, create_graph: bool, strict: bool) -> None:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    together = "torch.autograd.functional.jacobian: {} are not supported together"
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                together.format('`create_graph=True` and `strategy="forward-mode"`')
                + ' (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        if strict:
            raise RuntimeError(
                together.format('`strict=True` and `strategy="forward-mode"`')
                + ' (yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
            )
        if not vectorize:
            raise NotImplementedError(
                "Computing Jacobian using forward-AD or forward-over-reverse Hessian is"
                "only implemented for `vectorize=True`."
            )
    elif vectorize and strict:
        raise RuntimeError(
            together.format("`strict=True` and `vectorized=True`")
            + ". Please either set `strict=False` or `vectorize=False`."
        )


def _scalar(func: Callable, kind: str, squeezed: bool = False) -> Callable:
    def checked(*inputs: Any) -> Any:
        output = func(*inputs)
        several, outputs = _outputs(output, kind)
        if several or not is_tensor(output):
            raise RuntimeError(f"The function given to {kind} should return a single Tensor")
        if outputs[0].numel() != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {kind} should contain a single "
                "element"
            )
        return outputs[0].squeeze() if squeezed else outputs[0]

    return checked


def hessian(
    func: Callable,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the Hessian of a function of one scalar result.

    Args:
        func: takes tensors and returns one of one element.
        inputs: a tensor or a tuple of them.
        create_graph: whether the result can be differentiated.
        strict: whether an input that the output does not depend on is an error.
        vectorize, outer_jacobian_strategy: how PyTorch computes it; the result is the same.
    Returns:
        For each pair of inputs a tensor of their shapes joined; nested tuples where there are
        several.
    """
    several, _ = _tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    scalar = _scalar(func, "hessian", squeezed=True)

    def gradient(*prepared: Any) -> Any:
        found = jacobian(scalar, prepared, create_graph=True)
        _check_depends(found, "jacobian", strict)
        return found if several else found[0]

    return jacobian(
        gradient,
        inputs,
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )


def vhp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple:
    """Return ``func(*inputs)`` and the product of ``v`` with its Hessian.

    Args:
        func: takes tensors and returns one of one element.
        inputs: a tensor or a tuple of them.
        v: of the inputs' shapes.
        create_graph: whether the results can be differentiated.
        strict: whether an input that the output does not depend on is an error.
    Returns:
        The output, and one tensor for each input.
    """
    return _hessian_product(func, inputs, v, create_graph, strict, "vhp")


def _hessian_product(
    func: Callable, inputs: Any, v: Any, create_graph: bool, strict: bool, name: str
) -> tuple:
    several, given = _tuple(inputs, "inputs", name)
    prepared = _prepare(given, create_graph)
    weights = _check_vector(v, prepared, name, "inputs")
    output = _scalar(func, name)(*prepared)
    _check_depends((output,), "outputs", strict)
    found = _grad([output], prepared, None, create_graph=True)
    _check_depends(found, "jacobian", strict)
    first = _filled(found, prepared, False)
    found = _grad(first, prepared, list(weights), create_graph=create_graph)
    found = _filled(found, prepared, strict, create_graph, "jacobian")
    return (
        output if create_graph else output.detach(),
        _finish(found, several, create_graph),
    )


def hvp(
    func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple:
    """Return ``func(*inputs)`` and the product of its Hessian with ``v``.

    The Hessian is symmetric, so this is ``vhp``; arguments and results are the same.
    """
    return _hessian_product(func, inputs, v, create_graph, strict, "hvp")
