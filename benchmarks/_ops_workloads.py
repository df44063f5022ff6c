"""Forty common operators at three sizes, forwards alone and with the gradient.

PyTorch and jtorch run the same lines. A step is one call whose results are made and thrown away;
for jtorch that is one program each time, since nothing follows that it could be fused with.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

Run = Callable[[int], None]

SIZES = {"small": 1 << 8, "medium": 1 << 14, "large": 1 << 20}


def _square(n: int) -> tuple[int, int]:
    side = int(n**0.5)
    return side, side


def _image(n: int) -> tuple[int, int, int, int]:
    side = max(8, int((n / 64) ** 0.5))
    return max(1, n // (16 * side * side)), 16, side, side


def _sequence(n: int) -> tuple[int, int, int]:
    return max(1, n // 4096), 32, 128


# Name: shape of the input from the number of elements, and the call.
OPERATORS: dict[str, tuple[Callable[[int], tuple[int, ...]], Callable[..., Any]]] = {
    "add": (_square, lambda t, x, o: x + o),
    "mul": (_square, lambda t, x, o: x * o),
    "div": (_square, lambda t, x, o: x / (o.abs() + 1)),
    "pow": (_square, lambda t, x, o: x.abs() ** 1.5),
    "exp": (_square, lambda t, x, o: x.exp()),
    "log": (_square, lambda t, x, o: (x.abs() + 1).log()),
    "sqrt": (_square, lambda t, x, o: (x.abs() + 1).sqrt()),
    "sin": (_square, lambda t, x, o: x.sin()),
    "tanh": (_square, lambda t, x, o: x.tanh()),
    "sigmoid": (_square, lambda t, x, o: x.sigmoid()),
    "relu": (_square, lambda t, x, o: x.relu()),
    "gelu": (_square, lambda t, x, o: t.nn.functional.gelu(x)),
    "silu": (_square, lambda t, x, o: t.nn.functional.silu(x)),
    "clamp": (_square, lambda t, x, o: x.clamp(-0.5, 0.5)),
    "where": (_square, lambda t, x, o: t.where(x > 0, x, o)),
    "sum": (_square, lambda t, x, o: x.sum()),
    "sum over rows": (_square, lambda t, x, o: x.sum(0)),
    "mean": (_square, lambda t, x, o: x.mean(1)),
    "var": (_square, lambda t, x, o: x.var(1)),
    "max": (_square, lambda t, x, o: x.max(1).values),
    "amax": (_square, lambda t, x, o: x.amax(0)),
    "logsumexp": (_square, lambda t, x, o: x.logsumexp(1)),
    "softmax": (_square, lambda t, x, o: x.softmax(1)),
    "log_softmax": (_square, lambda t, x, o: x.log_softmax(1)),
    "cumsum": (_square, lambda t, x, o: x.cumsum(1)),
    "sort": (_square, lambda t, x, o: x.sort(1).values),
    "topk": (_square, lambda t, x, o: x.topk(5, 1).values),
    "matmul": (_square, lambda t, x, o: x @ o),
    "linear": (_square, lambda t, x, o: t.nn.functional.linear(x, o)),
    "transpose": (_square, lambda t, x, o: x.t().contiguous()),
    "cat": (_square, lambda t, x, o: t.cat([x, o], 1)),
    "index_select": (_square, lambda t, x, o: x[t.arange(0, x.shape[0], 2)]),
    "masked_fill": (_square, lambda t, x, o: x.masked_fill(o > 0, 0.0)),
    "layer_norm": (_square, lambda t, x, o: t.nn.functional.layer_norm(x, x.shape[1:])),
    "batch_norm": (
        _image,
        lambda t, x, o: t.nn.functional.batch_norm(x, None, None, training=True),
    ),
    "conv2d": (
        _image,
        lambda t, x, o: t.nn.functional.conv2d(x, x.new_ones(16, 16, 3, 3), padding=1),
    ),
    "max_pool2d": (_image, lambda t, x, o: t.nn.functional.max_pool2d(x, 2)),
    "avg_pool2d": (_image, lambda t, x, o: t.nn.functional.avg_pool2d(x, 2)),
    "mse_loss": (_square, lambda t, x, o: t.nn.functional.mse_loss(x, o)),
    "attention": (
        _sequence,
        lambda t, x, o: t.nn.functional.scaled_dot_product_attention(x, x, x),
    ),
}  # fmt: skip


def _workload(operator: str, size: str, gradient: bool) -> Callable[[ModuleType, Any], Run]:
    def make(torch: ModuleType, wrap: Any) -> Run:
        shape_of, call = OPERATORS[operator]
        torch.manual_seed(0)
        shape = shape_of(SIZES[size])
        x, other = torch.randn(*shape, requires_grad=gradient), torch.randn(*shape)
        made = getattr(torch, "synchronize", None)  # PyTorch has made it when it returns

        def run(steps: int) -> None:
            for _ in range(steps):
                result = call(torch, x, other)
                if gradient:
                    result.sum().backward()
                    result = x.grad
                    x.grad = None
                if made is not None:
                    made()

        return run

    return make


TORCH_WORKLOADS = {
    f"{operator}, {size}{', gradient' if gradient else ''}": _workload(operator, size, gradient)
    for operator in OPERATORS
    for size in SIZES
    for gradient in (False, True)
}
JAX_WORKLOADS: dict[str, Callable[[], Run]] = {}
