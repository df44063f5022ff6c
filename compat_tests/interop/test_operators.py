"""Functions of JAX as operators of tensors, in every tier; expected values by formulas."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import pallas

import jtorch as torch
from jtorch import interop, nn


@pytest.fixture(params=["auto", "compile", "interpret"], autouse=True)
def tier(request, monkeypatch):
    monkeypatch.setattr("jtorch._core.config.EXECUTION", request.param)
    return request.param


def close(ours, theirs, tolerance=1e-5):
    ours = ours.detach().numpy() if isinstance(ours, torch.Tensor) else ours
    np.testing.assert_allclose(ours, np.asarray(theirs), tolerance, tolerance)


def leaf(*numbers):
    return torch.tensor(numbers, requires_grad=True)


def test_values_and_gradients_of_three_orders():
    cube = interop.as_operator(lambda x, n: (x**n).sum())
    x = leaf(1.0, -2.0, 3.0)
    y = cube(x, 4)
    assert y.requires_grad
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x, create_graph=True)
    (third,) = torch.autograd.grad(second.sum(), x)
    numbers = np.array([1.0, -2.0, 3.0])
    close(y, 98.0)
    close(first, 4 * numbers**3)
    close(second, 12 * numbers**2)
    close(third, 24 * numbers)


def test_it_is_recorded_with_what_surrounds_it():
    softmax = interop.as_operator(jax.nn.softmax)
    x = leaf(0.5, 1.0)
    y = (softmax(x * 2) * torch.tensor([1.0, 3.0])).sum()
    y.backward()
    formula = lambda x: (jax.nn.softmax(x * 2) * jnp.array([1.0, 3.0])).sum()  # noqa: E731
    close(y, formula(jnp.array([0.5, 1.0])))
    close(x.grad, jax.grad(formula)(jnp.array([0.5, 1.0])))
    assert type(y.grad_fn.next_functions[0][0].next_functions[0][0]).__name__ == "SoftmaxBackward0"


def test_containers_go_in_and_come_out():
    @interop.as_operator
    def fit(data, *, ridge):
        product = data["x"].T @ data["y"][0]
        return {"w": product / (1 + ridge), "parts": (product, data["x"].sum()), "none": None}

    x, y = torch.ones(3, 2, requires_grad=True), torch.arange(3.0)
    found = fit({"x": x, "y": [y]}, ridge=1.0)
    close(found["w"], [1.5, 1.5])
    assert found["none"] is None
    found["parts"][0].sum().backward()
    close(x.grad, [[0, 0], [1, 1], [2, 2]])


def test_floats_are_inputs_and_ints_constants():
    count = []

    @interop.as_operator
    def scaled(x, rate, power=1):
        count.append(1)
        assert isinstance(power, int)
        return x**power * rate

    x = torch.arange(3.0)
    for rate in (0.5, 0.25, 2.0):
        result = scaled(x, rate)
        assert result.dtype is torch.float32
        close(result, rate * np.arange(3.0))
    assert len(count) == 1
    close(scaled(x, 2.0, power=2), 2 * np.arange(3.0) ** 2)
    assert len(count) == 2
    close(scaled(torch.ones(2), 3.0), [3.0, 3.0])
    assert len(count) == 3


def test_a_rule_of_custom_vjp_is_kept():
    @jax.custom_vjp
    def round_through(x):
        return jnp.round(x)

    round_through.defvjp(lambda x: (jnp.round(x), x), lambda x, g: (g * (1 + x),))
    operator = interop.as_operator(round_through)
    x = leaf(0.6, 1.2)
    (gradient,) = torch.autograd.grad((operator(x) * 3).sum(), x, create_graph=True)
    close(gradient, [4.8, 6.6])
    (second,) = torch.autograd.grad(gradient.sum(), x)
    close(second, [3.0, 3.0])


def add_kernel(x_ref, y_ref, o_ref):
    o_ref[...] = x_ref[...] * 2 + y_ref[...]


@jax.custom_vjp
def pallas_add(x, y):
    return pallas.pallas_call(
        add_kernel, out_shape=jax.ShapeDtypeStruct(x.shape, x.dtype), interpret=True
    )(x, y)


pallas_add.defvjp(lambda x, y: (pallas_add(x, y), None), lambda _, g: (2 * g, g))


def test_a_kernel_of_pallas_in_a_module():
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias = nn.Parameter(torch.ones(4))
            self.add = interop.as_operator(pallas_add)

        def forward(self, x):
            return self.add(x, self.bias).square().sum()

    layer = Layer()
    x = torch.arange(4.0, requires_grad=True)
    layer(x).backward()
    numbers = np.arange(4.0)
    close(x.grad, 4 * (2 * numbers + 1))
    close(layer.bias.grad, 2 * (2 * numbers + 1))
    # And the module as a function of JAX again.
    apply, params, buffers = interop.functional(layer)
    gradient = jax.jit(jax.grad(lambda p, x: apply(p, buffers, x)[0]))(
        params, jnp.arange(4, dtype=jnp.float32)
    )
    close(gradient["bias"], 2 * (2 * numbers + 1))


def newton(parameter):
    """Solve x**3 + x = parameter, differentiated implicitly."""

    def body(state):
        x, _ = state
        change = (x**3 + x - parameter) / (3 * x**2 + 1)
        return x - change, jnp.abs(change).max()

    return jax.lax.while_loop(lambda s: s[1] > 1e-6, body, (jnp.ones_like(parameter), jnp.inf))[0]


@functools.partial(jax.custom_jvp)
def root(parameter):
    return newton(parameter)


@root.defjvp
def _(primals, tangents):
    x = root(primals[0])
    return x, tangents[0] / (3 * x**2 + 1)


def test_a_solver_with_an_implicit_rule():
    solve = interop.as_operator(root)
    p = torch.tensor([2.0, 10.0], dtype=torch.float64, requires_grad=True)
    x = solve(p)
    close(x, [1.0, 2.0])
    (slope,) = torch.autograd.grad(x.sum(), p, create_graph=True)
    close(slope, [1 / 4, 1 / 13])
    (second,) = torch.autograd.grad(slope.sum(), p)
    close(second, [-6 / 4**3, -12 / 13**3])
    assert torch.autograd.gradcheck(solve, (p,))
    assert torch.autograd.gradgradcheck(solve, (p,))


def test_dtypes_and_results_without_gradients():
    x = torch.tensor([3.0, 1.0], dtype=torch.bfloat16, requires_grad=True)
    values, order = interop.as_operator(lambda x: (jnp.sort(x), jnp.argsort(x)))(x)
    assert (values.dtype, order.dtype) == (torch.bfloat16, torch.int64)
    assert values.requires_grad
    assert not order.requires_grad
    assert order.tolist() == [1, 0]
    values[0].backward()
    assert x.grad.tolist() == [0.0, 1.0]
    with pytest.raises(TypeError, match="int4"):
        interop.as_operator(lambda x: x.astype(jnp.int4))(x)


def test_complex_gradients_are_pytorchs():
    z = torch.tensor([1 + 2j], requires_grad=True)
    interop.as_operator(lambda z: jnp.abs(z * z))(z).sum().backward()
    close(z.grad, [2 + 4j])


def test_transforms_of_torch_func():
    square = interop.as_operator(lambda x: jnp.square(x).sum())
    x = torch.arange(6.0).reshape(2, 3)
    numbers = np.arange(6.0).reshape(2, 3)
    close(torch.func.vmap(square)(x), (numbers**2).sum(1))
    close(torch.func.grad(square)(x), 2 * numbers)
    close(torch.func.vmap(torch.func.grad(square))(x), 2 * numbers)
    close(torch.func.hessian(square)(x[0]), 2 * np.eye(3))
    close(torch.func.jvp(square, (x[1],), (torch.ones(3),))[1], 2 * numbers[1].sum())
    close(torch.func.jacrev(interop.as_operator(jnp.sin))(x[0]), np.diag(np.cos(numbers[0])))


def test_transformations_of_jax():
    outer = interop.transform(jax.vmap, lambda a, b: a * b, in_axes=(0, None))
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    result = outer(a, b)
    close(result, [[3.0, 4.0], [6.0, 8.0]])
    result.sum().backward()
    close(a.grad, [7.0, 7.0])
    slope = interop.transform(jax.grad, lambda x: (x.relu() ** 3).sum())
    (second,) = torch.autograd.grad(slope(a).sum(), a)
    close(second, [6.0, 12.0])
    compiled = interop.jit(lambda x: x.softmax(0))
    close(compiled(torch.zeros(4)), np.full(4, 0.25))
    close(interop.call(jnp.cumsum, torch.ones(3)), [1.0, 2.0, 3.0])


def test_an_operator_of_torch_library():
    name = f"interop_tests::scaled_{np.random.default_rng().integers(1 << 40)}"
    interop.as_operator(
        lambda x, rate: jnp.tanh(x) * rate, name=name, schema="(Tensor x, float rate) -> Tensor"
    )
    operator = getattr(torch.ops.interop_tests, name.partition("::")[2])
    x = torch.tensor([0.5, -1.0], requires_grad=True)
    y = operator(x, 2.0)
    close(y, 2 * np.tanh([0.5, -1.0]))
    y.sum().backward()
    close(x.grad, 2 * (1 - np.tanh([0.5, -1.0]) ** 2))
    torch.library.opcheck(operator.default, (x, 2.0))
    assert operator(torch.ones(3, device="meta"), 2.0).shape == (3,)
    with pytest.raises(ValueError, match="needs a schema"):
        interop.as_operator(jnp.sin, name="interop_tests::sin")


def test_a_tracer_as_an_argument_is_refused():
    operator = interop.as_operator(jnp.sin)
    with pytest.raises(TypeError, match="tracer"):
        jax.jit(operator)(jnp.ones(2))
    # Inside of a pure function there are tensors.
    close(jax.grad(lambda x: interop.as_jax(operator)(x).sum())(jnp.zeros(2)), [1.0, 1.0])


def test_a_function_of_jax_inside_a_transform_is_refused_in_a_clear_sentence():
    for use in (
        lambda: torch.func.vmap(lambda x: jnp.sum(x))(torch.ones(2, 3)),
        lambda: torch.func.grad(lambda x: jnp.sum(x))(torch.ones(3)),
        lambda: interop.as_jax(lambda x: jnp.sum(x.detach()))(jnp.ones(3)),
    ):
        with pytest.raises(RuntimeError, match=r"with jtorch\.interop\.as_operator"):
            use()


def test_errors_of_the_function_are_the_callers():
    with pytest.raises(TypeError, match="dot_general"):
        interop.as_operator(jnp.matmul)(torch.ones(2, 3), torch.ones(2, 3))
    with pytest.raises(jax.errors.TracerBoolConversionError):
        interop.as_operator(lambda x: x if x.sum() > 0 else -x)(torch.ones(2))


def test_arrays_and_numbers_alone_are_arguments():
    result = interop.as_operator(lambda x, y: x + y)(jnp.ones(2, jnp.float32), np.float32(2))
    assert isinstance(result, torch.Tensor)
    close(result, [3.0, 3.0])
    close(interop.as_operator(lambda: jnp.ones(2))(), [1.0, 1.0])
