"""What transforms of functions (``torch.func``) say when they cannot go on."""

from __future__ import annotations

_FILE_AN_ISSUE = (
    "Please file an issue at https://github.com/pytorch/pytorch/issues if you need this feature."
)
_ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling "
    ".item() on a Tensor, please try to rewrite what you're doing with other operations. If error "
    "is occurring somewhere inside PyTorch internals, please file a bug report."
)
_DYNAMIC = (
    "vmap: We do not support batching operators that can output dynamic shape. Attempted to vmap "
    f"over aten::{{}}. {_FILE_AN_ISSUE}"
)
_NO_STORAGE = "Cannot access data pointer of Tensor that doesn't have storage"

#: What PyTorch says where a slice of ``vmap`` is looked at, by what looks at it.
_LOOKS = {
    "bool": "vmap: It looks like you're attempting to use a Tensor in some data-dependent control "
    "flow. We don't support that yet, please file an issue at "
    "https://github.com/pytorch/pytorch/issues .",
    "tolist": _NO_STORAGE,
    "numpy": _NO_STORAGE,
    "nonzero": _DYNAMIC.format("nonzero"),
    "unique": _DYNAMIC.format("_unique2"),
    "unique_consecutive": _DYNAMIC.format("unique_consecutive"),
    "index": "vmap: We do not support batching operators that can support dynamic shape. "
    "Attempting to batch over indexing with a boolean mask.",
    "mask": "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot "
    "support this because for each batch this would return a differently shaped Tensor. "
    + _FILE_AN_ISSUE,
    "allclose": f"vmap over torch.allclose isn't supported yet. {_FILE_AN_ISSUE}",
    "equal": "Batching rule not implemented for aten::equal. We could not generate a fallback.",
}


def two_devices() -> NotImplementedError:
    """A function under a transform computes on two devices."""
    return NotImplementedError(
        "jtorch transforms functions as programs of one device, and this one computes on two"
    )


def looked_at(reason: str) -> RuntimeError:
    """A function under ``vmap`` looked at a slice."""
    return RuntimeError(_LOOKS.get(reason, _ITEM))


def escaped() -> RuntimeError:
    """A slice of ``vmap`` is used outside."""
    return RuntimeError(
        "Either your tensor may have escaped from inside a function being vmapped and this is a "
        "user error (see https://pytorch.org/functorch/stable/ux_limitations.html), or there is an "
        "internal functorch error in `gen_vmap_plumbing` Please file an issue if it looks like the "
        "latter"
    )


def random_of_slices() -> RuntimeError:
    """Numbers are drawn for slices under ``vmap(randomness="same")``."""
    return RuntimeError(
        "Vmap does not currently support same randomness with a batched tensor input. Please file "
        "an issue with functorch"
    )


def random_write_to_unbatched() -> RuntimeError:
    """Numbers for each slice are drawn into a tensor that has none."""
    return RuntimeError(
        "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will "
        "appear like same randomness. If this is necessary for your usage, please file an issue "
        "with functorch."
    )


def random_in_error_mode() -> RuntimeError:
    """Random numbers are drawn under ``vmap(randomness="error")``."""
    return RuntimeError(
        "vmap: called random operation while in randomness error mode. Please either use the "
        "'same' or 'different' randomness flags on vmap or perform the randomness operation out "
        "of vmap"
    )


#: In-place operators as this message names them; it names the others ``aten::pow_``.
_ARITHMETIC = frozenset(
    (
        *("add_", "sub_", "mul_", "div_", "copy_", "logical_and_", "logical_or_", "logical_xor_"),
        *("masked_fill_", "true_divide_", "_fill_with_tensor_"),
    )
)
_WITHOUT_NAMESPACE = frozenset(("fill_", "index_add_", "index_fill_", "index_put_"))


def write_to_unbatched(name: str) -> RuntimeError:
    """``vmap`` of a write of slices to a tensor that has none.

    Args:
        name: of the in-place operator.
    """
    what = f"aten::{name}"
    if name in _ARITHMETIC:
        what = "inplace arithmetic"
    elif name in _WITHOUT_NAMESPACE:
        what = name
    return RuntimeError(
        f"vmap: {what}(self, *extra_args) is not possible because there exists a "
        "Tensor `other` in extra_args that has more elements than `self`. This happened due to "
        "`other` being vmapped over but `self` not being vmapped over in a vmap. Please try to "
        f"use out-of-place operators instead of {what}. If said operator is being "
        "called inside the PyTorch framework, please file a bug report instead."
    )


def function_in_transform() -> RuntimeError:
    """A transform meets a Python function that saves in ``forward``."""
    return RuntimeError(
        "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, "
        "...), it must override the setup_context staticmethod. For more details, please see "
        "https://pytorch.org/docs/main/notes/extending.func.html"
    )


def requires_grad_in_transform() -> RuntimeError:
    """A function that is transformed calls ``requires_grad_()``."""
    return RuntimeError(
        "You are attempting to call Tensor.requires_grad_() (or perhaps using "
        "torch.autograd.functional.* APIs) inside of a function being transformed by a functorch "
        "transform. This is unsupported, please attempt to use the functorch transforms (e.g. "
        "grad, vjp, jacrev, jacfwd, hessian) or call requires_grad_() outside of a function being "
        "transformed instead."
    )


def backward_in_transform() -> RuntimeError:
    """A function that is transformed calls ``backward()``."""
    return RuntimeError(
        "backward() called inside a functorch transform. This is not supported, please use "
        "functorch.grad or functorch.vjp instead or call backward() outside of functorch "
        "transforms."
    )


def hooks_on_freed_tensor() -> RuntimeError:
    """Hooks are set for a saved tensor that was freed."""
    return RuntimeError(
        "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate "
        "values of the graph are freed when you call .backward() or autograd.grad(). Specify "
        "retain_graph=True if you need to backward through the graph a second time or if you need "
        "to access saved variables after calling backward."
    )


def hooks_on_no_tensor() -> RuntimeError:
    """Hooks are set where nothing was saved."""
    return RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")


def hooks_on_hooked_tensor() -> RuntimeError:
    """Hooks are set for a saved tensor a second time."""
    return RuntimeError(
        "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only "
        "one pair of hooks is allowed at a time."
    )
