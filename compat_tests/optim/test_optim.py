"""Optimisers: trajectories recorded from PyTorch 2.13, one program a step, state, hooks, text."""

from __future__ import annotations

import copy
import io
from typing import Any

import numpy as np
import optax
import pytest

import jtorch as torch
from jtorch._engine.execution import stats

#: Parameters after 6 steps on ``(p * w).pow(2).sum()`` from p = [1, -2, 0.5], recorded from
#: PyTorch 2.13.
RECORDED: list[tuple[str, dict[str, Any], list[float]]] = [
    ("SGD", {"lr": 0.1}, [0.26214400000000004, -1.47018378125, 3.199999999999996e-05]),
    (
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        [-0.39682173430616113, -0.30593495949682736, 0.0007697419591609509],
    ),
    (
        "SGD",
        {"dampening": 0.3, "lr": 0.01, "maximize": True, "momentum": 0.9},
        [1.2920760432652205, -2.140633439950762, 1.1767030857164391],
    ),
    ("Adam", {"lr": 0.1}, [0.41423645599366177, -1.405131734864895, -0.04743152634777051]),
    (
        "Adam",
        {"amsgrad": True, "lr": 0.1, "weight_decay": 0.1},
        [0.41423645584074026, -1.405131733819388, -0.04743152636550324],
    ),
    ("AdamW", {"lr": 0.1}, [0.4099384367709288, -1.394781761724523, -0.04855758346097538]),
    ("NAdam", {"lr": 0.1}, [0.560437425905189, -1.5379575759738535, 0.1141557761190157]),
    (
        "NAdam",
        {"decoupled_weight_decay": True, "lr": 0.1, "weight_decay": 0.1},
        [0.5192293725274559, -1.4381233904673085, 0.10204988357881858],
    ),
    ("RAdam", {"lr": 0.1}, [0.19951804056282027, -1.5241514908385543, -0.22344597763590582]),
    (
        "RAdam",
        {"betas": (0.9, 0.9), "lr": 0.1, "weight_decay": 0.1},
        [0.1491517134571513, -1.4129190872487638, -0.21417155485440562],
    ),
    ("Adamax", {"lr": 0.1}, [0.47719137223214936, -1.4388612877754978, 0.04801540747265066]),
    (
        "Adagrad",
        {"initial_accumulator_value": 0.1, "lr": 0.1, "lr_decay": 0.1},
        [0.7107803789513699, -1.7067663504664243, 0.23192830482305288],
    ),
    ("Adadelta", {"lr": 1.0}, [0.9802562962139718, -1.980205561634755, 0.4803582471356856]),
    ("RMSprop", {"lr": 0.1}, [-1.9965824517703527e-17, -0.05516916185426615, 0.003907948903384296]),
    (
        "RMSprop",
        {"centered": True, "lr": 0.1, "momentum": 0.9},
        [0.7693405740804654, 1.0006542917349817, 0.26225224643867745],
    ),
    ("Rprop", {}, [0.9007008000000001, -1.9007007999999999, 0.40070079999999997]),
    (
        "ASGD",
        {"lr": 0.1, "t0": 2},
        [0.2621317118708732, -1.4700996354571076, 3.200479880295024e-05],
    ),
    ("Adafactor", {"lr": 0.1}, [0.43413873653859936, -1.386395791472497, 0.05289672749321936]),
    (
        "LBFGS",
        {"lr": 0.5, "max_iter": 2},
        [-0.04888462911812476, -0.6018834265496362, -0.043630102627741495],
    ),
    (
        "LBFGS",
        {"line_search_fn": "strong_wolfe", "max_iter": 1},
        [-0.00031022721462324284, 0.00039762327750672956, 0.0015194120079360194],
    ),
    ("Muon", {"lr": 0.1}, [0.742113808337582, -1.7787444930144318, 0.13524791449163281]),
]


