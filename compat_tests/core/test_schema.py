"""Binding of arguments to signatures: what PyTorch was recorded to say, and what is handed on."""

from __future__ import annotations

import datetime
import fractions
import json
import math
import operator
import subprocess
import sys
import warnings

import numpy
import pytest

from compat_tests.helpers.paths import GOLDEN, PACKAGE
from jtorch._core import dtypes, once
from jtorch._core.schema import schema
from jtorch._core.schema import types as schema_types
from tools.record_goldens.schema import NUMBERS_AS_TENSORS, SIGNATURES

RECORDED = json.loads((GOLDEN / "schema.json").read_text())


class Tensor:
    """Stands in for a tensor: what binding looks at, and no more."""

    def __init__(self, data: object, dtype: dtypes.dtype, requires_grad: bool = False):
        self.data = numpy.asarray(data)
        self.ndim = self.data.ndim
        self.dtype = dtype
        self.requires_grad = requires_grad

    def numel(self) -> int:
        return self.data.size

    def __index__(self) -> int:
        return operator.index(self.data.item())

    def __float__(self) -> float:
        return float(self.data)


class Generator:
    """Stands in for a random generator."""


@pytest.fixture(autouse=True)
def _stand_ins(monkeypatch):
    monkeypatch.setattr(once, "_given", set())
    monkeypatch.setattr(schema_types, "_classes", {"ScalarType": dtypes.dtype})
    schema.set_tensor_type(Tensor)
    schema.set_type("Generator", Generator)


NAMES = {
    "t": Tensor(numpy.ones((2, 3)), dtypes.float32),
    "torch_int": Tensor(1, dtypes.int64),
    "torch_float": Tensor(0.5, dtypes.float32),
    "torch_bool": Tensor(True, dtypes.bool_),
    "float32": dtypes.float32,
    "numpy": numpy,
    "date": datetime.date(2000, 1, 1),
    "fraction": fractions.Fraction(1, 2),
    "call": lambda *args, **kwargs: (args, kwargs),
}
GENERATOR = Generator()
T = NAMES["t"]


