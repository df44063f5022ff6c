"""Small modules and functions that are traced, and what their graphs and codes are.

``texts(torch)`` traces all of them under either library; PyTorch's answers are recorded in
``compat_tests/golden/fx_texts.json`` by ``python -m tools.record_goldens fx``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Point(NamedTuple):
    """A named tuple that a traced function returns."""

    x: Any
    y: Any


def build(torch: Any) -> dict[str, Callable[[], Any]]:
    """Return what makes each module or function, by a name."""
    nn, F = torch.nn, torch.nn.functional
    cases = {}

    def case(f):
        cases[f.__name__] = f
        return f

    @case
    def mlp():
        return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))

    @case
    def conv_net():
        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 2, 3)
                self.bn = nn.BatchNorm2d(2)
                self.fc = nn.Linear(8, 3)

            def forward(self, x):
                x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 2)
                return F.log_softmax(self.fc(torch.flatten(x, 1)), dim=1)

        return M()

    @case
    def residual():
        class B(nn.Module):
            def __init__(self):
                super().__init__()
                self.l = nn.Linear(3, 3)

            def forward(self, x):
                return x + self.l(x).relu()

        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.b1 = B()
                self.layers = nn.ModuleList([B(), B()])
                self.scale = nn.Parameter(torch.ones(3))
                self.register_buffer("shift", torch.zeros(3))

            def forward(self, x):
                x = self.b1(x)
                for layer in self.layers:
                    x = layer(x)
                return x * self.scale - self.shift

        return M()

    @case
    def arithmetic():
        def f(x, y):
            a = x + y * 2 - 1 / x
            b = -(a**2) // 3 % 5
            c = (a < b) & (a != 0) | ~(b >= 1)
            return a @ b, c, 2 + x, 3 - x, 2**x, abs(x), x << 1, x >> 1, x ^ y

        return f

    @case
    def indexing():
        def f(x, y):
            return x[0], x[:, 1:], x[..., None], x[y], x[1:2, y, ::2], x[[0, 1]]

        return f

    @case
    def methods():
        def f(x):
            return (
                x.view(-1, 2)
                .transpose(0, 1)
                .contiguous()
                .sum(dim=[0, 1], keepdim=True)
                .to(torch.float64)
                .mean()
            )

        return f

    @case
    def functions():
        def f(x):
            return (
                torch.cat([x, torch.sin(x)], dim=0),
                torch.stack((x, x)),
                torch.clamp(x, min=0, max=1.5),
                torch.sum(x, dim=1),
            )

        return f

    @case
    def functional():
        def f(x, w):
            y = F.linear(x, w)
            y = F.gelu(y)
            y = F.dropout(y, 0.3, training=False)
            y = F.softmax(y, dim=-1)
            y = F.layer_norm(y, (4,))
            y = F.leaky_relu(y, 0.2)
            y = F.pad(y, (1, 1))
            y = F.silu(y)
            y = F.hardswish(y)
            y = F.sigmoid(y)
            y = F.tanh(y)
            return (
                F.mse_loss(y, y),
                F.cross_entropy(y, y),
                F.normalize(y),
                F.interpolate(y, scale_factor=2),
                F.embedding(x, w),
                F.max_pool2d(x, 2),
                F.adaptive_avg_pool2d(x, 1),
                F.batch_norm(x, None, None),
                F.conv2d(x, w),
                F.one_hot(x),
                F.elu(x),
                F.softplus(x),
                F.avg_pool2d(x, 2),
            )

        return f

    @case
    def attributes():
        def f(x):
            n = x.shape[0]
            return x.reshape(n, x.size(1), -1), x.T, x.dtype, x.device, x.ndim

        return f

    @case
    def defaults():
        def f(x, y=None, *, alpha=2.0, flag=True):
            return x * alpha

        f.__annotations__ = {"alpha": float}
        return f

    @case
    def annotations():
        def f(x, y=3):
            return x + y

        f.__annotations__ = {"x": torch.Tensor, "y": int, "return": torch.Tensor}
        return f

    @case
    def varargs():
        def f(x, *args, **kwargs):
            return x + args[0] + kwargs["k"]

        return f

    @case
    def dict_output():
        def f(x):
            return {"a": x + 1, "b": [x, (x, None)], "c": slice(None, 2), "d": 1.5}

        return f

    @case
    def named_tuple():
        def f(x):
            return Point(x + 1, x)

        return f

    @case
    def dtypes_devices():
        def f(x):
            return (
                x.to(torch.float16).to(torch.device("cpu")),
                torch.zeros_like(x, dtype=torch.int64),
                torch.full_like(x, math.inf),
                x * math.nan,
                x + float("-inf"),
            )

        return f

    @case
    def unused():
        def f(x, y):
            a = x + 1
            torch.relu(a)
            y * 3
            return a

        return f

    @case
    def repeated_names():
        def f(x, add, relu):
            return torch.relu(torch.relu(x + add)) + relu

        return f

    @case
    def getattr_parameter():
        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.w = nn.Parameter(torch.ones(2, 2))
                self.sub = nn.Linear(2, 2)

            def forward(self, x):
                return F.linear(x, self.w) + self.sub.weight @ x + self.w

        return M()

    @case
    def inplace():
        def f(x, y):
            x = x.clone()
            x += y
            x.add_(1)
            x *= 2
            torch.relu_(x)
            F.relu(x, inplace=True)
            return x

        return f

    @case
    def constants():
        t = torch.ones(2)

        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.k = t

            def forward(self, x):
                return x + self.k + torch.ones(2) + t

        return M()

    @case
    def attention():
        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.qkv = nn.Linear(8, 24, bias=False)
                self.out = nn.Linear(8, 8)
                self.norm = nn.LayerNorm(8)
                self.drop = nn.Dropout(0.1)

            def forward(self, x, mask=None):
                q, _, _ = self.qkv(self.norm(x)).chunk(3, dim=-1)[0:3][0], x, x
                b, t = x.size(0), x.size(1)
                q = q.view(b, t, 2, -1).transpose(1, 2)
                a = torch.softmax(q @ q.transpose(-2, -1) / math.sqrt(4), dim=-1)
                y = (a @ q).transpose(1, 2).reshape(b, t, -1)
                return x + self.drop(self.out(y))

        return M()

    @case
    def einsum():
        def f(x, y):
            return (
                torch.einsum("bij,bjk->bik", x, y),
                torch.einsum("ii", x),
                torch.where(x > 0, x, y),
                torch.max(x, dim=1)[0],
                torch.split(x, 2, dim=1),
            )

        return f

    return cases


#: Functions that cannot be traced.
UNTRACEABLE: dict[str, Callable] = {
    "condition": lambda x: x + 1 if x.sum() > 0 else x,
    "loop": lambda x: [each for each in x],
    "len": lambda x: len(x),
    "int": lambda x: int(x),
    "float": lambda x: float(x),
    "range": lambda x: range(x.size(0)),
    "contains": lambda x: 1 in x,
    "starred": lambda x: max(*x),
    "two_starred": lambda x: max(**x),
    "index": lambda x: [1, 2][x],
}


def texts(torch: Any) -> dict[str, str]:
    """Return graph, code and text of each traced module, and the errors of the others."""
    found = {}
    for name, make in build(torch).items():
        module = torch.fx.symbolic_trace(make())
        found[name] = f"{module.graph}\n{module.code}\n{module}"
    for name, function in UNTRACEABLE.items():
        try:
            found[name] = str(torch.fx.symbolic_trace(function).code)
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    return found
