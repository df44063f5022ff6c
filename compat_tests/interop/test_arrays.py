"""Arrays of JAX as tensors and tensors as arrays of JAX; expected values by NumPy's formulas."""

from __future__ import annotations

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtorch as torch
from jtorch import interop

DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"),
)


def pointer(array):
    return array.unsafe_buffer_pointer()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", ["tensor", "as_tensor", "asarray", "from_dlpack"])
def test_every_dtype_comes_in_and_goes_out(make, dtype):
    array = jnp.asarray(np.array([[1, 0, 2], [3, 4, 1]])).astype(jnp.dtype(dtype))
    tensor = getattr(torch, make)(array)
    assert tensor.dtype is getattr(torch, dtype)
    assert tuple(tensor.shape) == (2, 3)
    back = interop.to_jax(tensor)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(np.asarray(back), np.asarray(array))


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (1000, 100)])
def test_no_copy_either_way(shape):
    array = jnp.zeros(shape, jnp.float32) + 1
    tensor = interop.from_jax(array)
    assert interop.to_jax(tensor) is array
    assert interop.to_jax(torch.as_tensor(array)) is array
    computed = tensor * 2
    first = interop.to_jax(computed)
    assert interop.to_jax(computed) is first


def test_a_write_to_the_tensor_leaves_the_array_alone():
    array = jnp.arange(10_000, dtype=jnp.float32)
    tensor = interop.from_jax(array)
    for step in range(3):
        tensor.add_(1)
        assert tensor[0].item() == step + 1
    np.testing.assert_array_equal(np.asarray(array), np.arange(10_000, dtype=np.float32))
    given = interop.to_jax(tensor)
    tensor.mul_(0)
    assert tensor.sum().item() == 0.0
    assert float(given[1]) == 4.0


@pytest.mark.execution("compile")
def test_a_compiled_write_leaves_the_array_alone():
    array = jnp.arange(10_000, dtype=jnp.float32)
    tensor = interop.from_jax(array)
    for step in range(3):
        tensor.add_(1)
        assert tensor[0].item() == step + 1
    kept = interop.to_jax(tensor)
    tensor.add_(1)
    assert tensor[5].item() == 9.0
    assert float(kept[5]) == 8.0
    np.testing.assert_array_equal(np.asarray(array), np.arange(10_000, dtype=np.float32))


def test_views_conjugates_and_pending_results_go_out():
    base = torch.arange(12.0).reshape(3, 4)
    expected = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(interop.to_jax(base.T[1:]), expected.T[1:])
    np.testing.assert_array_equal(jnp.asarray(base[:, ::2] + 1), expected[:, ::2] + 1)
    number = torch.tensor([1 + 2j, 3j])
    np.testing.assert_array_equal(interop.to_jax(number.conj()), np.array([1 - 2j, -3j]))
    np.testing.assert_array_equal(interop.to_jax(number.conj().imag), np.array([-2.0, -3.0]))


def test_functions_of_jax_take_tensors():
    tensor = torch.arange(3.0)
    assert float(jnp.sum(tensor)) == 3.0
    np.testing.assert_array_equal(jax.jit(lambda a: a * 2)(tensor), [0.0, 2.0, 4.0])
    np.testing.assert_array_equal(jax.grad(lambda a: (a**3).sum())(tensor), [0.0, 3.0, 12.0])
    np.testing.assert_array_equal(jax.vmap(lambda a: a + 1)({"a": tensor}["a"]), [1.0, 2.0, 3.0])
    state = torch.nn.Linear(2, 2).state_dict()
    doubled = jax.tree.map(lambda a: a + a, dict(state))
    np.testing.assert_allclose(doubled["bias"], 2 * state["bias"].numpy())
    device = jax.devices("cpu")[0]
    assert isinstance(jax.device_put(tensor, device), jax.Array)


def test_a_tensor_that_requires_grad_is_refused_by_functions_of_jax():
    weight = torch.nn.Parameter(torch.ones(2))
    for use in (jnp.sum, jax.jit(lambda a: a), jnp.asarray, lambda w: jnp.ones(2) * w):
        with pytest.raises(RuntimeError, match="as_operator"):
            use(weight)
    with torch.no_grad():
        assert float(jnp.sum(weight)) == 2.0
    assert float(jnp.sum(interop.to_jax(weight))) == 2.0