@pytest.mark.parametrize(
    "case",
    RECORDED,
    ids=lambda case: (
        f"{'Tensor.' if case['method'] else ''}{case['function']}({case['arguments']})"
    ),
)
def test_recorded_call(case):
    args, kwargs = eval(f"call({case['arguments']})", dict(NAMES))
    bound = schema_of(case["function"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bound.bind(args, kwargs, method=case["method"])
        outcome = ["accepted", ""]
    except Exception as error:
        outcome = [type(error).__name__, str(error)]
    assert outcome == case["outcome"]


def schema_of(name: str) -> schema.Schema:
    """Return the signatures of a function of the recording."""
    return schema.Schema(*SIGNATURES[name], numbers_as_tensors=name in NUMBERS_AS_TENSORS)


def bind(name: str, *args, method: bool = False, **kwargs) -> tuple[int, dict[str, object]]:
    """Bind a call to the signatures of a function of the recording."""
    return schema_of(name).bind(args, kwargs, method)


def test_every_parameter_has_a_value():
    index, values = bind("sum", T, 1)
    assert index == 1
    assert values == {"input": T, "dim": (1,), "keepdim": False, "dtype": None, "out": None}


def test_method_has_neither_self_nor_out_and_counts_the_same_overloads():
    index, values = bind("sum", [0, 1], keepdims=True, method=True)
    assert index == 1
    assert values == {"dim": (0, 1), "keepdim": True, "dtype": None}
    assert bind("pow", 2, method=True) == (2, {"exponent": 2})


def test_one_int_stands_for_the_whole_list():
    values = bind("conv2d", T, T, None, 2, padding=[3])[1]
    assert values["stride"] == (2, 2)
    assert values["padding"] == (3,)
    assert values["dilation"] == (1, 1)
    assert values["groups"] == 1


def test_ints_given_one_by_one_become_a_list():
    assert bind("reshape", 3, numpy.int64(2), method=True)[1] == {"shape": (3, 2)}
    sizes = bind("zeros", NAMES["torch_int"], 2)[1]["size"]
    assert sizes == (1, 2)
    assert [type(size) for size in sizes] == [int, int]


def test_python_types_are_dtypes():
    assert bind("zeros", 2, dtype=float)[1]["dtype"] is dtypes.float64
    assert bind("zeros", 2, dtype=int)[1]["dtype"] is dtypes.int64
    assert bind("zeros", 2, dtype=bool)[1]["dtype"] is dtypes.bool_
    assert bind("zeros", 2, dtype=complex)[1]["dtype"] is dtypes.complex128


def test_numbers_of_numpy_become_pythons():
    value = bind("full", (2,), numpy.int32(2))[1]["fill_value"]
    assert (value, type(value)) == (2, int)
    value = bind("dropout", T, numpy.float32(0.5), True)[1]["p"]
    assert (value, type(value)) == (0.5, float)
    value = bind("full", (2,), numpy.bool_(True))[1]["fill_value"]
    assert (value, type(value)) == (1.0, float)  # PyTorch 2.13 reads it as a float


def test_tensor_given_for_a_number_stays_a_tensor():
    assert bind("add", T, T, alpha=NAMES["torch_int"])[1]["alpha"] is NAMES["torch_int"]


def test_tensor_that_requires_grad_is_no_number():
    learned = Tensor(0.5, dtypes.float32, requires_grad=True)
    with pytest.raises(TypeError, match=r"'fill_value' \(position 2\) must be Number, not Tensor"):
        bind("full", (2,), learned)


def test_object_that_overrides_operators_is_taken_for_a_tensor():
    class Overrides:
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            raise AssertionError("binding must not call it")

    value = Overrides()
    assert bind("relu", value) == (0, {"input": value})


def test_required_argument_that_may_be_none():
    assert bind("randn", 2, generator=None)[0] == 0
    assert bind("randn", 2, generator=GENERATOR)[1]["generator"] is GENERATOR
    assert bind("randn", 2)[0] == 1


def test_deprecated_signature_is_tried_last_and_warns_once():
    with pytest.warns(UserWarning) as caught:
        index, values = bind("add", T, 2, T)
        bind("add", T, 2, T)
    assert (index, values["alpha"]) == (0, 2)
    assert [str(warning.message) for warning in caught] == [
        "This overload of add is deprecated:\n"
        "\tadd(Tensor input, Number alpha, Tensor other, *, Tensor out = None)\n"
        "Consider using one of the following signatures instead:\n"
        "\tadd(Tensor input, Tensor other, *, Number alpha = 1, Tensor out = None)"
    ]
    assert caught[0].filename == __file__


def test_methods_own_signatures():
    bound = schema.Schema(
        "nonzero(Tensor input, *, bool as_tuple=False, Tensor out=None)",
        method=("nonzero()", "nonzero(*, bool as_tuple)"),
    )
    assert bound.bind((), {}, method=True) == (0, {})
    assert bound.bind((), {"as_tuple": True}, method=True) == (1, {"as_tuple": True})


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("int64_t[2] x=1", 1),
        ("IntArrayRef[2] x=1", (1, 1)),
        ("IntArrayRef x={-2,-1}", (-2, -1)),
        ("IntArrayRef x={}", ()),
        ("double x=1e-05", 1e-05),
        ("bool x=True", True),
        ('c10::string_view x="none"', "none"),
        ("Scalar x=2", 2),
        ("Scalar? x=None", None),
    ],
)
def test_default(text, default):
    values = schema.Schema(f"f({text})").bind((), {})[1]
    assert values == {"x": default}
    assert type(values["x"]) is type(default)


def test_scale_factors_are_floats():
    bound = schema.Schema("up(ArrayRef<double>? scale_factors)")
    assert bound.bind(([1, 2.5],), {}) == (0, {"scale_factors": (1.0, 2.5)})
    words = r"up\(\): argument 'scale_factors' must be tuple of floats, but found element of type "
    with pytest.raises(TypeError, match=words + r"str at pos 2$"):
        bound.bind(([1, "a"],), {})


def test_nothing_is_parsed_before_the_first_call():
    bound = schema.Schema("not a signature")
    with pytest.raises((KeyError, IndexError, ValueError)):
        schema.Schema("f(Unknown x)").bind((1,), {})
    assert not set(vars(bound)) & {"function_signatures", "method_signatures"}


def test_colours_on_a_terminal(monkeypatch):
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "__stdout__", Terminal())
    monkeypatch.setattr(sys, "__stderr__", Terminal())
    with pytest.raises(TypeError) as caught:
        bind("max", T, 0, 0)
    assert "(\33[32;1mTensor\33[0m, \33[31;1mint\33[0m, \33[31;1mint\33[0m)" in str(caught.value)


def test_non_finite_numbers_pass():
    assert math.isnan(bind("dropout", T, math.nan, True)[1]["p"])


def test_import_needs_no_jax():
    folder = PACKAGE
    script = (
        "import importlib, sys, types\n"
        "package = types.ModuleType('jtorch'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['jtorch'] = package\n"
        "importlib.import_module('jtorch._core.schema.schema')\n"
        "assert 'jax' not in sys.modules and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, timeout=60)
