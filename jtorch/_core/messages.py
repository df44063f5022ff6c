"""Every message that a user can see and that no schema makes: PyTorch's words, by name."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence


def device_mismatch(devices: Iterable[object], op: str) -> RuntimeError:
    """Operands of one operator live on different devices."""
    first, second, *_ = sorted(map(str, devices), reverse=True)
    if first == "meta":
        return RuntimeError(f"Tensor on device {second} is not on the expected device meta!")
    return RuntimeError(
        "Expected all tensors to be on the same device, but found at least two devices, "
        f"{first} and {second}!"
    )


def size_mismatch(a: int, b: int, dim: int) -> RuntimeError:
    """Two operands do not broadcast."""
    return RuntimeError(
        f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton "
        f"dimension {dim}"
    )


def cannot_cast_result(source: str, target: str) -> RuntimeError:
    """An in-place operator's result does not fit the tensor's dtype."""
    return RuntimeError(f"result type {source} can't be cast to the desired output type {target}")


def inplace_shape(shape: Sequence[int], broadcast: Sequence[int]) -> RuntimeError:
    """An in-place operator's result is larger than the tensor."""
    return RuntimeError(
        f"output with shape {list(shape)} doesn't match the broadcast shape {list(broadcast)}"
    )


def leaf_inplace() -> RuntimeError:
    """A leaf that requires grad is written in place."""
    return RuntimeError(
        "a leaf Variable that requires grad is being used in an in-place operation."
    )


def leaf_view_inplace() -> RuntimeError:
    """A view of such a leaf is written in place."""
    return RuntimeError(
        "a view of a leaf Variable that requires grad is being used in an in-place operation."
    )


def dim_out_of_range(dim: int, ndim: int) -> IndexError:
    """A dimension does not exist."""
    bound = max(ndim, 1)
    return IndexError(
        f"Dimension out of range (expected to be in range of [{-bound}, {bound - 1}], "
        f"but got {dim})"
    )


def no_such_dim(dim: int, ndim: int) -> IndexError:
    """A dimension asked for by ``size`` or ``stride``, where no dimensions are not one."""
    if ndim == 0:
        return IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return dim_out_of_range(dim, ndim)


def backward_twice() -> RuntimeError:
    """The values that a gradient needs were freed."""
    return RuntimeError(
        "Trying to backward through the graph a second time (or directly access saved tensors "
        "after they have already been freed). Saved intermediate values of the graph are freed "
        "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
        "backward through the graph a second time or if you need to access saved tensors after "
        "calling backward."
    )


def not_scalar_backward() -> RuntimeError:
    """``backward()`` without ``gradient`` on something that is no scalar."""
    return RuntimeError("grad can be implicitly created only for scalar outputs")


def no_grad_fn(index: int = 0) -> RuntimeError:
    """``backward()`` of something that nothing requires grad of."""
    return RuntimeError(
        f"element {index} of tensors does not require grad and does not have a grad_fn"
    )


def modified_inplace(type_name: str, shape: Sequence[int], where: str, now: int, then: int):
    """A value that a gradient needs was overwritten."""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [{type_name} {list(shape)}]{where} is at version {now}; expected version "
        f"{then} instead. Hint: enable anomaly detection to find the operation that failed to "
        "compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def bool_subtraction() -> RuntimeError:
    """``-`` of bool tensors."""
    return RuntimeError(
        "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
        "`logical_xor()` operator instead."
    )


def permute_length(ndim: int, given: int) -> RuntimeError:
    """``permute`` names too many or too few dimensions."""
    return RuntimeError(
        "permute(sparse_coo): number of dimensions in the tensor input does not match the length "
        f"of the desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to "
        f"len(dims) = {given}"
    )


def expand_fewer(
    size: Sequence[int], shape: Sequence[int], ndim: int, type_name: str
) -> RuntimeError:
    """``expand`` to fewer dimensions."""
    return RuntimeError(
        f"expand(torch.{type_name}Tensor{{{list(shape)}}}, size={list(size)}): the number of sizes "
        f"provided ({len(size)}) must be greater or equal to the number of dimensions in the "
        f"tensor ({ndim})"
    )


def expand_leading(size: int, dim: int) -> RuntimeError:
    """``expand`` with -1 for a dimension that does not exist yet."""
    return RuntimeError(
        f"The expanded size of the tensor ({size}) isn't allowed in a leading, non-existing "
        f"dimension {dim}"
    )


