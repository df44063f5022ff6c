"""Numerical checks of gradients, by central differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._engine.graph.values import is_tensor
from .._runtime import absent as _absent


class GradcheckError(RuntimeError):
    """A gradient is not what finite differences say."""

    __module__ = "torch.autograd.gradcheck"


def _outputs(value: Any) -> tuple:
    outputs = value if isinstance(value, (tuple, list)) else (value,)
    return tuple([o for o in outputs if is_tensor(o) and o.requires_grad])


def gradcheck(
    func: Callable,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of a function with central differences.

    Args:
        func: takes tensors, returns a tensor or a tuple of them.
        inputs: tensors; those that require grad, of double precision, are checked.
        eps: step of the differences.
        atol, rtol: absolute and relative tolerance.
        raise_exception: whether a mismatch raises or gives ``False``.
        nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad,
        check_batched_forward_grad, check_forward_ad, fast_mode, masked: accepted; only the plain
            check of reverse mode is made.
    Returns:
        Whether all gradients agree.

    Raises:
        GradcheckError: they do not, and ``raise_exception`` is set.
        ValueError: no input requires grad.
    """
    from . import grad

    tensors = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    checked = [t for t in tensors if is_tensor(t) and t.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them "
            "have requires_grad=True."
        )
    for index, tensor in enumerate(checked):
        if tensor.dtype.itemsize < 8 or (tensor.dtype.is_complex and tensor.dtype.itemsize < 16):
            warnings.warn(
                f"Input #{index} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision floating point or complex. ",
                stacklevel=2,
            )
        tensor.retain_grad()
    outputs = _outputs(func(*tensors))
    for output_index, output in enumerate(outputs):
        numerical = _numerical(func, tensors, checked, output_index, eps)
        analytical = _analytical(grad, output, checked)
        for input_index, (left, right) in enumerate(zip(analytical, numerical, strict=True)):
            if not np.allclose(left, right, rtol, atol, equal_nan=True):
                if not raise_exception:
                    return False
                raise GradcheckError(
                    f"Jacobian mismatch for output {output_index} with respect to input "
                    f"{input_index},\nnumerical:{_shown(right)}\nanalytical:{_shown(left)}\n"
                )
    return True


def _shown(array: np.ndarray) -> Any:
    from .._tensor.constructors import tensor

    return tensor(array)


def _directions(tensor: Any) -> list[complex]:
    return [1.0, 1j] if tensor.dtype.is_complex else [1.0]


def _numerical(
    func: Callable, tensors: tuple, checked: Sequence[Any], output_index: int, eps: float
) -> list[np.ndarray]:
    """Return the Jacobian by central differences, ``(input elements, output elements)``."""
    from .._tensor.constructors import tensor as make
    from .grad_mode import no_grad

    def evaluate(replaced: Any, array: np.ndarray) -> np.ndarray:
        arguments = [
            make(array, dtype=t.dtype, device=t.device).requires_grad_(True) if t is replaced else t
            for t in tensors
        ]
        outputs = _outputs(func(*arguments))
        with no_grad():
            return np.array(outputs[output_index].detach().cpu().numpy())

    jacobians = []
    for tensor in checked:
        start = np.array(tensor.detach().cpu().numpy())
        rows = []
        for position in range(start.size):
            parts = []
            for direction in _directions(tensor):
                shifted = []
                for sign in (1, -1):
                    array = start.copy()
                    array.reshape(-1)[position] += sign * eps * direction
                    shifted.append(evaluate(tensor, array))
                parts.append((shifted[0] - shifted[1]).reshape(-1) / (2 * eps))
            rows.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
        jacobians.append(np.array(rows).reshape(start.size, -1))
    return jacobians


def _analytical(grad: Callable, output: Any, checked: Sequence[Any]) -> list[np.ndarray]:
    """Return the Jacobian by reverse mode, one output element at a time."""
    from .._tensor.constructors import tensor as make

    columns: list[list[np.ndarray]] = [[] for _ in checked]
    shape = tuple(output.shape)
    directions = _directions(output)
    for position in range(output.numel()):
        found_by_direction = []
        for direction in directions:
            weights = np.zeros(shape, output.dtype._numpy)
            weights.reshape(-1)[position] = direction
            found_by_direction.append(
                grad(
                    output,
                    tuple(checked),
                    make(weights, dtype=output.dtype, device=output.device),
                    retain_graph=True,
                    allow_unused=True,
                )
            )
        for index, tensor in enumerate(checked):
            gradients = []
            for found in found_by_direction:
                value = found[index]
                gradients.append(
                    np.zeros(tensor.numel(), tensor.dtype._numpy)
                    if value is None
                    else np.array(value.detach().cpu().numpy()).reshape(-1)
                )
            columns[index].append(_real_jacobian(gradients, tensor.dtype.is_complex))
    return [
        np.stack(column, axis=1) if column else np.zeros((tensor.numel(), 0))
        for column, tensor in zip(columns, checked, strict=True)
    ]


def _real_jacobian(gradients: list[np.ndarray], complex_input: bool) -> np.ndarray:
    """Return what central differences give: derivatives by the input's real and imaginary parts."""
    if len(gradients) == 1:
        gradient = gradients[0]
        if not complex_input:
            return gradient
        return np.concatenate([gradient.real, gradient.imag])
    by_real, by_imaginary = gradients
    if not complex_input:
        return by_real + 1j * by_imaginary
    return np.concatenate(
        [by_real.real + 1j * by_imaginary.real, by_real.imag + 1j * by_imaginary.imag]
    )


def gradgradcheck(
    func: Callable,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    **accepted: Any,
) -> bool:
    """Compare the gradients of a function's gradients with central differences.

    Args:
        func, inputs: as for ``gradcheck``.
        grad_outputs: gradients of the outputs; random ones unless given.
        eps, atol, rtol, raise_exception: as for ``gradcheck``.
        gen_non_contig_grad_outputs, nondet_tol: accepted.
    Returns:
        Whether all second gradients agree.

    Raises:
        GradcheckError: they do not, and ``raise_exception`` is set.
    """
    from . import grad

    tensors = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    outputs = _outputs(func(*tensors))
    if grad_outputs is None:
        random = np.random.RandomState(0)
        weights = tuple([_random_like(output, random) for output in outputs])
    else:
        given = grad_outputs if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,)
        weights = tuple(given)
    count = len(weights)

    def first(*arguments: Any) -> Any:
        inputs, own_weights = arguments[:-count], arguments[-count:]
        wanted = tuple([a for a in inputs if is_tensor(a) and a.requires_grad])
        gradients = grad(
            _outputs(func(*inputs)), wanted, own_weights, create_graph=True, allow_unused=True
        )
        return tuple([g for g in gradients if g is not None])

    return gradcheck(
        first,
        tensors + weights,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
    )


def _random_like(output: Any, random: np.random.RandomState) -> Any:
    from .._tensor.constructors import tensor

    array = random.standard_normal(tuple(output.shape))
    if output.dtype.is_complex:
        array = array + 1j * random.standard_normal(tuple(output.shape))
    return tensor(array, dtype=output.dtype, requires_grad=True)


__getattr__ = _absent.attributes(__name__)
