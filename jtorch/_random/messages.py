"""Every message that the random number generators can show to a user, in PyTorch 2.13's words."""

from __future__ import annotations

import numpy as np

from .._core import cpp_names, dtypes
from .._core.cpp_names import scalar_type
from .._core.messages import not_implemented as not_implemented


def type_name(dtype: np.dtype) -> str:
    """Return what C++ calls a dtype (``long int`` for int64)."""
    return cpp_names.type_name(dtypes.BY_NUMPY[dtype])


def number(value: float) -> str:
    """Write a number as a C++ stream does: six significant digits."""
    return format(value, "g")


def seed_is_no_integer(seed: object) -> RuntimeError:
    return RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")


def seed_overflow() -> ValueError:
    return ValueError("Overflow when unpacking long long")


def state_is_no_byte_tensor(state: object) -> TypeError:
    if isinstance(state, np.ndarray):
        return TypeError("RNG state must be a torch.ByteTensor")
    return TypeError(f"expected a torch.ByteTensor, but got {type(state).__name__}")


def state_size(expected: int, found: int) -> RuntimeError:
    return RuntimeError(
        f"Expected a CPUGeneratorImplState of size {expected} "
        f"but found the input RNG state size to be {found}"
    )


def state_invalid() -> RuntimeError:
    return RuntimeError("Invalid mt19937 state")


def uniform_reversed(low: float, high: float) -> RuntimeError:
    return RuntimeError(
        "uniform_ expects to return a [from, to) range, "
        f"but found from={number(low)} > to={number(high)}"
    )


def uniform_too_wide(low: float, high: float, dtype: np.dtype) -> RuntimeError:
    return RuntimeError(
        f"uniform_ expects to-from <= std::numeric_limits<{scalar_type(dtype)}>::max(), "
        f"but found to={number(high)} and from={number(low)} "
        "which result in to-from to exceed the limit"
    )


def out_of_bounds(name: str, dtype: np.dtype) -> RuntimeError:
    return RuntimeError(f"{name} is out of bounds for {type_name(dtype)}")


def beyond_precision(name: str, digits: int, dtype: np.dtype) -> str:
    return (
        f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations "
        f"{type_name(dtype)} can support discrete uniform distribution only within this range. "
        "This warning will become an error in version 1.7 release, please fix the code in advance"
    )


def random_reversed(low: int, high: int) -> RuntimeError:
    return RuntimeError(
        f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
    )


def random_reversed_after_cast(low: int, high: int) -> RuntimeError:
    return RuntimeError(
        "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, "
        f"but got from={low} >= to={high}"
    )


def random_from_beyond_dtype(low: int, high: int) -> RuntimeError:
    return RuntimeError(
        "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to "
        f"dtype, but got from={low} > to_inc={high}"
    )


def random_bounds_of_complex() -> RuntimeError:
    return RuntimeError(
        "random_from_to_impl handles only integral, floating-point and boolean types"
    )


def random_full_range_dtype() -> RuntimeError:
    return RuntimeError(
        "random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16"
    )


def normal_negative_std(std: float) -> RuntimeError:
    return RuntimeError(f"normal expects std >= 0.0, but found std {number(std)}")


def log_normal_std(std: float) -> RuntimeError:
    return RuntimeError(f"log_normal_ expects std > 0.0, but found std={number(std)}")


def bernoulli_probability(probability: float) -> RuntimeError:
    return RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={number(probability)}")


def bernoulli_tensor_probability() -> RuntimeError:
    return RuntimeError(
        "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be "
        "improved?  If so, please report an enhancement request to PyTorch.)"
    )


def exponential_rate(rate: float) -> RuntimeError:
    return RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={number(rate)}")


def not_continuous(distribution: str, dtype_name: str) -> RuntimeError:
    return RuntimeError(
        f"{distribution} distribution is a continuous probability distribution. "
        f"dtype must be a floating point but you specified {dtype_name}"
    )


def geometric_probability(probability: float) -> RuntimeError:
    return RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={number(probability)}")


def cauchy_scale(scale: float) -> RuntimeError:
    return RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={number(scale)}")


def permutation_negative(count: int) -> RuntimeError:
    return RuntimeError(f"Trying to create tensor with negative dimension {count}: [{count}]")


def permutation_overflow(dtype: np.dtype) -> RuntimeError:
    spelled = "int" if dtype == np.int32 else f"{dtype.name}_t"
    return RuntimeError(f"value cannot be converted to type {spelled} without overflow")


def permutation_imprecise(limit: int, dtype: np.dtype) -> RuntimeError:
    return RuntimeError(f"n cannot be greater than {limit} for {scalar_type(dtype)} type.")


def multinomial_dtype(dtype: np.dtype) -> RuntimeError:
    return RuntimeError(
        "multinomial only supports floating-point dtypes for input, got: " + scalar_type(dtype)
    )


def multinomial_dimensions() -> RuntimeError:
    return RuntimeError("prob_dist must be 1 or 2 dim")


def multinomial_no_samples() -> RuntimeError:
    return RuntimeError("cannot sample n_sample <= 0 samples")


def multinomial_too_many() -> RuntimeError:
    return RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")


def multinomial_categories() -> RuntimeError:
    return RuntimeError("number of categories cannot exceed 2^24")


def multinomial_bad_entry() -> RuntimeError:
    return RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")


def multinomial_bad_sum() -> RuntimeError:
    return RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


def multinomial_bad_cumulative(what: str) -> RuntimeError:
    return RuntimeError(f"invalid multinomial distribution ({what})")


def multinomial_empty() -> RuntimeError:
    return RuntimeError(
        "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
        "identity."
    )


def poisson_rate() -> RuntimeError:
    return RuntimeError("invalid Poisson rate, expected rate to be non-negative")


def binomial_dtype(name: str, dtype: np.dtype) -> ValueError:
    return ValueError(
        f"binomial only supports floating-point dtypes for {name}, got: {scalar_type(dtype)}"
    )


def truncated_normal_far_mean() -> str:
    return (
        "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
        "The distribution of values may be incorrect."
    )


def philox_state_size() -> RuntimeError:
    return RuntimeError("RNG state is wrong size")
