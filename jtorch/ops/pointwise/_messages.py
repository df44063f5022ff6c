"""Messages of the operators of elements: PyTorch's words, by name."""

from __future__ import annotations

import warnings


def not_for_complex(name: str, words: str = "is not supported for complex inputs") -> Exception:
    """An operator that has no meaning for complex numbers."""
    return NotImplementedError(f"{name} {words}")


def sign_of_complex() -> NotImplementedError:
    """``sign`` of complex numbers."""
    return NotImplementedError(
        "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use "
        "torch.sgn instead."
    )


def no_complex_inputs(name: str) -> RuntimeError:
    """``isposinf`` and ``isneginf`` of complex numbers."""
    return RuntimeError(f"{name} does not support complex inputs.")


def no_complex_tensors(name: str) -> RuntimeError:
    """``deg2rad`` and ``rad2deg`` of complex numbers."""
    return RuntimeError(f"{name} is not supported for complex tensors.")


def signbit_of_complex() -> NotImplementedError:
    """``signbit`` of complex numbers."""
    return NotImplementedError("signbit is not implemented for complex tensors.")


def extremum_of_complex(name: str) -> RuntimeError:
    """``maximum`` and related functions of complex numbers."""
    return RuntimeError(f"{name} not implemented for complex tensors.")


def bool_negation() -> RuntimeError:
    """``-`` before a bool tensor."""
    return RuntimeError(
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
        "invert a mask, use the `~` or `logical_not()` operator instead."
    )


def bool_positive() -> RuntimeError:
    """``+`` before a bool tensor."""
    return RuntimeError("The `+` operator, on a bool tensor is not supported.")


def invert_of_float() -> TypeError:
    """``~`` of a floating point tensor."""
    return TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")


def float_alpha() -> RuntimeError:
    """A floating point ``alpha`` where the result is an integer."""
    return RuntimeError(
        "For integral input tensors, argument alpha must not be a floating point number."
    )


def complex_alpha() -> RuntimeError:
    """A complex ``alpha`` where the result is not."""
    return RuntimeError(
        "For non-complex input tensors, argument alpha must not be a complex number."
    )


def bool_alpha() -> RuntimeError:
    """A bool ``alpha`` where the result is not."""
    return RuntimeError("Boolean alpha only supported for Boolean results.")


def rounding_mode(name: str) -> RuntimeError:
    """An unknown ``rounding_mode``."""
    return RuntimeError(
        f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{name}'"
    )


def zero_division() -> RuntimeError:
    """Integers divided by zero."""
    return RuntimeError("ZeroDivisionError")


def negative_integer_power() -> RuntimeError:
    """Integers to a negative Python int."""
    return RuntimeError("Integers to negative integer powers are not allowed.")


def float_power_base(dtype: str, wanted: str) -> RuntimeError:
    """``float_power_`` of a tensor of too little precision."""
    return RuntimeError(
        f"the base given to float_power_ has dtype {dtype} but the operation's result requires "
        f"dtype {wanted}"
    )


def integer_addcdiv() -> RuntimeError:
    """``addcdiv`` of integers."""
    return RuntimeError(
        "Integer division with addcdiv is no longer supported, and in a future  release addcdiv "
        "will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be "
        "implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for "
        "integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future "
        "addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), "
        "for all dtypes."
    )


def clamp_without_bounds() -> RuntimeError:
    """``clamp`` with neither bound."""
    return RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")


def heaviside_complex() -> RuntimeError:
    """``heaviside`` of complex numbers."""
    return RuntimeError("heaviside is not yet implemented for complex tensors.")


def heaviside_dtypes() -> RuntimeError:
    """``heaviside`` of two dtypes."""
    return RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


def expected_dtype(wanted: str, name: str, found: str) -> RuntimeError:
    """``lerp`` of different dtypes."""
    return RuntimeError(f"expected dtype {wanted} for `{name}` but got dtype {found}")


def condition_dtype(dtype: str) -> RuntimeError:
    """``where`` by something that is no condition."""
    return RuntimeError(
        f"where expected condition to be a boolean tensor, but got a tensor with dtype {dtype}"
    )


def warn_byte_condition() -> None:
    """Warn about ``where`` by a uint8 tensor."""
    warnings.warn(
        "where received a uint8 condition tensor. This behavior is deprecated and will be removed "
        "in a future version of PyTorch. Use a boolean condition instead.",
        UserWarning,
        stacklevel=2,
    )


def inplace_abs() -> RuntimeError:
    """``abs_`` of complex numbers."""
    return RuntimeError("In-place abs is not supported for complex tensors.")


def did_not_match(first: str, second: str) -> RuntimeError:
    """``isclose`` of different dtypes."""
    return RuntimeError(f"{first} did not match {second}")


def negative_tolerance(name: str, value: float) -> RuntimeError:
    """A tolerance below zero."""
    return RuntimeError(f"{name} must be greater than or equal to zero, but got {value:g}")


def complex_parts(first: str, second: str) -> RuntimeError:
    """``complex`` and ``polar`` of dtypes that make no complex number."""
    return RuntimeError(
        f"Expected both inputs to be Half, Float or Double tensors but got {first} and {second}"
    )


def second_part(first: str, second: str) -> RuntimeError:
    """``complex`` and ``polar`` of two dtypes."""
    return RuntimeError(
        f"Expected object of scalar type {first} but got scalar type {second} for second argument"
    )


def polygamma_order() -> RuntimeError:
    """``polygamma`` of a negative order."""
    return RuntimeError("polygamma(n, x) does not support negative n.")


def mvlgamma_order() -> RuntimeError:
    """``mvlgamma`` of no dimension."""
    return RuntimeError("p has to be greater than or equal to 1")


def bool_mvlgamma() -> RuntimeError:
    """``mvlgamma`` of bool."""
    return RuntimeError("The input tensor may not be a boolean tensor.")


def frexp_dtype() -> RuntimeError:
    """``frexp`` of something else than floating point numbers."""
    return RuntimeError("torch.frexp() only supports floating-point dtypes")


def frexp_out(part: str, expected: str, given: str) -> RuntimeError:
    """``out=`` of another dtype than that of ``frexp``."""
    described = f"{expected} dtype" if part == "exponent" else f"dtype {expected}"
    return RuntimeError(f"torch.frexp() expects {part} to have {described} but got {given}")


def hash_mode(mode: int) -> RuntimeError:
    """An unknown mode of ``hash_tensor``."""
    return RuntimeError(f"Unknown hash_tensor mode: {mode}")


def hash_of_nothing() -> RuntimeError:
    """``hash_tensor`` of all elements where there are none."""
    return RuntimeError(
        "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the "
        "reduction dim with the 'dim' argument."
    )
