"""Functions whose graphs of operators (``make_fx``) are held against PyTorch's.

Each case is a line of Python, evaluated with ``torch``, ``F`` and ``x`` (a 2 by 3 tensor), that
gives the function and its arguments: ``(f, x)``.
"""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType
from typing import Any

PLAIN = (
    "lambda a: a, x",
    "lambda a, b: a + b * 2, x, x + 1",
    "lambda a, n: a * n, x, 3",
    "lambda xs: xs[0] + xs[1], [x, x + 1]",
    "lambda d: {'sum': d['a'] + d['b'], 'all': [d['a']]}, {'a': x, 'b': x + 1}",
    "lambda *xs: xs[0] + xs[1], x, x + 1",
    "lambda a: a + c + c, x",
    "lambda a: a + torch.tensor([1., 2., 3.]), x",
    "lambda a: a * torch.tensor(3).item(), x",
    "lambda a: a * (torch.tensor(3) + 1).item(), x",
    "lambda a: a + torch.ones(3), x",
    "lambda a: a + torch.rand(3), x",
    "lambda a: torch.split(a, 1, 1)[1] + 1, x",
    "lambda a: torch.split(a, [1, 2], dim=1)[1], x",
    "lambda a: a.max(1), x",
    "lambda a: (a + 1, 3, None), x",
    "lambda a: c, x",
    "lambda a: F.linear(a, c.expand(2, 3), torch.zeros(2)), x",
    "torch.nn.Linear(3, 2), x",
    "lambda a: F.gelu(F.softmax(a, 1)).mean(0, keepdim=True), x",
    "lambda a: torch.cat([a, a], 0)[1:, 0], x",
    "lambda a: write_and_add(a.clone()), x",
    "lambda a: a.clone().__setitem__((0, slice(None)), 1.), x",
    "lambda a: a.add_(1), x",
    "lambda a: torch.add(a, a, out=torch.empty(2, 3)), x",
    "lambda a: a.view(a.shape[0], -1) * a.numel(), x",
    "lambda a: torch.where(a > 0, a, 0.), x",
    "lambda a: a.detach() + a.data, x",
    "lambda a: a.to(torch.float64) + a.double(), x",
    "lambda a: torch.stack([a, a]).permute(1, 0, 2).reshape(2, -1), x",
    "lambda: torch.ones(2) + 1,",
    "lambda a: a.add(1).add(1).add(1, alpha=2), x",
    "lambda a: F.dropout(a, .5), x",
    "lambda a: torch.movedim(a[None], (0, 1), (2, 0)) + a.movedim(0, 1)[:, None], x",
    "lambda a: torch.complex(a, a).real + torch.complex(a, a).imag, x",
    "lambda a: a.narrow(1, -2, 2), x",
    "lambda a: a[a > 1], x",
    "lambda a: a.tril().masked_fill(a == 0, float('-inf')), x",
    "lambda a: a * a.sum().item(), x",
    "lambda a: a * 2 if a.sum() > 100 else a * 3, x",
    "lambda a, *, b: a + b, x",
    "lambda a: F.cross_entropy(a, torch.tensor([0, 1])), x",
)
#: Functions of a tensor that give a view of it, which is written to in a functional graph.
VIEWS = (
    *("view(3, 2)", "reshape(-1)", "t()", "T", "transpose(0, 1)", "permute(1, 0)", "unsqueeze(1)"),
    *("select(1, 0)", "split(1)[1]", "chunk(2, 1)[1]", "unbind(1)[2]", "detach()", "flatten()"),
    *("view_as(x)", "as_strided((2, 2), (1, 2))", "narrow(1, 0, 2)"),
    *("split([1, 2], 1)[1]", "movedim(0, 1)", "diagonal()", "select(0, 0)[1:]", "swapaxes(0, 1)"),
    *("unsqueeze(0).unsqueeze(2)", "narrow(0, 0, 1).squeeze(0)", "narrow(0, 0, 1).squeeze()"),
    *("narrow(1, 0, 1).expand(2, 1)", "view(3, 2).t().select(0, 1)"),
)
#: Methods that write to a tensor.
WRITES = (
    *("mul_(2)", "fill_(3)", "zero_()", "copy_(torch.ones(3))", "__setitem__(0, 1.)", "relu_()"),
    *("__setitem__(b > 2, 0.)", "uniform_()", "bernoulli_(.3)", "bernoulli_()", "clamp_(0, 1)"),
    *("add_(torch.ones(1, dtype=torch.float64))", "addcmul_(b, b)", "lerp_(b, .5)", "eq_(1)"),
    *("masked_fill_(b > 1, 0.)", "cumsum_(0)", "scatter_(0, torch.zeros(1, 3).long(), 1.)"),
    *("normal_()", "unsqueeze_(0)", "t_()", "exp_()"),
)
FUNCTIONAL = (
    "lambda a: a.add_(1), x",
    "lambda a, b: (a.mul_(b), b.t().add_(1))[0] + 1, x, x + 1",
    "lambda xs: xs[0].add_(xs[1]), [x, x + 1]",
    "lambda a: [b.add_(1) for b in a.split(1)], x",
    "lambda a: torch.add(a, a, out=a), x",
    "lambda a: a + c, x",
    "lambda a: a.view(-1), x",
)


def cases() -> dict[str, tuple[str, str | None]]:
    """Return by name the line of a case, and what ``functionalize`` removes, if it is called."""
    found: dict[str, tuple[str, str | None]] = {line: (line, None) for line in PLAIN}
    for remove in ("mutations", "mutations_and_views"):
        for view in VIEWS:
            line = f"lambda a: write_through(a + 1, lambda b: b.{view}), x"
            found[f"{remove}: {view}"] = (line, remove)
    for write in WRITES:
        found[f"write: {write}"] = (
            f"lambda a: written(a + 1, lambda b: b.{write}), x",
            "mutations",
        )
    for line in FUNCTIONAL:
        found[f"functional: {line}"] = (line, "mutations")
    return found


def _names(torch: ModuleType) -> dict[str, Any]:
    def write_through(b: Any, view: Any) -> Any:
        part = view(b)
        part.add_(1)
        return b, part

    def written(b: Any, write: Any) -> Any:
        write(b)
        return b

    def write_and_add(b: Any) -> Any:
        b[0] = 5
        b += 1
        return b

    return {
        "torch": torch,
        "F": importlib.import_module(f"{torch.__name__}.nn.functional"),
        "x": torch.arange(6.0).view(2, 3),
        "c": torch.ones(3),
        "write_through": write_through,
        "written": written,
        "write_and_add": write_and_add,
    }


def made(torch: ModuleType, line: str, remove: str | None) -> tuple[Any, tuple]:
    """Return the function and the arguments of a case."""
    function, *args = eval(f"({line})", _names(torch))
    if remove is not None:
        function = torch.func.functionalize(function, remove=remove)
    return function, tuple(args)


def code(torch: ModuleType, line: str, remove: str | None) -> str:
    """Return the code of a case's graph, or the error of tracing it."""
    proxy_tensor = importlib.import_module(f"{torch.__name__}.fx.experimental.proxy_tensor")
    torch.manual_seed(0)
    function, args = made(torch, line, remove)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return proxy_tensor.make_fx(function)(*args).code.strip()
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def answers(torch: ModuleType) -> dict[str, str]:
    """Return the codes of all cases, by name."""
    return {name: code(torch, *case) for name, case in cases().items()}
