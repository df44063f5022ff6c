"""Modules and functions of tensors as pure functions of JAX, against formulas of jax.numpy."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtorch as torch
from jtorch import interop, nn


def close(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), tolerance, tolerance)


def data(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


@pytest.fixture
def perceptron():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def by_hand(params, x):
    hidden = jnp.tanh(x @ params["0.weight"].T + params["0.bias"])
    return hidden @ params["2.weight"].T + params["2.bias"]


def loss_by_hand(params, x):
    return jnp.square(by_hand(params, x)).sum()


@pytest.fixture
def loss(perceptron):
    apply, params, buffers = interop.functional(perceptron)
    return (lambda p, x: jnp.square(apply(p, buffers, x)[0]).sum()), params


def test_values_and_gradients_of_two_orders(loss):
    function, params = loss
    x = data(5, 4)
    close(jax.jit(function)(params, x), loss_by_hand(params, x))
    ours, theirs = jax.grad(function)(params, x), jax.grad(loss_by_hand)(params, x)
    jax.tree.map(close, ours, theirs)
    close(jax.grad(function, 1)(params, x), jax.grad(loss_by_hand, 1)(params, x))

    def second(function):
        slope = jax.grad(function)
        return jax.grad(lambda p: jnp.square(slope(p, x)["0.weight"]).sum())(params)

    jax.tree.map(functools.partial(close, tolerance=1e-4), second(function), second(loss_by_hand))


def test_vmap_scan_and_checkpoint(loss):
    function, params = loss
    x = data(6, 2, 4)
    close(jax.vmap(function, (None, 0))(params, x), jax.vmap(loss_by_hand, (None, 0))(params, x))

    def steps(function):
        def step(params, x):
            gradient = jax.grad(jax.checkpoint(function))(params, x)
            return jax.tree.map(lambda p, g: p - 0.01 * g, params, gradient), function(params, x)

        return jax.jit(functools.partial(jax.lax.scan, step))(params, x)

    jax.tree.map(functools.partial(close, tolerance=1e-4), steps(function), steps(loss_by_hand))


SHARDED = """
import functools, jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, PartitionSpec
import jtorch as torch
from jtorch import interop

torch.manual_seed(0)
module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
apply, params, buffers = interop.functional(module)
mesh = jax.make_mesh((4,), ("batch",), axis_types=(AxisType.Auto,))

@jax.jit
@functools.partial(
    jax.shard_map, mesh=mesh, in_specs=(PartitionSpec(), PartitionSpec("batch")),
    out_specs=PartitionSpec(), check_vma=False,
)
def gradient(params, x):
    assert x.shape == (2, 4)
    loss = lambda p: apply(p, buffers, x)[0].sum()
    return jax.lax.psum(jax.grad(loss)(params), "batch")

x = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
found = gradient(params, x)
active = (x @ params["0.weight"].T + params["0.bias"] > 0).astype(np.float32)
np.testing.assert_allclose(found["0.bias"], active.sum(0), 1e-6)
np.testing.assert_allclose(found["0.weight"], active.T @ x, 1e-4, 1e-5)
print(len(jax.devices()), "devices")
"""


def test_shard_map_over_four_devices():
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    ran = subprocess.run(
        [sys.executable, "-c", SHARDED], env=environment, capture_output=True, text=True
    )
    assert ran.stdout == "4 devices\n", ran.stderr


def test_export(loss):
    pytest.importorskip("flatbuffers")
    function, params = loss
    x = data(5, 4)
    exported = jax.export.export(jax.jit(function))(params, x)
    again = jax.export.deserialize(exported.serialize())
    close(again.call(params, x), loss_by_hand(params, x))


def test_forward_mode_where_it_is_asked_for(perceptron):
    apply, params, buffers = interop.functional(perceptron, forward=True)
    x = data(4)
    ours = jax.jacfwd(lambda x: apply(params, buffers, x)[0])(x)
    close(ours, jax.jacfwd(functools.partial(by_hand, params))(x))
    ours = jax.hessian(lambda x: jnp.square(apply(params, buffers, x)[0]).sum())(x)
    close(ours, jax.hessian(functools.partial(loss_by_hand, params))(x))


def test_the_module_is_left_as_it_is(perceptron):
    perceptron[0].eval()
    before = {name: tensor.clone() for name, tensor in perceptron.state_dict().items()}
    apply, params, buffers = interop.functional(perceptron)
    moved = jax.tree.map(lambda p: p + 1, params)
    jax.jit(functools.partial(apply, train=True))(moved, buffers, data(2, 4))
    assert [part.training for part in perceptron] == [False, True, True]
    for name, tensor in perceptron.state_dict().items():
        assert torch.equal(tensor, before[name])
        assert type(perceptron.get_parameter(name)) is nn.Parameter


def test_parameters_may_be_donated_and_come_back(perceptron):
    _, params, _ = interop.functional(perceptron)
    weight = perceptron[0].weight
    old = weight.detach().clone()

    @functools.partial(jax.jit, donate_argnums=0)
    def step(params):
        return jax.tree.map(lambda p: p * 2, params)

    doubled = step(params)
    interop.load(perceptron, doubled)
    step(doubled)
    assert perceptron[0].weight is weight
    assert torch.equal(weight.detach(), 2 * old)
    with pytest.raises(KeyError, match="'nothing'"):
        interop.load(perceptron, {"nothing": jnp.ones(1)})
    with pytest.raises(ValueError, match=r"0\.bias"):
        interop.load(perceptron, {"0.bias": jnp.ones(1)})


def test_running_statistics_are_returned():
    module = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))
    apply, params, buffers = interop.functional(module)
    x = data(10, 3) * 2 + 1
    outputs, after = jax.jit(functools.partial(apply, train=True))(params, buffers, x)
    close(after["0.running_mean"], 0.1 * x.mean(0))
    close(after["0.running_var"], 0.9 + 0.1 * x.var(0, ddof=1))
    assert after["0.num_batches_tracked"] == 1
    normal = (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-5)
    close(outputs, normal @ params["1.weight"].T + params["1.bias"], 1e-4)
    evaluated, same = apply(params, after, x)
    normal = (x - after["0.running_mean"]) / jnp.sqrt(after["0.running_var"] + 1e-5)
    close(evaluated, normal @ params["1.weight"].T + params["1.bias"], 1e-4)
    close(same["0.running_mean"], after["0.running_mean"])
    assert module[0].num_batches_tracked == 0
    interop.load(module, params, after)
    assert module[0].num_batches_tracked == 1


def test_dropout_is_drawn_from_the_key():
    apply, params, buffers = interop.functional(nn.Dropout(0.25))
    train = jax.jit(functools.partial(apply, train=True))
    x = jnp.ones((100, 100), jnp.float32)
    key = jax.random.key(3)
    first = train(params, buffers, x, rng=key)[0]
    close(jnp.unique(first), [0.0, 1 / 0.75])
    assert abs(float((first == 0).mean()) - 0.25) < 0.02
    close(train(params, buffers, x, rng=key)[0], first)
    assert not np.array_equal(train(params, buffers, x, rng=jax.random.key(4))[0], first)
    close(apply(params, buffers, x)[0], x)
    gradient = jax.grad(lambda x: apply(params, buffers, x, rng=key, train=True)[0].sum())(x)
    close(gradient, first)
    before = torch.get_rng_state()
    train(params, buffers, x[:50], rng=key)
    assert torch.equal(torch.get_rng_state(), before)


def test_random_numbers_without_a_key_are_refused():
    apply, params, buffers = interop.functional(nn.Dropout())
    with pytest.raises(RuntimeError, match=r"rng=jax.random.key\(0\)"):
        apply(params, buffers, data(2), train=True)
    with pytest.raises(TypeError, match="rng: expected a key"):
        apply(params, buffers, data(2), train=True, rng=0)
    with pytest.raises(NotImplementedError, match="cannot be drawn from a key"):
        interop.as_jax(lambda x: x.random_())(data(2), rng=jax.random.key(0))


MOMENTS = {
    "rand": (lambda x: torch.rand_like(x), 0.5, 1 / 12),
    "randn": (lambda x: torch.randn(x.shape), 0.0, 1.0),
    "normal": (lambda x: torch.normal(torch.full_like(x, 2.0), torch.full_like(x, 3.0)), 2.0, 9.0),
    "bernoulli": (lambda x: torch.bernoulli(torch.full_like(x, 0.25)), 0.25, 0.1875),
    "exponential": (lambda x: torch.empty_like(x).exponential_(2.0), 0.5, 0.25),
    "geometric": (lambda x: torch.empty_like(x).geometric_(0.5), 2.0, 2.0),
    "randint": (lambda x: torch.randint(1, 4, x.shape).double(), 2.0, 2 / 3),
    "uniform": (lambda x: torch.empty_like(x).uniform_(1, 3), 2.0, 1 / 3),
    "randperm": (lambda x: torch.randperm(x.shape[0]).double(), 19999 / 2, 20000**2 / 12),
    "log_normal": (lambda x: torch.empty_like(x).log_normal_(0, 0.25), 1.0317, 0.0687),
    "gumbel": (lambda x: nn.functional.gumbel_softmax(x[:, None].expand(-1, 2))[:, 0], 0.5, 1 / 12),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_of_what_is_drawn(name):
    draw, mean, variance = MOMENTS[name]
    drawn = np.asarray(
        jax.jit(interop.as_jax(draw))(jnp.zeros(20000, jnp.float32), rng=jax.random.key(1)),
        np.float64,
    )
    spread = max(variance, 1e-3) ** 0.5
    assert abs(drawn.mean() - mean) < 5 * spread / 20000**0.5
    assert abs(drawn.var() / variance - 1) < 0.1


def test_every_draw_differs():
    two = interop.as_jax(lambda x: (torch.rand_like(x), torch.rand_like(x)))
    first, second = jax.jit(two)(jnp.zeros(100), rng=jax.random.key(0))
    assert not np.array_equal(first, second)
    slices = interop.as_jax(
        lambda x: torch.func.vmap(nn.functional.dropout, randomness="different")(x)
    )
    drawn = np.asarray(slices(jnp.ones((3, 200)), rng=jax.random.key(0)))
    assert not np.array_equal(drawn[0], drawn[1])
    keys = jax.random.split(jax.random.key(0), 3)
    mapped = jax.vmap(lambda x, key: two(x, rng=key)[0])(jnp.zeros((3, 50)), keys)
    assert not np.array_equal(mapped[0], mapped[1])


def test_gradients_flow_as_on_the_tape():
    def constant(x):
        with torch.no_grad():
            square = x * x
        return (square * x + x.detach() * x).sum()

    x = data(4)
    close(jax.grad(interop.as_jax(constant))(x), x * x + x)
    frozen = nn.Linear(2, 1)
    frozen.weight.requires_grad_(False)
    apply, params, buffers = interop.functional(frozen)
    gradient = jax.grad(lambda p: apply(p, buffers, data(3, 2))[0].sum())(params)
    close(gradient["weight"], jnp.zeros((1, 2)))
    close(gradient["bias"], jnp.full(1, 3.0))


def test_kinks_have_pytorchs_subgradients():
    # PyTorch gives 0 at the kink of both, JAX 1/2 and 1/2 for maximum and NaN for the norm.
    x = jnp.zeros(2, jnp.float32)
    close(jax.grad(interop.as_jax(lambda x: x.norm()))(x), jnp.zeros(2))
    close(jax.grad(interop.as_jax(lambda x: x.clamp(min=0).sum()))(x), jnp.ones(2))
    close(jax.grad(interop.as_jax(lambda x: nn.functional.relu(x).sum()))(x), jnp.zeros(2))


def second_derivatives(function):
    weights = jnp.array([1.0, -2.0, 3.0], jnp.float32)
    return jax.jacrev(jax.grad(lambda x: (function(x) * weights).sum()))


def test_second_derivatives_of_operators_with_rules_of_their_own():
    x = jnp.array([0.3, -0.7, 1.9], jnp.float32)
    for ours, theirs in (
        (lambda x: nn.functional.softplus(x), jax.nn.softplus),
        (lambda x: torch.sigmoid(x), jax.nn.sigmoid),
        (lambda x: nn.functional.gelu(x), lambda x: jax.nn.gelu(x, approximate=False)),
        (lambda x: torch.softmax(x, 0), jax.nn.softmax),
        (lambda x: x.abs().pow(1.5), lambda x: jnp.abs(x) ** 1.5),
        (lambda x: x.exp().cumsum(0), lambda x: jnp.cumsum(jnp.exp(x))),
    ):
        second, expected = map(second_derivatives, (interop.as_jax(ours), theirs))
        close(second(x), expected(x), 1e-4)


def test_complex_gradients_are_jaxs():
    z = jnp.array([1 + 2j, -0.5 + 0.25j])
    ours = interop.as_jax(lambda z: (z * z.conj().exp()).abs().square().sum())
    close(jax.grad(ours)(z), jax.grad(lambda z: (jnp.abs(z * jnp.exp(z.conj())) ** 2).sum())(z))


def test_writes_in_place_are_part_of_the_function():
    def function(x):
        y = torch.zeros(3, 2)
        y[1] = x
        y[:, 0] += 1
        x.mul_(2)
        return y, x

    x = data(2)
    y, doubled = jax.jit(interop.as_jax(function))(x)
    close(y, jnp.zeros((3, 2)).at[1].set(x).at[:, 0].add(1))
    close(doubled, 2 * x)
    gradient = jax.grad(lambda x: interop.as_jax(function)(x)[0][1].sum())(x)
    close(gradient, jnp.ones(2))


def test_gradients_inside_the_function():
    def penalty(x):
        (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        return (slope**2).sum()

    x = data(3)
    pure = interop.as_jax(penalty)
    close(pure(x), (9 * x**4).sum())
    close(jax.grad(pure)(x), 36 * x**3, 1e-4)
    close(interop.as_jax(torch.func.grad(lambda x: (x**3).sum()))(x), 3 * x**2)


def test_arguments_are_containers_of_anything():
    def function(batch, *, scale, names):
        assert names == ["a", "b"]
        assert isinstance(batch["x"], torch.Tensor)
        return {"y": batch["x"] * scale + batch["z"][0], "n": len(names), "none": None}

    batch = {"x": np.ones(2, np.float32), "z": (jnp.ones(2, jnp.int32),)}
    found = interop.as_jax(function)(batch, scale=2.0, names=["a", "b"])
    close(found["y"], [3.0, 3.0])
    assert (found["n"], found["none"]) == (2, None)


def test_what_is_no_pure_function_is_refused():
    for function, reason in (
        (lambda x: x if x.sum() > 0 else -x, "bool"),
        (lambda x: x * x.sum().item(), "item"),
        (lambda x: x[x > 0], "index"),
    ):
        with pytest.raises(RuntimeError, match=rf"looks at a value \({reason}\)"):
            jax.jit(interop.as_jax(function))(data(3))
    kept = []
    interop.as_jax(lambda x: kept.append(x * 2))(data(3))
    with pytest.raises(RuntimeError, match="used outside of the function"):
        kept[0].sum().item()
    offset = torch.ones(1)
    looks = interop.as_jax(lambda x: x + (offset * 2).item())
    close(looks(jnp.zeros(2)), [2.0, 2.0])


def test_tied_weights_are_one_parameter():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = nn.Linear(3, 3, bias=False)
            self.decode = nn.Linear(3, 3, bias=False)
            self.decode.weight = self.encode.weight

        def forward(self, x):
            return self.decode(self.encode(x))

    apply, params, buffers = interop.functional(Tied())
    assert list(params) == ["encode.weight"]
    x = data(2, 3)
    gradient = jax.grad(lambda p: apply(p, buffers, x)[0].sum())(params)["encode.weight"]
    weight = params["encode.weight"]
    close(gradient, jax.grad(lambda w: (x @ w.T @ w.T).sum())(weight))


@pytest.mark.parametrize("tier", ["auto", "compile", "interpret"])
def test_recurrent_and_attending_modules(tier, monkeypatch):
    monkeypatch.setattr("jtorch._core.config.EXECUTION", tier)
    torch.manual_seed(0)
    for module, shape in (
        (nn.LSTM(3, 4, batch_first=True), (2, 5, 3)),
        (nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), (2, 5, 4)),
    ):
        apply, params, buffers = interop.functional(module)
        module.eval()
        x = data(*shape)
        expected = module(torch.as_tensor(x))
        found = jax.jit(apply)(params, buffers, x)[0]
        jax.tree.map(close, interop.to_jax(jax_tree(expected)), found)
        first = jax.tree.leaves(found)[0]
        assert first.dtype == jnp.float32


def jax_tree(tree):
    """Return containers of detached tensors."""
    if isinstance(tree, torch.Tensor):
        return tree.detach()
    return tuple(jax_tree(each) for each in tree)


def test_optax_trains_the_parameters(perceptron):
    apply, params, buffers = interop.functional(perceptron)
    optimiser = optax.adam(1e-2)
    state = optimiser.init(params)
    x, target = data(64, 4), data(64, 3, seed=1)

    def loss(params):
        return jnp.square(apply(params, buffers, x)[0] - target).mean()

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(params, state):
        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimiser.update(gradient, state)
        return optax.apply_updates(params, updates), state, value

    # The same by torch.optim.
    theirs = torch.optim.Adam(perceptron.parameters(), lr=1e-2)
    for _ in range(20):
        params, state, value = step(params, state)
        theirs.zero_grad()
        expected = nn.functional.mse_loss(perceptron(torch.as_tensor(x)), torch.as_tensor(target))
        expected.backward()
        theirs.step()
    close(value, expected.item(), 1e-4)
    for name, parameter in perceptron.named_parameters():
        close(params[name], parameter.detach().numpy(), 1e-3)
    interop.load(perceptron, params)
    close(
        loss(params),
        nn.functional.mse_loss(perceptron(torch.as_tensor(x)), torch.as_tensor(target)).item(),
    )


def test_orbax_saves_the_parameters(perceptron, tmp_path):
    orbax = pytest.importorskip("orbax.checkpoint")
    _, params, _ = interop.functional(perceptron)
    with orbax.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "params", params)
        checkpointer.wait_until_finished()
        empty = jax.tree.map(jnp.zeros_like, params)
        again = checkpointer.restore(tmp_path / "params", empty)
    jax.tree.map(np.testing.assert_array_equal, again, params)
    interop.load(perceptron, again)


def test_the_train_state_of_flax_takes_them(perceptron):
    train_state = pytest.importorskip("flax.training.train_state")
    apply, params, buffers = interop.functional(perceptron)
    state = train_state.TrainState.create(apply_fn=apply, params=params, tx=optax.sgd(0.1))
    x = data(5, 4)

    @jax.jit
    def step(state):
        loss = lambda p: jnp.square(state.apply_fn(p, buffers, x)[0]).sum()  # noqa: E731
        return state.apply_gradients(grads=jax.grad(loss)(state.params))

    after = step(state)
    gradient = jax.grad(loss_by_hand)(params, x)
    jax.tree.map(close, after.params, jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient))
    assert after.step == 1


# Functions with a gradient in Python


class Exponential(torch.autograd.Function):
    """Saves its result."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (y,) = ctx.saved_tensors
        return gradient * y


