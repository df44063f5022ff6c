"""Every message that a user can see and that no schema makes: PyTorch's words, by name."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any


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


def cannot_retain_grad() -> RuntimeError:
    """A gradient is to be kept at a tensor that has none."""
    return RuntimeError("can't retain_grad on Tensor that has requires_grad=False")


def leaf_inplace() -> RuntimeError:
    """A leaf that requires grad is written in place."""
    return RuntimeError(
        "a leaf Variable that requires grad is being used in an in-place operation."
    )


def leaf_marked_dirty() -> RuntimeError:
    """A Python function wrote to a leaf that requires grad."""
    return RuntimeError(
        "a leaf Variable that requires grad has been used in an in-place operation."
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


def modified_inplace(
    type_name: str, shape: Sequence[int], where: str, now: int, then: int
) -> RuntimeError:
    """A value that a gradient needs was overwritten."""
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [{type_name} {list(shape)}]{where} is at version {now}; expected version "
        f"{then} instead. Hint: enable anomaly detection to find the operation that failed to "
        "compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def bool_mixed_subtraction() -> RuntimeError:
    """``-`` of a bool tensor and something else."""
    return RuntimeError(
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to "
        "invert a mask, use the `~` or `logical_not()` operator instead."
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


def hook_changed_size(name: str) -> RuntimeError:
    """A hook returned a gradient of another shape."""
    return RuntimeError(f"hook '{name}' has changed the size of value")


def hook_changed_type(name: str, before: str, after: str) -> RuntimeError:
    """A hook returned a gradient of another dtype."""
    return RuntimeError(
        f"hook '{name}' has changed the type of value (was torch.{before}Tensor got "
        f"torch.{after}Tensor)"
    )


def hook_gave_no_tensor(value: Any) -> TypeError:
    """A hook returned neither a tensor nor ``None``."""
    return TypeError(f"expected Variable, but hook returned '{type(value).__name__}'")


def unpacked_no_tensor(value: Any) -> TypeError:
    """A hook that unpacks saved tensors returned something else."""
    return TypeError(
        "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
        f"{type(value).__name__}"
    )


def packed_in_place() -> RuntimeError:
    """A hook that packs saved tensors wrote to one."""
    return RuntimeError(
        "A saved tensor pack hook is modifying its input in place. Tensors provided as input to "
        "pack hook cannot be modified by in-place operations as this can lead to unexpected "
        "side-effects. Please open an issue if you need to perform in-place operations on the "
        "input to a pack hook."
    )


def hook_gave_other_number(name: str, found: int, wanted: int) -> RuntimeError:
    """A hook on a node returned too many gradients, or too few."""
    return RuntimeError(
        f"hook '{name}' has returned an incorrect number of values (got {found}, but expected "
        f"{wanted})"
    )


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


def view_inplace(
    mode: str | None,
    several: bool,
    output: int,
    node_name: str,
    derived: bool,
    custom: bool = False,
    outdated: bool = False,
) -> RuntimeError:
    """A view that autograd cannot follow a write to is written in place; see ``views.Remark``."""
    what = "is being modified inplace"
    if outdated:
        what = "its base or another view of its base has been modified inplace"
    now = "in normal mode" if mode == "inference" else "with grad mode enabled"
    if mode is not None and derived:
        name = node_name.removesuffix("0").removesuffix("Backward")
        text = (
            f"Output {output} of {name} is a view of a view which was created in {mode} mode and "
            f"{what} {now}."
        )
    elif mode is not None:
        text = f"A view was created in {mode} mode and {what} {now}."
    else:
        name = node_name.removesuffix("0").removesuffix("Backward")
        text = f"Output {output} of {name} is a view and {what}."
    if custom:
        text += (
            " This view was created inside a custom Function (or because an input was returned "
            "as-is) and the autograd logic to handle view+inplace would override the custom "
            "backward associated with the custom Function, leading to incorrect gradients. This "
            "behavior is forbidden. You can fix this by cloning the output of the custom Function."
        )
    elif several:
        text += (
            " This view is the output of a function that returns multiple views. Such functions "
            "do not allow the output views to be modified inplace. You should replace the inplace "
            "operation by an out-of-place one."
        )
    else:
        block = "inference_mode" if mode == "inference" else mode
        text += (
            " Given that this use case is ambiguous and error-prone, it is forbidden. You can "
            "clarify your code by moving both the view and the inplace either both inside the "
            f"{block} block (if you don't want the inplace to be tracked) or both outside (if you "
            "want the inplace to be tracked)."
        )
    return RuntimeError(text)


def overlapping_write() -> RuntimeError:
    """Several elements of a tensor that is written lie at one place."""
    return RuntimeError(
        "unsupported operation: more than one element of the written-to tensor refers to a single "
        "memory location. Please clone() the tensor before performing the operation."
    )


def partly_overlapping() -> RuntimeError:
    """A tensor that is written shares some of its memory with an operand."""
    return RuntimeError(
        "unsupported operation: some elements of the input tensor and the written-to tensor refer "
        "to a single memory location. Please clone() the tensor before performing the operation."
    )


_META_KERNELS = {"unique": "_unique2", "histogram": "histogram.bin_ct"}


def no_meta_kernel(name: str) -> Exception:
    """A function whose result depends on elements, of a tensor on the meta device."""
    if name in ("nonzero", "mask"):
        return NotImplementedError(
            "The register_meta function for torch.nonzero() raises unimplemented by default, as a "
            "correct data-independent implementation does not exist. This implementation returns "
            "a fake value, assuming all elements of the tensor are non-zero. To enable this "
            "registration, please set 'torch.fx.experimental._config.meta_nonzero_assume_all_"
            "nonzero' to True."
        )
    if name in ("item", "one_hot", "allclose"):
        return RuntimeError("Tensor.item() cannot be called on meta tensors")
    if name == "repeat_interleave":
        return RuntimeError("cannot repeat_interleave a meta tensor without output_size")
    return NotImplementedError(
        f"aten::{_META_KERNELS.get(name, name)}: attempted to run this operator with Meta "
        "tensors, but there was no fake impl or Meta kernel registered. You may have run into "
        "this message while using an operator with PT2 compilation APIs (torch.compile/"
        "torch.export); in order to use this operator with those APIs you'll need to add a fake "
        "impl. Please see the following for next steps:  "
        "https://pytorch.org/tutorials/advanced/custom_ops_landing_page.html"
    )


def not_implemented(kernel: str, type_name: str) -> NotImplementedError:
    """PyTorch has no kernel for a dtype."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{type_name}'")


