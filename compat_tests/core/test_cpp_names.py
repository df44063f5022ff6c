"""What PyTorch's messages call the dtypes."""

from __future__ import annotations

import pytest

import jtorch
from jtorch._core import cpp_names, dtypes


@pytest.mark.parametrize(
    ("dtype", "scalar_type", "type_name", "c_type"),
    [
        (dtypes.bool_, "Bool", "bool", "bool"),
        (dtypes.uint8, "Byte", "unsigned char", "uint8_t"),
        (dtypes.uint16, "UInt16", "short unsigned int", "uint16_t"),
        (dtypes.int32, "Int", "int", "int"),
        (dtypes.int64, "Long", "long int", "int64_t"),
        (dtypes.float16, "Half", "c10::Half", "c10::Half"),
        (dtypes.float32, "Float", "float", "float"),
        (dtypes.complex64, "ComplexFloat", "c10::complex<float>", "c10::complex<float>"),
        (dtypes.float8_e5m2, "Float8_e5m2", "c10::Float8_e5m2", "c10::Float8_e5m2"),
    ],
)
def test_names_in_each_scheme(dtype, scalar_type, type_name, c_type):
    assert cpp_names.scalar_type(dtype._numpy) == dtype._legacy_name == scalar_type
    assert cpp_names.type_name(dtype) == cpp_names.type_name_of(scalar_type) == type_name
    assert cpp_names.c_type(dtype) == c_type


def test_every_dtype_has_names_of_its_own():
    for naming in (cpp_names.type_name, cpp_names.c_type):
        assert len({naming(dtype) for dtype in dtypes.ALL}) == len(dtypes.ALL)


#: Messages that once had tables of their own, short of some dtypes; the words are PyTorch 2.13's.
MESSAGES = {
    "mask": (
        lambda: jtorch.zeros(2).masked_fill(jtorch.zeros(2, dtype=jtorch.float16), 1),
        "masked_fill_ only supports boolean masks, but got mask with dtype c10::Half",
    ),
    "out": (
        lambda: jtorch.sort(
            jtorch.zeros(2), out=(jtorch.zeros(2).to(jtorch.uint16), jtorch.zeros(2).long())
        ),
        "Expected out tensor to have dtype float, but got short unsigned int instead",
    ),
    "multi_dot": (
        lambda: jtorch.linalg.multi_dot(
            [jtorch.eye(2), jtorch.eye(2)], out=jtorch.zeros(2, 2).to(jtorch.float8_e5m2)
        ),
        "multi_dot(): expected out tensor to have dtype float but got c10::Float8_e5m2",
    ),
    "set": (
        lambda: jtorch.zeros(2).set_(jtorch.zeros(2, dtype=jtorch.float16)),
        "Could not set tensor of type c10::Half to a tensor of type float",
    ),
    "fill": (
        lambda: jtorch.zeros(2, dtype=jtorch.float16).fill_(1j),
        "value cannot be converted to type c10::Half without overflow",
    ),
    "window": (
        lambda: jtorch.hann_window(3, dtype=jtorch.uint8),
        "hann_window expects floating point dtypes, got: TensorOptions(dtype=unsigned char, ",
    ),
    "grad": (
        lambda: setattr(jtorch.zeros(2, requires_grad=True), "grad", jtorch.zeros(2).long()),
        "attempting to assign a gradient with dtype 'long int' to a tensor with grad_dtype 'Float'",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_messages(case):
    call, words = MESSAGES[case]
    with pytest.raises(RuntimeError) as raised:
        call()
    assert str(raised.value).startswith(words)