def expand_mismatch(
    wanted: int, own: int, dim: int, size: Sequence[int], shape: Sequence[int]
) -> RuntimeError:
    """``expand`` of a dimension that is not 1."""
    return RuntimeError(
        f"The expanded size of the tensor ({wanted}) must match the existing size ({own}) at "
        f"non-singleton dimension {dim}.  Target sizes: {list(size)}.  Tensor sizes: "
        f"{list(shape)}"
    )


def not_a_leaf_flag() -> RuntimeError:
    """``requires_grad`` of a result is switched off."""
    return RuntimeError(
        "you can only change requires_grad flags of leaf variables. If you want to use a computed "
        "variable in a subgraph that doesn't require differentiation use var_no_grad = "
        "var.detach()."
    )


def integer_requires_grad_flag() -> RuntimeError:
    """``requires_grad_()`` of a dtype that has no gradients."""
    return RuntimeError("only Tensors of floating point dtype can require gradients")


def integer_requires_grad() -> RuntimeError:
    """Gradients of a dtype that has none."""
    return RuntimeError("Only Tensors of floating point and complex dtype can require gradients")


def out_requires_grad(name: str) -> RuntimeError:
    """``out=`` where something requires grad."""
    return RuntimeError(
        f"{name}(): functions with out=... arguments don't support automatic differentiation, but "
        "one of the arguments requires grad."
    )


def warn_out_resized(before: Sequence[int], after: Sequence[int]) -> None:
    """``out=`` of another size that was not empty."""
    warnings.warn(
        f"An output with one or more elements was resized since it had shape {list(before)}, which "
        f"does not match the required output shape {list(after)}. This behavior is deprecated, and "
        "in a future PyTorch release outputs will not be resized unless they have zero elements. "
        "You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with "
        "t.resize_(0).",
        UserWarning,
        stacklevel=4,
    )


def nan_in_backward(node_name: str, output: int) -> RuntimeError:
    """A gradient is NaN in anomaly mode."""
    return RuntimeError(f"Function '{node_name}' returned nan values in its {output}th output.")


def hook_changed_size(before: Sequence[int], after: Sequence[int]) -> RuntimeError:
    """A hook returned a gradient of another shape."""
    return RuntimeError("hook has changed the size of value")


def not_real_backward(dtype: object) -> RuntimeError:
    """``backward()`` without ``gradient`` of something complex."""
    return RuntimeError(
        f"grad can be implicitly created only for real scalar outputs but got {dtype}"
    )


def cotangent_shape(index: int, given: object, expected: object) -> RuntimeError:
    """A gradient does not have the shape of its output."""
    return RuntimeError(
        f"Mismatch in shape: grad_output[{index}] has a shape of {given} and output[{index}] has "
        f"a shape of {expected}."
    )


def cotangent_complex(index: int, given: object, expected: object) -> RuntimeError:
    """A gradient is complex where its output is not, or the other way round."""
    return RuntimeError(
        "For complex Tensors, both grad_output and output are required to have the same dtype. "
        f"Mismatch in dtype: grad_output[{index}] has a dtype of {given} and output[{index}] has "
        f"a dtype of {expected}."
    )


def input_without_grad(index: int) -> RuntimeError:
    """A gradient is wanted of something that has none."""
    return RuntimeError("One of the differentiated Tensors does not require grad")


def unused_input(index: int) -> RuntimeError:
    """A gradient is wanted of something that the outputs do not depend on."""
    return RuntimeError(
        f"The differentiated Tensor at index {index} appears to not have been used in the graph. "
        "Set allow_unused=True if this is the desired behavior."
    )


def wrong_gradient_count(name: str, expected: int, got: int) -> RuntimeError:
    """A Python function's backward returned too many or too few gradients."""
    return RuntimeError(
        f"function {name} returned an incorrect number of gradients (expected {expected}, got "
        f"{got})"
    )


def not_a_tensor(method: str, value: object) -> TypeError:
    """A method of tensors, called with something else for ``self``."""
    return TypeError(
        f"descriptor '{method}' for 'torch._C.TensorBase' objects doesn't apply to a "
        f"'{type(value).__name__}' object"
    )


def invalid_shape(shape: Sequence[int], numel: int) -> RuntimeError:
    return RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")


def invalid_gradient(
    name: str, index: int, given: Sequence[int], wanted: Sequence[int]
) -> RuntimeError:
    return RuntimeError(
        f"Function {name} returned an invalid gradient at index {index} - got {list(given)} but "
        f"expected shape compatible with {list(wanted)}"
    )


def complex_gradient() -> RuntimeError:
    return RuntimeError(
        "Expected isFloatingType(grad.scalar_type()) || (input_is_complex == grad_is_complex) to "
        "be true, but got false.  (Could this error message be improved?  If so, please report an "
        "enhancement request to PyTorch.)"
    )