def type_name(meta: Any) -> str:
    """Return PyTorch's older name of a dtype, ``Float``."""
    return meta.dtype._legacy_name


def mm_shapes(left: Sequence[int], right: Sequence[int]) -> RuntimeError:
    """The inner sizes of two matrices differ."""
    return RuntimeError(
        f"mat1 and mat2 shapes cannot be multiplied ({left[0]}x{left[1]} and {right[0]}x{right[1]})"
    )


def clamp_of_complex() -> NotImplementedError:
    """``clamp`` of complex numbers."""
    return NotImplementedError("clamp is not supported for complex types")


def overflow(c_type: str) -> RuntimeError:
    """A number does not fit the dtype that it is converted to."""
    return RuntimeError(f"value cannot be converted to type {c_type} without overflow")


def no_derivative(name: str) -> NotImplementedError:
    """The gradient of an operand for which an operator has none."""
    return NotImplementedError(f"the derivative for '{name}' is not implemented.")


def no_complex_gradient(name: str) -> RuntimeError:
    """An operator that is differentiable for real numbers only."""
    return RuntimeError(
        f"{name} does not support automatic differentiation for outputs with complex dtype."
    )


def pinned() -> RuntimeError:
    """``pin_memory=True`` without an accelerator."""
    return RuntimeError(
        "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator "
        "is available on this system."
    )


def negative_dimension(size: Sequence[int]) -> RuntimeError:
    """A negative size, in the words of what allocates memory."""
    bad = next(n for n in size if n < 0)
    return RuntimeError(f"Trying to create tensor with negative dimension {bad}: {list(size)}")


def out_dtype(dtype: str, out: str) -> RuntimeError:
    """``dtype=`` is not that of ``out=``."""
    return RuntimeError(f"dtype {dtype} does not match dtype of out parameter ({out})")


def no_cuda() -> AssertionError:
    """CUDA is asked of a build that has none."""
    return AssertionError("Torch not compiled with CUDA enabled")


def no_accelerator() -> RuntimeError:
    """A bare ordinal number names a device of an accelerator that is not there."""
    return RuntimeError("Cannot access accelerator device when none is available.")


def bad_ordinal() -> RuntimeError:
    """A GPU of a number that does not exist."""
    return RuntimeError(
        "CUDA error: invalid device ordinal\nGPU device may be out of range, do you have enough "
        "GPUs?\nCUDA kernel errors might be asynchronously reported at some other API call, so the "
        "stacktrace below might be incorrect.\nFor debugging consider passing "
        "CUDA_LAUNCH_BLOCKING=1\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side "
        "assertions.\n"
    )


def index_out_of_bounds(index: int, dim: int, size: int) -> IndexError:
    """An index does not exist."""
    return IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")


def value_does_not_fit(value: Sequence[int], result: Sequence[int]) -> RuntimeError:
    """A value does not broadcast to what it is assigned to."""
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(value)} cannot be broadcast to indexing "
        f"result of shape {list(result)}"
    )


def output_dtype(given: str, expected: str) -> RuntimeError:
    """An ``out`` of another precision, where the conjugate is written to it."""
    return RuntimeError(f"Found dtype {given} but expected {expected}")


def repeated_dim(dim: int) -> RuntimeError:
    """A dimension is named twice."""
    return RuntimeError(f"dim {dim} appears multiple times in the list of dims")


def no_gradient_of(type_name: str) -> RuntimeError:
    """A result that requires grad has a dtype without gradients."""
    return RuntimeError(f"Autograd not support dtype: {type_name}")


def empty_dim(name: str, dim: int) -> IndexError:
    """An extremum over a dimension of size 0."""
    return IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")


def norm_of_integers(type_name: str) -> RuntimeError:
    """A norm of something that is neither floating point nor complex."""
    return RuntimeError(
        f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {type_name}"
    )


def too_many_dimensions() -> RuntimeError:
    """A reduction of a tensor with more dimensions than PyTorch counts."""
    return RuntimeError("only tensors with up to 64 dims are supported")


def inference_inplace() -> RuntimeError:
    """An inference tensor is overwritten outside ``inference_mode``."""
    return RuntimeError(
        "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a "
        "clone to get a normal tensor before doing inplace update.See "
        "https://github.com/pytorch/rfcs/pull/17 for more details."
    )


def inference_saved() -> RuntimeError:
    """A gradient needs an inference tensor."""
    return RuntimeError(
        "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
        "inference mode in computation tracked by autograd. To work around this, you can make a "
        "clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
        "`torch.inference_mode()`."
    )


def inference_requires_grad() -> RuntimeError:
    """An inference tensor is made to require grad outside ``inference_mode``."""
    return RuntimeError(
        "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
    )


def inference_version() -> RuntimeError:
    """The version of an inference tensor is asked for."""
    return RuntimeError("Inference tensors do not track version counter.")
