"""Mixed precision: dtypes that PyTorch 2.13's lists give, gradients through casts, the scaler."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jtorch as torch

F = torch.nn.functional
X = torch.ones(2, 2)
HALF = X.bfloat16()

LOWERED: dict[str, Callable[[], Any]] = {
    "mm": lambda: torch.mm(X, X),
    "operator": lambda: X @ X,
    "method": lambda: X.mm(X),
    "linear": lambda: F.linear(X, X),
    "addmm": lambda: torch.addmm(X, X, X),
    "bmm": lambda: torch.bmm(X[None], X[None]),
    "einsum": lambda: torch.einsum("ij,jk->ik", X, X),
    "conv2d": lambda: F.conv2d(X[None, None], X[None, None]),
    "module": lambda: torch.nn.Linear(2, 3)(X),
    "attention": lambda: F.scaled_dot_product_attention(X[None], X[None], X[None]),
}
IN_FLOAT32: dict[str, Callable[[], Any]] = {
    "prod": lambda: HALF.prod(),
    "mse_loss": lambda: F.mse_loss(HALF, HALF),
    "cross_entropy": lambda: F.cross_entropy(HALF, torch.tensor([0, 1])),
    "cat": lambda: torch.cat([HALF, X]),
    "stack": lambda: torch.stack([X, HALF]),
    "mv is in no list": lambda: torch.mv(X, X[0]),
    "addition is in no list": lambda: X + X,
    "inv": lambda: torch.linalg.inv(torch.eye(2).bfloat16()),
}


@pytest.mark.parametrize("name", LOWERED)
def test_lowered(name: str) -> None:
    with torch.autocast("cpu"):
        assert LOWERED[name]().dtype is torch.bfloat16
        with torch.autocast("cpu", enabled=False):
            assert LOWERED[name]().dtype is torch.float32
    with torch.autocast("cpu", dtype=torch.float16):
        assert LOWERED[name]().dtype is torch.float16
    assert LOWERED[name]().dtype is torch.float32


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_in_float32(name: str) -> None:
    with torch.autocast("cpu"):
        assert IN_FLOAT32[name]().dtype is torch.float32


def test_float64_and_places_are_left_alone() -> None:
    out = torch.empty(2, 2)
    with torch.autocast("cpu"):
        assert torch.mm(X.double(), X.double()).dtype is torch.float64
        torch.mm(X * 1.001, X, out=out)
    assert out[0, 0].item() == pytest.approx(2.002, abs=1e-6), "computed in float32"


def test_gradients_pass_the_casts() -> None:
    weight = torch.tensor([[1.001, 2.0]], requires_grad=True)
    with torch.autocast("cpu"):
        loss = F.linear(torch.tensor([[3.0, 1.0]]), weight).float().sum()
    loss.backward()
    assert loss.item() == 5.0, "1.001 is 1 in bfloat16"
    assert weight.grad.dtype is torch.float32 and weight.grad.tolist() == [[3.0, 1.0]]


def test_a_decorator_and_the_state() -> None:
    @torch.autocast("cpu")
    def product() -> Any:
        assert torch.is_autocast_enabled("cpu") and not torch.is_autocast_enabled()
        return X @ X

    assert product().dtype is torch.bfloat16
    assert not torch.is_autocast_enabled("cpu")
    assert torch.get_autocast_dtype("cpu") is torch.bfloat16
    assert torch.get_autocast_dtype("cuda") is torch.float16
    with pytest.raises(TypeError, match="requires a callable, but got int"):
        torch.autocast("cpu")(3)
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        torch.autocast("nothing")
    with pytest.warns(UserWarning, match="In CPU autocast, but the target dtype"):
        torch.autocast("cpu", dtype=torch.float32)
    with pytest.warns(FutureWarning, match="`torch.cpu.amp.autocast"):
        torch.cpu.amp.autocast()


def test_functions_of_users() -> None:
    seen = []

    class Double(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx: Any, x: Any) -> Any:
            seen.append((x.dtype, torch.is_autocast_enabled("cpu")))
            return x * 2

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx: Any, grad: Any) -> Any:
            seen.append((grad.dtype, torch.is_autocast_enabled("cpu")))
            return grad * 2

    x = HALF.clone().requires_grad_()
    with torch.autocast("cpu"):
        Double.apply(x).sum().backward()
    assert seen == [(torch.float32, False), (torch.float32, False)]


@pytest.mark.parametrize(("name", "options"), [("SGD", {}), ("Adam", {"fused": True})])
def test_scaler(name: str, options: dict) -> None:
    p = torch.ones(3, requires_grad=True)
    optimizer = getattr(torch.optim, name)([p], lr=0.1, **options)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    seen = []
    for turn in range(4):
        optimizer.zero_grad()
        scaler.scale((p * p).sum() * (float("inf") if turn == 2 else 1.0)).backward()
        if turn == 1:
            scaler.unscale_(optimizer)
            np.testing.assert_allclose(p.grad.numpy(), 2 * p.detach().numpy(), rtol=1e-6)
        before = p.tolist()
        scaler.step(optimizer)
        assert (p.tolist() == before) == (turn == 2), "no step where a gradient is infinite"
        scaler.update()
        seen.append((scaler.get_scale(), scaler._get_growth_tracker()))
    assert seen == [(8.0, 1), (16.0, 0), (8.0, 0), (8.0, 1)]
    again = pickle.loads(pickle.dumps(scaler))
    assert again.state_dict() == scaler.state_dict()
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        scaler.update()


def test_what_a_scaler_refuses() -> None:
    scaler = torch.amp.GradScaler("cpu")
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    with pytest.raises(AssertionError, match="Attempted step but _scale is None"):
        scaler.step(optimizer)
    scaler.scale(optimizer.param_groups[0]["params"][0] * 1).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) has already been called"):
        scaler.unscale_(optimizer)
    with pytest.warns(UserWarning, match="CUDA is not available"):
        assert torch.amp.GradScaler("cuda").state_dict() == {}
