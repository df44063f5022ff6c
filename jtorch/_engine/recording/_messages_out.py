"""What operators say about a tensor given as ``out`` whose dtype is not that of the result.

Most of PyTorch's operators cast the result where that is safe. Those listed here insist on the
dtype, each group in words of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from ..._core.dtypes import dtype as DType

#: C++ names of the dtypes, which some messages show.
_CPP_NAMES = {
    "Byte": "unsigned char",
    "Char": "signed char",
    "Short": "short int",
    "Int": "int",
    "Long": "long int",
    "Half": "c10::Half",
    "Float": "float",
    "Double": "double",
    "ComplexHalf": "c10::complex<c10::Half>",
    "ComplexFloat": "c10::complex<float>",
    "ComplexDouble": "c10::complex<double>",
    "Bool": "bool",
    "BFloat16": "c10::BFloat16",
}

_Words = Callable[[str, DType, DType], Exception]


def _cpp(dtype: DType) -> str:
    name = dtype._legacy_name
    return _CPP_NAMES.get(name, name)


def _expected_cpp(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"Expected out tensor to have dtype {_cpp(result)}, but got {_cpp(out)} instead"
    )


def _found(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"Found dtype {out._legacy_name} but expected {result._legacy_name}")


def _cat(name: str, result: DType, out: DType) -> Exception:
    return TypeError(
        "torch.cat(): input types can't be cast to the desired output type " + out._legacy_name
    )


def _expected_scalar_type(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"expected scalar_type {result._legacy_name} but found {out._legacy_name}")


def _does_not_match(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"result dtype {out._legacy_name} does not match input dtype {result._legacy_name}"
    )


def _tensordot(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"tensordot: Expected the output tensor to have dtype {result._legacy_name}, but got an "
        f"output tensor with dtype {out._legacy_name}"
    )


def _only_bool(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"{name} only supports bool tensor for result, got: {out._legacy_name}")


def _no_other_than_bool(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"{name} does not support non-boolean outputs.")


def _same_scalar_type(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"{name}(): self and result must have the same scalar type")


def _quantile(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError("quantile() out tensor must be same dtype as the input tensor")


def _extremum(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        "Expected the dtype for input and out to match, but got "
        f"{result._legacy_name} for input's dtype and {out._legacy_name} for out's dtype."
    )


def _nansum(name: str, result: DType, out: DType) -> Exception:
    return NotImplementedError(f"\"nansum_cpu\" not implemented for '{out._legacy_name}'")


def _argument_out(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"Expected object of scalar type {result._legacy_name} but got scalar type "
        f"{out._legacy_name} for argument 'out'"
    )


def _search(name: str, result: DType, out: DType) -> Exception:
    flag = "True" if result._legacy_name == "Int" else "False"
    return RuntimeError(
        "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or "
        "Long(int64) depending on whether out_int32 flag is True, but we got output tensor's dtype "
        f"{out._legacy_name} and out_int32 flag is {flag}"
    )


_INSISTENT: dict[str, _Words] = {
    **dict.fromkeys(
        (
            "addmm", "baddbmm", "bmm", "mm", "cross", "softmax", "log_softmax", "aminmax", "topk",
            "sort", "msort", "gather", "index_copy", "index_add", "index_reduce", "scatter",
            "scatter_add", "scatter_reduce", "renorm", "take_along_dim", "tril", "triu", "argmax",
            "argmin", "isin", "slice_scatter", "norm", "addmv", "max", "min", "lu_unpack",
            "lu_solve", "alias_copy", "as_strided_copy", "diagonal_copy", "expand_copy",
            "permute_copy", "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy",
            "squeeze_copy", "t_copy", "transpose_copy", "unbind_copy", "unfold_copy",
            "unsqueeze_copy", "view_copy", "detach_copy", "as_strided_scatter",
            "view_as_real_copy", "view_as_complex_copy",
        ),
        _expected_cpp,
    ),
    **dict.fromkeys(
        (
            "abs", "absolute", "bitwise_not", "ceil", "conj_physical", "frac", "floor", "neg",
            "negative", "round", "sign", "sgn", "trunc", "fix",
        ),
        _found,
    ),
    **dict.fromkeys(
        (
            "cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "column_stack",
            "row_stack", "_chunk_cat",
        ),
        _cat,
    ),
    **dict.fromkeys(("cummax", "cummin", "diff", "logcumsumexp"), _expected_scalar_type),
    **dict.fromkeys(("dot", "vdot", "matmul"), _does_not_match),
    **dict.fromkeys(("tensordot", "inner"), _tensordot),
    **dict.fromkeys(("all", "any"), _only_bool),
    **dict.fromkeys(("signbit", "isposinf", "isneginf"), _no_other_than_bool),
    **dict.fromkeys(("masked_select", "index_select"), _same_scalar_type),
    **dict.fromkeys(("quantile", "nanquantile"), _quantile),
    **dict.fromkeys(("amax", "amin"), _extremum),
    **dict.fromkeys(("complex", "polar"), _argument_out),
    **dict.fromkeys(("bucketize", "searchsorted"), _search),
    "take": lambda name, result, out: RuntimeError(
        "take(): self and out expected to have the same dtype, but got self.dtype = "
        f"{result._legacy_name} and out.dtype = {out._legacy_name}"
    ),
    "kthvalue": lambda name, result, out: RuntimeError(
        "output values must be of same type as input"
    ),
    "mode": lambda name, result, out: RuntimeError(
        f"expected scalar type '{result._legacy_name}' but got '{out._legacy_name}' for values "
        "output"
    ),
    "multinomial": lambda name, result, out: RuntimeError(
        f"multinomial expects Long tensor out, got: {out._legacy_name}"
    ),
    "nonzero": lambda name, result, out: RuntimeError(
        "nonzero: Expected out tensor to have scalar type Long but got scalar type"
        + out._legacy_name
    ),
    "hash_tensor": lambda name, result, out: RuntimeError(
        f"Expected result to be of dtype uint64, but got {out._legacy_name}"
    ),
    "nan_to_num": lambda name, result, out: RuntimeError(
        f"nan_to_num: dtype of out: {out._legacy_name} should be same as input: "
        f"{result._legacy_name}"
    ),
    "heaviside": lambda name, result, out: RuntimeError(
        "heaviside is not yet implemented for tensors with different dtypes."
    ),
    "float_power": lambda name, result, out: RuntimeError(
        f"the output given to float_power has dtype {out._legacy_name} but the operation's result "
        f"requires dtype {result._legacy_name}"
    ),
    "where": lambda name, result, out: RuntimeError(
        f"Expected out type to be {result._legacy_name} but got {out._legacy_name}"
    ),
    "mv": lambda name, result, out: RuntimeError(
        f"addmv input tensors must have the same dtype, but got {out._legacy_name}, "
        f"{result._legacy_name}, and {result._legacy_name}"
    ),
    "addbmm": lambda name, result, out: RuntimeError(
        f"self and mat2 must have the same dtype, but got {out._legacy_name} and "
        f"{result._legacy_name}"
    ),
    "narrow_copy": lambda name, result, out: RuntimeError(
        "Expected self.dtype() == output.dtype() to be true, but got false.  (Could this error "
        "message be improved?  If so, please report an enhancement request to PyTorch.)"
    ),
}  # fmt: skip
#: Those that refuse only what no result can be cast to.
_UNCASTABLE: dict[str, _Words] = {
    **dict.fromkeys(("nansum", "nanmean"), _nansum),
    "mean": lambda name, result, out: RuntimeError(
        "mean.dtype_out(): input types can't be cast to the desired output type " + out._legacy_name
    ),
    "logsumexp": lambda name, result, out: RuntimeError(
        f"logsumexp(): Expected floating point type for result tensor, but got: {out._legacy_name}"
    ),
    "ldexp": lambda name, result, out: RuntimeError(
        f"ldexp can't be cast to the desired output type {out._legacy_name}"
    ),
    "normal": lambda name, result, out: NotImplementedError(
        f"\"normal_kernel_cpu\" not implemented for '{out._legacy_name}'"
    ),
}
#: Those that take any dtype for ``out``.
ANY_DTYPE = frozenset(("bernoulli",))


def out_dtype_error(name: str, result: DType, out: DType, castable: bool) -> Exception | None:
    """Return what PyTorch raises where a result of one dtype is to be written to another.

    Args:
        name: the operator.
        result, out: the dtypes, which differ.
        castable: whether the one can be cast to the other by the general rule.
    Returns:
        The exception; None where the general rule decides.
    """
    words = _INSISTENT.get(name)
    if words is None and not castable:
        words = _UNCASTABLE.get(name)
    return None if words is None else words(name, result, out)