OPERATORS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "pow": lambda a, b: a**b,
    "matmul": lambda a, b: a @ b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_take_both_orders(name):
    left = np.array([3.0, 2.0, 5.0], np.float32)
    right = np.array([1.0, 2.0, 4.0], np.float32)
    function = OPERATORS[name]
    expected = function(left, right)
    ours = function(torch.tensor(left), jnp.asarray(right))
    assert isinstance(ours, torch.Tensor)
    np.testing.assert_allclose(ours.numpy(), expected)
    theirs = function(jnp.asarray(left), torch.tensor(right))
    assert isinstance(theirs, jax.Array)
    np.testing.assert_allclose(theirs, expected)


def test_gradients_flow_past_an_array():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * jnp.array([3.0, 4.0], jnp.float32)
    y += jnp.ones(2, jnp.float32)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 4.0])


def test_indices_and_elements_may_be_arrays():
    x = torch.arange(12.0).reshape(3, 4)
    expected = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    rows, columns = jnp.array([0, 2]), jnp.array([1, 3])
    np.testing.assert_array_equal(x[rows].numpy(), expected[[0, 2]])
    np.testing.assert_array_equal(x[rows, columns].numpy(), expected[[0, 2], [1, 3]])
    np.testing.assert_array_equal(x[jnp.array([True, False, True])].numpy(), expected[[0, 2]])
    x[1] = jnp.zeros(4, jnp.float32)
    x[rows, columns] = jnp.array([-1.0, -2.0], jnp.float32)
    expected[1] = 0
    expected[[0, 2], [1, 3]] = [-1, -2]
    np.testing.assert_array_equal(x.numpy(), expected)


def test_nested_sequences_of_arrays_are_data():
    row = jnp.array([1.0, 2.0], jnp.float32)
    assert torch.tensor([row[0], row[1]]).tolist() == [1.0, 2.0]
    assert torch.tensor([[row[0], 5.0]]).dtype is torch.float32
    assert torch.tensor(row, dtype=torch.float64, requires_grad=True).requires_grad
    assert torch.ones(1, dtype=torch.int32).new_tensor(row).dtype is torch.int32
    assert torch.asarray(row, dtype=torch.int64).tolist() == [1, 2]


def test_tracers_are_refused_in_one_sentence():
    for make in (torch.tensor, torch.as_tensor, torch.asarray, torch.from_dlpack, interop.from_jax):
        with pytest.raises(TypeError, match="a tensor cannot be made of a tracer of JAX"):
            jax.jit(make)(jnp.ones(2))
    with pytest.raises(TypeError, match="tracer"):
        jax.grad(lambda a: torch.as_tensor(a).sum())(jnp.ones(2))


def test_a_tracer_beside_a_tensor_is_used():
    x = torch.tensor([1.0, 2.0])
    compiled = jax.jit(lambda a: x * a + a * x)
    np.testing.assert_array_equal(compiled(jnp.array([3.0, 5.0])), [6.0, 20.0])
    np.testing.assert_array_equal(compiled(jnp.array([1.0, 1.0])), [2.0, 4.0])


def test_what_tensors_cannot_be_is_refused():
    with pytest.raises(TypeError, match="key_data"):
        interop.from_jax(jax.random.key(0))
    with pytest.raises(TypeError, match="int4"):
        torch.as_tensor(jnp.ones(2, jnp.int4))
    with pytest.raises(TypeError, match="meta"):
        interop.to_jax(torch.ones(2, device="meta"))
    with pytest.raises(TypeError, match="sparse"):
        interop.to_jax(torch.ones(2, 2).to_sparse())


def test_trees_keep_what_is_neither():
    tree = {"a": torch.ones(2), "b": [1, "two", None], "c": (jnp.zeros(1),)}
    there = interop.to_jax(tree)
    assert isinstance(there["a"], jax.Array)
    assert there["b"] == [1, "two", None]
    back = interop.from_jax(there)
    assert isinstance(back["a"], torch.Tensor)
    assert isinstance(back["c"][0], torch.Tensor)


def test_dlpack_of_what_numpy_lacks():
    tensor = torch.tensor([1.0, -2.0], dtype=torch.bfloat16)
    array = jnp.from_dlpack(tensor)
    assert array.dtype == jnp.bfloat16
    np.testing.assert_array_equal(np.asarray(array, np.float32), [1.0, -2.0])


def test_importing_jtorch_does_not_import_interop():
    code = "import sys, jtorch; assert not any('interop' in name for name in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.oracle
def test_a_tensor_of_pytorch_comes_in_by_dlpack():
    real = pytest.importorskip("torch")
    for dtype in ("float32", "bfloat16", "int64"):
        given = real.tensor([1, 2, 3], dtype=getattr(real, dtype))
        assert torch.from_dlpack(given).tolist() == given.tolist()
