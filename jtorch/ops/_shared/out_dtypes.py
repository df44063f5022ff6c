"""What operators say about a tensor given as ``out`` whose dtype is not that of the result.

Most of PyTorch's operators cast the result where that is safe. Those listed here insist on the
dtype, each group in words of its own.
"""

from __future__ import annotations

from ..._core.cpp_names import type_name
from ..._core.dtypes import dtype as DType
from ..._core.messages import not_implemented


def expected_cpp_name(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"Expected out tensor to have dtype {type_name(result)}, but got {type_name(out)} instead"
    )


def found_dtype(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"Found dtype {out._legacy_name} but expected {result._legacy_name}")


def cat_type(name: str, result: DType, out: DType) -> Exception:
    return TypeError(
        "torch.cat(): input types can't be cast to the desired output type " + out._legacy_name
    )


def expected_scalar_type(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"expected scalar_type {result._legacy_name} but found {out._legacy_name}")


def does_not_match(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"result dtype {out._legacy_name} does not match input dtype {result._legacy_name}"
    )


def tensordot(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"tensordot: Expected the output tensor to have dtype {result._legacy_name}, but got an "
        f"output tensor with dtype {out._legacy_name}"
    )


def only_bool(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"{name} only supports bool tensor for result, got: {out._legacy_name}")


def no_other_than_bool(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"{name} does not support non-boolean outputs.")


def same_scalar_type(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"{name}(): self and result must have the same scalar type")


def quantile_type(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError("quantile() out tensor must be same dtype as the input tensor")


def extremum_type(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        "Expected the dtype for input and out to match, but got "
        f"{result._legacy_name} for input's dtype and {out._legacy_name} for out's dtype."
    )


def nansum_kernel(name: str, result: DType, out: DType) -> Exception:
    return not_implemented("nansum_cpu", out._legacy_name)


def argument_out(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"Expected object of scalar type {result._legacy_name} but got scalar type "
        f"{out._legacy_name} for argument 'out'"
    )


def search_index(name: str, result: DType, out: DType) -> Exception:
    flag = "True" if result._legacy_name == "Int" else "False"
    return RuntimeError(
        "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or "
        "Long(int64) depending on whether out_int32 flag is True, but we got output tensor's dtype "
        f"{out._legacy_name} and out_int32 flag is {flag}"
    )


def take(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        "take(): self and out expected to have the same dtype, but got self.dtype = "
        f"{result._legacy_name} and out.dtype = {out._legacy_name}"
    )


def kthvalue(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError("output values must be of same type as input")


def mode(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"expected scalar type '{result._legacy_name}' but got '{out._legacy_name}' for values "
        "output"
    )


def multinomial(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"multinomial expects Long tensor out, got: {out._legacy_name}")


def nonzero(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        "nonzero: Expected out tensor to have scalar type Long but got scalar type"
        + out._legacy_name
    )


def hash_tensor(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"Expected result to be of dtype uint64, but got {out._legacy_name}")


def nan_to_num(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"nan_to_num: dtype of out: {out._legacy_name} should be same as input: "
        f"{result._legacy_name}"
    )


def heaviside(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


def float_power(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"the output given to float_power has dtype {out._legacy_name} but the operation's result "
        f"requires dtype {result._legacy_name}"
    )


def where(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"Expected out type to be {result._legacy_name} but got {out._legacy_name}")


def mv(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"addmv input tensors must have the same dtype, but got {out._legacy_name}, "
        f"{result._legacy_name}, and {result._legacy_name}"
    )


def addbmm(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"self and mat2 must have the same dtype, but got {out._legacy_name} and "
        f"{result._legacy_name}"
    )


def narrow_copy(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        "Expected self.dtype() == output.dtype() to be true, but got false.  (Could this error "
        "message be improved?  If so, please report an enhancement request to PyTorch.)"
    )


def mean(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        "mean.dtype_out(): input types can't be cast to the desired output type " + out._legacy_name
    )


def logsumexp(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(
        f"logsumexp(): Expected floating point type for result tensor, but got: {out._legacy_name}"
    )


def ldexp(name: str, result: DType, out: DType) -> Exception:
    return RuntimeError(f"ldexp can't be cast to the desired output type {out._legacy_name}")


def normal(name: str, result: DType, out: DType) -> Exception:
    return not_implemented("normal_kernel_cpu", out._legacy_name)
