"""A residual network that magnifies rounding: how far jtorch and PyTorch may be apart.

Its last layers normalise over two pixels, and Adam's first steps have the same length for a
gradient that is rounding alone. In float32 PyTorch is some 3e-4 away from its own float64; jtorch
has to be no further from that float64 than a small multiple of it, and to equal it in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def _block(torch: Any, width: int, out: int, stride: int) -> Any:
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(width, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
                nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out),
            )  # fmt: skip
            self.short = nn.Sequential(
                nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

        def forward(self, x: Any) -> Any:
            return torch.relu(self.body(x) + self.short(x))

    return Block()


def _trained(torch: Any, dtype: str) -> np.ndarray:
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        *[_block(torch, 16 * 2**i, 32 * 2**i, 2) for i in range(3)],
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 5),
    ).to(getattr(torch, dtype))  # fmt: skip
    images, labels = torch.randn(2, 3, 16, 16).to(getattr(torch, dtype)), torch.tensor([1, 3])
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(3):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimiser.step()
    net.eval()
    with torch.no_grad():
        return net(images).double().numpy()


@pytest.mark.oracle
def test_rounding_is_all_that_differs() -> None:
    import torch

    import jtorch

    exact = _trained(torch, "float64")
    scale = np.abs(exact).max()
    assert np.abs(_trained(jtorch, "float64") - exact).max() < 1e-8 * scale
    rounding = np.abs(_trained(torch, "float32") - exact).max()
    assert rounding > 1e-5 * scale  # else the network magnifies nothing
    assert np.abs(_trained(jtorch, "float32") - exact).max() < 4 * rounding
