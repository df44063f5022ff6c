"""Operators of elements against PyTorch: values, dtypes, gradients, names of nodes, errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from compat_tests.helpers.tolerances import ELEMENTWISE, EXACT

torch = pytest.importorskip("torch")
jtorch = pytest.importorskip("jtorch")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:Casting complex values to real:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*compiled .* times.*"),
]

INF, NAN = float("inf"), float("nan")
FIRST = [-3.5, -2.0, -1.0, -0.5, 0.0, 0.3, 0.5, 1.0, 1.5, 2.5, 7.0, INF, -INF, NAN]
SECOND = [2.0, -3.0, 1.5, 0.5, 0.0, 0.3, -2.5, 1.0, -0.5, 3.0, 2.0, 1.0, INF, 2.0]
INTEGERS = [-7, -5, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 100, 127]
DIVISORS = [2, -3, 4, -2, 1, 3, -1, 7, 2, 5, -4, 3, 6, 9]
REAL = ("float16", "bfloat16", "float32", "float64")
DTYPES = ("bool", "uint8", "int8", "int32", "int64", *REAL, "complex64", "complex128")


def values(dtype: str, second: bool = False) -> list:
    """Return numbers of a dtype, special ones among them."""
    if dtype == "bool":
        return [True, False, True, False] if second else [True, True, False, False]
    if dtype.startswith("complex"):
        parts = zip(FIRST[:11], SECOND[:11]) if not second else zip(SECOND[:11], FIRST[:11])
        return [complex(*pair) for pair in parts if pair != (0.0, 0.0)]
    if "float" in dtype:
        return SECOND if second else FIRST
    numbers = DIVISORS if second else INTEGERS
    return [abs(number) for number in numbers] if dtype.startswith("u") else numbers


def run(function, library, dtype: str, operands: int):
    """Call a function on tensors of a dtype; return the tensors, the result and the error."""
    made = []
    for place in range(operands):
        tensor = library.tensor(values(dtype, place == 1), dtype=getattr(library, dtype))
        if "float" in dtype or "complex" in dtype:
            tensor.requires_grad_()
        made.append(tensor)
    try:
        return made, function(library, *made), None
    except Exception as error:
        return made, None, f"{type(error).__name__}: {error}"


def assert_close(actual, expected, where: str, factor: float = 1.0) -> None:
    """Assert that two tensors have one dtype, one layout and nearly equal elements."""
    assert str(actual.dtype) == str(expected.dtype), where
    assert tuple(actual.shape) == tuple(expected.shape), where
    assert actual.stride() == expected.stride(), where
    bounds = ELEMENTWISE.get(str(expected.dtype).removeprefix("torch."), EXACT)
    relative, absolute = (bound * factor for bound in bounds)
    lists = [np.array(tensor.detach().tolist()) for tensor in (actual, expected)]
    np.testing.assert_allclose(*lists, rtol=relative, atol=absolute, equal_nan=True, err_msg=where)


def check(function, dtype: str, operands: int = 1, factor: float = 1.0) -> None:
    """Compare a function of both libraries, with its gradients."""
    theirs, expected, error = run(function, torch, dtype, operands)
    mine, actual, raised = run(function, jtorch, dtype, operands)
    assert raised == error
    if error is not None:
        return
    assert_close(actual, expected, dtype, factor)
    assert actual.requires_grad == expected.requires_grad
    if not expected.requires_grad:
        return
    assert type(actual.grad_fn).__name__ == type(expected.grad_fn).__name__
    if type(expected.grad_fn).__name__ == "NotImplemented":
        return
    gradients = []
    for library, result, tensors in ((torch, expected, theirs), (jtorch, actual, mine)):
        numbers = np.reshape([0.5 + 0.25 * n for n in range(result.numel())], tuple(result.shape))
        dtype_of_result = getattr(library, str(result.dtype)[6:])
        weights = library.tensor(numbers.tolist(), dtype=dtype_of_result)
        gradients.append(library.autograd.grad([result], tensors, [weights], allow_unused=True))
    for expected_gradient, gradient in zip(*gradients):
        if expected_gradient is None:
            assert gradient is None or not any(gradient.tolist())
        else:
            assert_close(gradient, expected_gradient.clone(), f"gradient, {dtype}", 4 * factor)


def in_each_dtype(names, left_out=frozenset()):
    """Return every pair of a name and a dtype but those that are left out."""
    return [pair for pair in itertools.product(names, DTYPES) if pair not in left_out]


UNARY = (
    "abs", "neg", "positive", "sign", "sgn", "reciprocal", "sqrt", "rsqrt", "square", "exp", "exp2",
    "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "arcsin", "arctanh", "erf", "erfc", "erfinv",
    "sigmoid", "floor", "ceil", "round", "trunc", "frac", "isnan", "isinf", "isfinite", "isposinf",
    "isneginf", "isreal", "nan_to_num", "angle", "deg2rad", "rad2deg", "sinc", "relu",
    "bitwise_not", "logical_not", "hardshrink", "selu", "celu", "signbit",
)  # fmt: skip


#: The sign of a NaN made from a Python float is not defined.
UNDEFINED_UNARY = {("signbit", dtype) for dtype in REAL}


@pytest.mark.parametrize(("name", "dtype"), in_each_dtype(UNARY, UNDEFINED_UNARY))
def test_unary(name, dtype):
    check(lambda library, x: getattr(library, name)(x), dtype)


BINARY = (
    "add", "sub", "rsub", "mul", "div", "true_divide", "floor_divide", "remainder", "fmod", "pow",
    "maximum", "minimum", "fmax", "fmin", "bitwise_and", "bitwise_or", "bitwise_xor",
    "bitwise_left_shift", "bitwise_right_shift", "logical_and", "logical_or", "logical_xor", "gcd",
    "lcm", "heaviside", "copysign", "nextafter", "hypot", "atan2", "xlogy", "logaddexp",
    "logaddexp2", "eq", "ne", "lt", "le", "gt", "ge", "isclose", "clamp_min", "clamp_max", "clamp",
)  # fmt: skip


UNDEFINED_BINARY = {(name, "bool") for name in ("floor_divide", "remainder", "fmod")}


@pytest.mark.parametrize(("name", "dtype"), in_each_dtype(BINARY, UNDEFINED_BINARY))
def test_binary(name, dtype):
    check(lambda library, x, y: getattr(library, name)(x, y), dtype, 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["trunc", "floor", None, "up"])
def test_rounded_division(mode, dtype):
    check(lambda library, x, y: library.div(x, y, rounding_mode=mode), dtype, 2)


EXPRESSIONS = {
    "reflected subtraction": lambda library, x: 2 - x,
    "reflected division": lambda library, x: 2 / x,
    "square": lambda library, x: x**2,
    "cube": lambda library, x: x**3,
    "root": lambda library, x: x**0.5,
    "zeroth power": lambda library, x: x**0,
    "power": lambda library, x: x**2.5,
    "inverse square": lambda library, x: x**-2,
    "exponential": lambda library, x: 2**x,
    "remainder": lambda library, x: x % 3,
    "float remainder": lambda library, x: x % 2.5,
    "floor division": lambda library, x: x // 3,
    "comparison": lambda library, x: x == 2,
    "order": lambda library, x: x > 0.5,
    "scaled sum": lambda library, x: library.add(x, x, alpha=3),
    "floating alpha": lambda library, x: library.sub(x, 1, alpha=0.5),
    "bool alpha": lambda library, x: library.add(x, x, alpha=True),
    "clamp": lambda library, x: x.clamp(-1, 2),
    "clamp without bounds": lambda library, x: x.clamp(),
    "fused product": lambda library, x: library.addcmul(x, x, x, value=2),
    "fused quotient": lambda library, x: library.addcdiv(x, x, x + 8, value=0.5),
    "interpolation": lambda library, x: library.lerp(x, x * 2, 0.3),
    "choice": lambda library, x: library.where(x == 2, x, 0),
    "kept": lambda library, x: x.where(x == x, 5),
    "and": lambda library, x: x & 3,
    "shift": lambda library, x: x << 2,
    "inverted": lambda library, x: ~x,
    "logit": lambda library, x: x.logit(0.1),
    "decimals": lambda library, x: x.round(decimals=1),
    "in place": lambda library, x: (x * 1).mul_(2).add_(1),
    "in-place function": lambda library, x: library.exp_(x * 1),
    "in-place division": lambda library, x: (x * 1).div_(2),
    "in-place clamp": lambda library, x: (x * 1).clamp_(0, 1),
    "column": lambda library, x: (x.reshape(-1, 1) * 2).exp(),
    "transposed": lambda library, x: x.reshape(1, -1).t().exp(),
}


ODD_EXPRESSIONS = {
    ("root", "float16"),  # at -0.0 and -inf the kernel of this one dtype differs
    ("in-place clamp", "bool"),  # PyTorch names the dtype in small letters there alone
}


@pytest.mark.parametrize(("name", "dtype"), in_each_dtype(EXPRESSIONS, ODD_EXPRESSIONS))
def test_expression(name, dtype):
    check(EXPRESSIONS[name], dtype, factor=2.0)


ACTIVATIONS = (
    "relu", "relu6", "elu", "selu", "celu", "leaky_relu", "hardtanh", "hardsigmoid", "hardswish",
    "mish", "softsign", "logsigmoid", "tanhshrink", "softshrink", "hardshrink", "silu", "softplus",
)  # fmt: skip


def functional(library):
    """Return the functions of ``torch.nn.functional``."""
    if library is torch:
        return torch.nn.functional.__dict__
    from jtorch._engine.declare import NN_FUNCTIONS

    return NN_FUNCTIONS


@pytest.mark.parametrize(("name", "dtype"), in_each_dtype(ACTIVATIONS, {("tanhshrink", "bool")}))
def test_activation(name, dtype):
    check(lambda library, x: functional(library)[name](x), dtype, factor=2.0)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n not in (
    "softsign", "logsigmoid", "tanhshrink", "softshrink", "hardshrink", "softplus")])  # fmt: skip
def test_activation_in_place(name, dtype):
    check(lambda library, x: functional(library)[name](x * 1, inplace=True), dtype, factor=2.0)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("approximate", ["none", "tanh", "other"])
def test_gelu(approximate, dtype):
    def gelu(library, x):
        finite = x.clamp(-50, 50)
        return functional(library)["gelu"](finite, approximate=approximate)

    check(gelu, dtype, factor=2.0)


@pytest.mark.parametrize("dtype", ["bool", "int32", "float32", "float64", "complex64"])
@pytest.mark.parametrize("out", ["int32", "float32", "complex64"])
def test_out(dtype, out):
    for function in ("add", "exp", "eq"):
        answers = []
        for library in (torch, jtorch):
            tensor = library.tensor([1, 0, 1], dtype=getattr(library, dtype))
            target = library.tensor([7, 7, 7], dtype=getattr(library, out))
            operands = (tensor,) if function == "exp" else (tensor, tensor)
            try:
                result = getattr(library, function)(*operands, out=target)
                assert result is target
                answers.append((str(target.dtype), np.round(target.tolist(), 5).tolist()))
            except Exception as error:
                answers.append((type(error).__name__, str(error)))
        assert answers[0] == answers[1], function


WRONG = {
    "number for a tensor": lambda library, x: library.exp(5),
    "text for a tensor": lambda library, x: library.add("a", 1),
    "too many arguments": lambda library, x: library.maximum(x, x, x),
    "number of maximum": lambda library, x: library.maximum(x, 2),
    "None": lambda library, x: x + None,
    "list": lambda library, x: x - [1],
    "order of text": lambda library, x: x < "a",
    "equality of None": lambda library, x: x.eq(None),
    "shapes": lambda library, x: x + x[:2],
    "condition": lambda library, x: library.where(x, x, x),
    "negative tolerance": lambda library, x: library.isclose(x, x, rtol=-1),
    "negative order": lambda library, x: library.polygamma(-1, x),
    "tensor of limits": lambda library, x: x.clamp(x, 2),
    "complex parts": lambda library, x: library.complex(x > 0, x > 0),
    "method with too many": lambda library, x: x.exp(3),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors(name):
    answers = []
    for library in (torch, jtorch):
        try:
            answers.append(WRONG[name](library, library.tensor([1.0, 2.0, 3.0])))
        except Exception as error:
            answers.append(f"{type(error).__name__}: {error}")
    assert answers[0] == answers[1]


def test_equality_of_other_objects():
    for library in (torch, jtorch):
        tensor = library.tensor([1.0])
        assert (tensor == None) is False  # noqa: E711
        assert (tensor != "text") is True
        assert library.equal(tensor, library.tensor([1])) is True
        assert library.equal(tensor, library.tensor([1.0, 1.0])) is False
        assert library.allclose(tensor, tensor + 1e-9) is True


@pytest.mark.parametrize("dtype", ["int32", *REAL])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_polygamma(order, dtype):
    # PyTorch's trigamma, the gradient of order 0, holds nine digits in float64 too.
    check(lambda library, x: library.polygamma(order, x.abs() + 1), dtype, factor=100.0)