def _run(name: str, options: dict[str, Any], steps: int = 6) -> tuple[Any, Any]:
    shape = (1, 3) if name == "Muon" else (3,)
    p = torch.tensor(np.array([1.0, -2.0, 0.5]).reshape(shape), requires_grad=True)
    w = torch.tensor(np.array([1.0, 0.5, 2.0]).reshape(shape))
    optimizer = getattr(torch.optim, name)([p], **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * w).pow(2).sum()
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return p, optimizer


@pytest.mark.parametrize("case", range(len(RECORDED)))
def test_trajectories(case: int) -> None:
    name, options, expected = RECORDED[case]
    p, _ = _run(name, options)
    tolerance = 2e-2 if name == "Muon" else 1e-10  # Muon computes in bfloat16
    np.testing.assert_allclose(p.detach().numpy().ravel(), expected, rtol=tolerance, atol=1e-12)


def test_a_changing_rate_compiles_nothing() -> None:
    torch.compiler.reset()
    p = torch.ones(4, requires_grad=True)
    optimizer = torch.optim.AdamW([p], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    counts = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        optimizer.step()
        scheduler.step()
        loss.item()
        counts.append(stats.snapshot().programs_compiled)
    assert counts[0] == counts[-1], "one program for all steps, the first one included"


def test_a_step_is_one_operator() -> None:
    from jtorch._engine.recording.trace import local

    layers = [torch.ones(3, requires_grad=True) for _ in range(10)]
    optimizer = torch.optim.SGD(layers, lr=0.1, momentum=0.9)
    sum((layer * layer).sum() for layer in layers).backward()
    before = local.trace.node.depth
    depths = []
    optimizer.register_step_post_hook(lambda *_: depths.append(local.trace.node.depth))
    optimizer.step()
    assert depths == [before + 1]
    assert local.trace.node.depth == 0, "a step ends a stretch"


def test_writes_are_seen_through_views_and_counted() -> None:
    p = torch.ones(2, 3, requires_grad=True)
    row = p.detach()[0]
    version = p._version
    p.sum().backward()
    torch.optim.SGD([p], lr=0.5).step()
    assert row.tolist() == [0.5, 0.5, 0.5]
    assert p._version == version + 1
    assert p.is_leaf and p.requires_grad


def test_a_graph_from_before_a_step_is_refused() -> None:
    p = torch.ones(3, requires_grad=True)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    torch.optim.SGD([p], lr=0.5).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_parameter_in_a_list_twice_is_stepped_twice() -> None:
    p = torch.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = torch.optim.SGD([p, p], lr=0.25)
    p.grad = torch.ones(1)
    optimizer.step()
    assert p.item() == 0.5


def test_parameters_with_other_step_counts() -> None:
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = torch.optim.Adam([a, b], lr=0.1)
    a.grad = torch.ones(2)
    optimizer.step()
    b.grad = torch.ones(2)
    optimizer.step()
    assert [optimizer.state[p]["step"].item() for p in (a, b)] == [2.0, 1.0]
    np.testing.assert_allclose(b.detach().numpy(), 0.9, rtol=1e-6)
    np.testing.assert_allclose(a.detach().numpy(), 0.8, rtol=1e-6)


def test_differentiable_steps() -> None:
    leaf = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    p = leaf.clone()
    lr = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=lr, differentiable=True)
    p.grad = torch.autograd.grad(((p * 1.0) ** 2).sum(), p, create_graph=True)[0]
    optimizer.step()
    (p**2).sum().backward()
    # p' = p (1 - 2 lr), so d(p'^2)/dp = 2 p (1 - 2 lr)^2 and d/dlr = -4 p^2 (1 - 2 lr).
    np.testing.assert_allclose(leaf.grad.numpy(), [1.28, 2.56])
    np.testing.assert_allclose(lr.grad.item(), -16.0)