class DoubledPower(torch.autograd.Function):
    """Has a gradient twice the true one."""

    @staticmethod
    def forward(ctx, x, power):
        ctx.save_for_backward(x)
        ctx.power = power
        return x**power, torch.tensor(3)

    @staticmethod
    def backward(ctx, gradient, _):
        (x,) = ctx.saved_tensors
        return gradient * 2 * ctx.power * x ** (ctx.power - 1), None


class StraightThrough(torch.autograd.Function):
    """In the style that ``torch.func`` wants."""

    @staticmethod
    def forward(x):
        return x.round()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Once(torch.autograd.Function):
    """Must not be differentiated twice."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * 2 * x


def test_functions_of_autograd_keep_their_gradients():
    x = data(3)
    exponential = interop.as_jax(lambda x: Exponential.apply(x).sum())
    for order in (jax.grad, lambda f: jax.grad(lambda x: jax.grad(f)(x).sum())):
        close(jax.jit(order(exponential))(x), jnp.exp(x))
    power = interop.as_jax(lambda x: DoubledPower.apply(x, 3)[0].sum())
    close(jax.grad(power)(x), 6 * x**2)
    close(jax.grad(lambda x: jax.grad(power)(x).sum())(x), 12 * x)
    through = interop.as_jax(lambda x: (StraightThrough.apply(x) * x).sum())
    close(jax.grad(through)(x), x + jnp.round(x))
    close(jax.vmap(jax.grad(through))(jnp.stack([x, 2 * x]))[1], 2 * x + jnp.round(2 * x))


def test_functions_of_autograd_refuse_what_they_cannot():
    x = data(3)
    once = interop.as_jax(lambda x: Once.apply(x).sum())
    close(jax.grad(once)(x), 2 * x)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        jax.grad(lambda x: jax.grad(once)(x).sum())(x)
    forward = interop.as_jax(lambda x: StraightThrough.apply(x).sum(), forward=True)
    close(jax.grad(forward)(x), jnp.ones(3))
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(forward, (x,), (x,))


def test_an_operator_of_torch_library_keeps_its_gradient():
    @torch.library.custom_op("interop_tests::seven_squares", mutates_args=())
    def squares(x: torch.Tensor) -> torch.Tensor:
        return x * x

    squares.register_autograd(
        lambda ctx, gradient: gradient * 7 * ctx.saved_tensors[0],
        setup_context=lambda ctx, inputs, output: ctx.save_for_backward(inputs[0]),
    )
    x = data(3)
    close(jax.grad(interop.as_jax(lambda x: squares(x).sum()))(x), 7 * x)


MODULES = {
    "transformer": (lambda: nn.Transformer(8, 2, 1, 1, 16, batch_first=True), [(2, 4, 8)] * 2),
    "attention": (lambda: nn.MultiheadAttention(8, 2, 0.1, batch_first=True), [(2, 4, 8)] * 3),
    "gru": (lambda: nn.GRU(8, 8, 2, dropout=0.5, batch_first=True), [(2, 4, 8)]),
    "convolutions": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(3, 4, 2, 2), nn.GroupNorm(2, 4), nn.SiLU(), nn.AdaptiveAvgPool2d(1)
        ),
        [(2, 3, 8, 8)],
    ),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(8, 3)), [(2, 8)]),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3)), [(2, 8)]),
    "alpha dropout": (lambda: nn.Sequential(nn.Linear(8, 4), nn.AlphaDropout(0.2)), [(2, 8)]),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_of_every_kind(name):
    make, shapes = MODULES[name]
    torch.manual_seed(0)
    module = make().eval()
    apply, params, buffers = interop.functional(module)
    inputs = [data(*shape, seed=at) for at, shape in enumerate(shapes)]

    def total(tree):
        return sum((leaf**2).sum() for leaf in jax.tree.leaves(tree, is_leaf=torch.is_tensor))

    def loss(params):
        return total(apply(params, buffers, *inputs)[0])

    value, gradient = jax.jit(jax.value_and_grad(loss))(params)
    expected = total(module(*map(torch.as_tensor, inputs)))
    expected.backward()
    close(value, expected.item(), 1e-4)
    for each, parameter in module.named_parameters():
        close(gradient[each], parameter.grad.numpy(), 1e-3)
    train = jax.jit(functools.partial(apply, train=True))
    first, second = (train(params, buffers, *inputs, rng=jax.random.key(at))[0] for at in (0, 1))
    drawn = any(isinstance(part, nn.AlphaDropout | nn.GRU) for part in module.modules())
    assert drawn == (not jnp.allclose(jax.tree.leaves(first)[0], jax.tree.leaves(second)[0])) or (
        name in ("transformer", "attention")
    )


def test_numbers_that_elements_decide_are_refused():
    for function in (
        lambda x: torch.multinomial(x.softmax(0), 1),
        lambda x: nn.functional.rrelu(x, training=True),
    ):
        with pytest.raises(NotImplementedError, match=r"torch\.multinomial, RReLU"):
            interop.as_jax(function)(data(3), rng=jax.random.key(0))
