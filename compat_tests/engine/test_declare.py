"""Declarations of operators: what derives from an entry, and that the entries say what they said.

``golden/operator_policies.json`` holds the policies as they stood in tables of names, before they
became arguments of the entries.
"""

from __future__ import annotations

import inspect
import json

import jax.numpy as jnp
import pytest

import jtorch as torch
from compat_tests.helpers.paths import GOLDEN
from jtorch._core.structseq import RETURN_TYPES
from jtorch._engine import declare
from jtorch._engine.graph.op import REGISTRY
from jtorch._engine.recording import autocast, out
from jtorch._engine.recording.kinds.pointwise import FLOATING, Pointwise, only

RECORDED = json.loads((GOLDEN / "operator_policies.json").read_text())


@pytest.mark.parametrize("device_type", ["cpu", "cuda"])
def test_autocast_is_what_pytorch_lists(device_type):
    policies = autocast.POLICIES[device_type]
    recorded = RECORDED["autocast"][device_type]
    assert {name: policies.get(name) for name in recorded} == recorded


def test_out_refuses_other_dtypes_where_pytorch_does():
    rules = {name: policy.dtype.__name__ for name, policy in out.POLICIES.items() if policy.dtype}
    assert {name: rules.get(name) for name in RECORDED["out_dtype"]} == RECORDED["out_dtype"]
    rules = {
        name: policy.uncastable.__name__
        for name, policy in out.POLICIES.items()
        if policy.uncastable
    }
    assert rules == RECORDED["out_uncastable"]
    assert [n for n, p in out.POLICIES.items() if p.any_dtype] == RECORDED["out_any_dtype"]
    assert (
        sorted(n for n, p in out.POLICIES.items() if p.decides_dtype)
        == (RECORDED["out_decides_dtype"])
    )


def test_out_refuses_shared_memory_where_pytorch_does():
    aliases = ("concat", "concatenate")  # of cat, whose rules they have
    refusing = {
        name: policy.overlap
        for name, policy in out.POLICIES.items()
        if policy.overlap and name not in aliases
    }
    assert sorted(refusing) == RECORDED["out_refuses_operands"]
    assert (
        sorted(n for n, overlap in refusing.items() if overlap == "refuse")
        == (RECORDED["out_refuses_itself"])
    )


def test_tensors_may_be_numbers_where_pytorch_takes_them():
    taking = {name for name, entry in REGISTRY.items() if entry.numbers_as_tensors}
    expected = set(RECORDED["numbers_as_tensors"]) & set(REGISTRY)
    assert {name.removesuffix("_") for name in taking} == expected


def test_python_operators_are_those_of_pytorch():
    old = {"__div__", "__idiv__"}  # of Python 2, which PyTorch's tensors have, too
    assert set(declare.PYTHON_OPERATORS) - old == set(RECORDED["python_operators"])
    for dunder in RECORDED["python_operators"]:
        assert vars(torch.Tensor)[dunder] is declare.PYTHON_OPERATORS[dunder]


def test_named_results_are_those_of_pytorch():
    plain = {name: " ".join(RETURN_TYPES[name].__match_args__) for name in RECORDED["returns"]}
    assert plain == RECORDED["returns"]
    without = [name for name in RECORDED["returns"] if f"{name}_out" not in RETURN_TYPES]
    assert sorted(without) == sorted(RECORDED["returns_without_out"])


@pytest.fixture
def registries():
    """Let a test declare operators that are gone afterwards."""
    names = ("FUNCTIONS", "METHODS", "PYTHON_OPERATORS")
    tables = [REGISTRY, out.POLICIES, *autocast.POLICIES.values()]
    tables += [getattr(declare, name) for name in names]
    before = [dict(table) for table in tables]
    yield
    for table, content in zip(tables, before, strict=True):
        table.clear()
        table.update(content)


def test_one_entry_gives_every_form(registries):
    @declare.op(
        "softcap(Tensor input, Tensor other, *, Tensor out=None)",
        kind=Pointwise(promote="float", check=only(FLOATING, kernel="softcap_cpu")),
        inplace=declare.InPlace(python=("__imatmul__",)),
        inplace_function=True,
        python=("__divmod__",),
        autocast="float32",
    )
    def softcap(input, other):
        """Cap softly: ``other * tanh(input / other)``."""
        return other * jnp.tanh(input / other)

    function, method = declare.FUNCTIONS["softcap"], declare.METHODS["softcap"]
    x = torch.tensor([1.0, -2.0, 30.0], requires_grad=True)
    cap = torch.tensor(5.0)
    expected = 5 * torch.tanh(x / 5)
    assert torch.equal(function(x, cap), expected)
    assert torch.equal(method(x, cap), expected)
    assert torch.equal(declare.PYTHON_OPERATORS["__divmod__"](x, cap), expected)

    result = torch.empty(3)
    assert function(x.detach(), cap, out=result) is result
    assert torch.equal(result, expected)

    target = x.detach().clone()
    assert declare.METHODS["softcap_"](target, cap) is target
    assert torch.equal(target, expected)
    assert torch.equal(declare.FUNCTIONS["softcap_"](x.detach().clone(), cap), expected)
    target = x.detach().clone()
    assert declare.PYTHON_OPERATORS["__imatmul__"](target, cap) is target

    function(x, cap).sum().backward()
    plain = x.detach().clone().requires_grad_()
    (5 * torch.tanh(plain / 5)).sum().backward()
    assert torch.allclose(x.grad, plain.grad)
    assert type(function(x, cap).grad_fn).__name__ == "SoftcapBackward0"

    batch = torch.arange(6.0).reshape(2, 3)
    mapped = torch.vmap(lambda row: function(row, cap))(batch)
    assert torch.equal(mapped, function(batch, cap))

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert function(x.detach().bfloat16(), cap).dtype is torch.float32

    assert str(inspect.signature(function)) == "(input, other, *, out=None)"
    assert function.__doc__ == softcap.__doc__
    with pytest.raises(TypeError, match=r"softcap\(\): argument 'other' \(position 2\) must be"):
        function(x, "5")
    with pytest.raises(NotImplementedError, match='"softcap_cpu" not implemented for \'Complex'):
        function(torch.ones(2, dtype=torch.complex64), cap)


def test_a_name_is_declared_once(registries):
    with pytest.raises(ValueError, match="the operator relu is declared twice"):
        declare.op("relu(Tensor input)", kind=Pointwise(operands=("input",)))(lambda input: input)
    with pytest.raises(ValueError, match=r"torch\.einsum is declared twice"):
        declare.publish("einsum", lambda: None)
    with pytest.raises(ValueError, match=r"torch\.Tensor\.view is declared twice"):
        declare.publish("view", method=lambda self: self)