def test_hooks_and_text() -> None:
    p = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.5)
    calls: list[str] = []
    handles = [
        optimizer.register_step_pre_hook(lambda *_: calls.append("before")),
        optimizer.register_step_post_hook(lambda *_: calls.append("after")),
        torch.optim.optimizer.register_optimizer_step_pre_hook(lambda *_: calls.append("all")),
        optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1}),
        optimizer.register_load_state_dict_pre_hook(lambda o, state: calls.append("load")),
    ]
    optimizer.step()
    state = optimizer.state_dict()
    optimizer.load_state_dict(state)
    assert calls == ["all", "before", "after", "load"] and state["more"] == 1
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(calls) == 4
    assert repr(optimizer) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n"
        "    fused: None\n    lr: 0.5\n    maximize: False\n    momentum: 0\n    nesterov: False\n"
        "    weight_decay: 0\n)"
    )


def test_states_are_saved_loaded_and_copied() -> None:
    p, optimizer = _run("Adam", {"lr": 0.1}, 2)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    other = torch.optim.Adam([p.detach().clone().requires_grad_()], lr=0.5)
    other.load_state_dict(torch.load(file))
    assert other.param_groups[0]["lr"] == 0.1
    state = next(iter(other.state.values()))
    assert state["step"].item() == 2.0 and state["step"].dtype is torch.float32
    copied = copy.deepcopy(optimizer)
    optimizer.step()
    assert next(iter(copied.state.values()))["step"].item() == 2.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: torch.optim.SGD(p, lr=0.1), "params argument given to the optimizer"),
        (lambda p: torch.optim.SGD([], lr=0.1), "optimizer got an empty parameter list"),
        (lambda p: torch.optim.SGD([p], lr=-1), "Invalid learning rate: -1"),
        (lambda p: torch.optim.SGD([p * 2], lr=1), "can't optimize a non-leaf Tensor"),
        (lambda p: torch.optim.SGD({p}, lr=1).add_param_group(3), "param_group must be a dict"),
        (lambda p: torch.optim.Adam([p], betas=(1.0, 0.5)), "Invalid beta parameter at index 0"),
        (lambda p: torch.optim.Adam([p], fused=True, foreach=True), "cannot be `True` together"),
        (lambda p: torch.optim.Adam([{"params": [p]}, {"params": [p]}]), "more than one parameter"),
        (lambda p: torch.optim.Muon([p]), "Muon only supports 2D parameters"),
        (lambda p: torch.optim.LBFGS([{"params": [p]}, {"params": []}]), "per-parameter options"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError, RuntimeError), match=message):
        make(torch.ones(3, requires_grad=True))


def test_sparse_adam_refuses_dense_gradients() -> None:
    p = torch.ones(3, requires_grad=True)
    p.grad = torch.ones(3)
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients"):
        torch.optim.SparseAdam([p]).step()


@pytest.mark.parametrize(
    "transformation",
    [optax.lion(0.01), optax.adamw(0.1), optax.chain(optax.clip(0.5), optax.sgd(0.1))],
)
def test_transformations_of_optax(transformation: Any) -> None:
    start = np.array([1.0, -2.0, 0.5], np.float32)
    p = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.Optax([p], transformation)
    expected, state = start, transformation.init(start)
    for _ in range(3):
        optimizer.zero_grad()
        (p**2).sum().backward()
        optimizer.step()
        updates, state = transformation.update(2 * expected, state, expected)
        expected = optax.apply_updates(expected, updates)
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-6)
    again = torch.optim.Optax([p.detach().requires_grad_()], transformation)
    again.load_state_dict(optimizer.state_dict())


def test_swapped_parameters() -> None:
    p, optimizer = _run("Adam", {}, 1)
    other = torch.ones(3, dtype=torch.float64, requires_grad=True)
    other.grad = torch.ones(3, dtype=torch.float64)
    state = copy.deepcopy(optimizer.state_dict())
    before = p.tolist()
    with torch.optim.swap_in_optimizer_params_and_state(optimizer, {"p": other}, state):
        optimizer.step()
    assert p.tolist() == before and other.tolist() != [1.0, 1.0, 1.0]
    assert optimizer.param_groups[0]["params"][0] is p
