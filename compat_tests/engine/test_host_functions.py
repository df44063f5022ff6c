"""What operators say they are in NumPy: the same values and gradients as by XLA."""

from __future__ import annotations

import pytest

import jtorch as torch
from compat_tests.engine.test_interpreter import VIEWS, flat, run_under
from jtorch._engine.graph.op import REGISTRY
from jtorch.nn import functional as F
from jtorch.ops.optim.buckets import bucket_parts, flat_bucket

FLOATS = ("float32", "float64", "bfloat16", "float16")


def numbers(dtype="float32"):
    """Return a leaf of 2 x 3 x 4 different numbers of both signs."""
    x = (torch.arange(24.0).reshape(2, 3, 4) * 7 % 24 - 9) / 8
    return x.to(getattr(torch, dtype)).requires_grad_()


def long(*shape):
    """Return a leaf of more numbers, whose sum depends on the order."""
    count = 1
    for size in shape:
        count *= size
    x = torch.arange(count).reshape(shape)
    return ((x * 7919) % 1000 - 400).float().div(7).requires_grad_()


INDEX = [1, 0, 1, 1]

#: By operator: functions that use it, and give a tensor that may require grad and its leaf.
CASES = {
    "sum": [
        lambda x: x.sum(),
        lambda x: x.sum(1),
        lambda x: x.sum((0, 2), keepdim=True),
        lambda x: x.sum(-1, dtype=torch.float64),
    ],
    "mean": [lambda x: x.mean(), lambda x: x.mean(1), lambda x: x.mean((1, 2), keepdim=True)],
    "repeat": [lambda x: x.repeat(2, 1, 3), lambda x: x.repeat(2, 1, 1, 1)],
    "cat": [
        lambda x: torch.cat([x, x[:, :1], x], 1),
        lambda x: torch.cat([x, x.double(), torch.ones(2, 3, 1, dtype=torch.int32)], -1),
        lambda x: torch.cat([torch.zeros(0), x]),
    ],
    "stack": [
        lambda x: torch.stack([x, x * 2, x], 1),
        lambda x: torch.stack([x[0], x[1].double()], -1),
    ],
    "glu": [lambda x: F.glu(x), lambda x: F.glu(x, 0)],
    "take": [lambda x: x.take(torch.tensor([[3, -1], [3, 20]]))],
    "_divide_by": [lambda x: F.cross_entropy(x[0], x[1].detach().softmax(-1))],
    "unfold": [lambda x: x.unfold(1, 2, 1), lambda x: x.unfold(-1, 2, 2)],
    "softmax": [lambda x: x.softmax(1), lambda x: x.softmax(-1), lambda x: x[0, 0, 0].softmax(0)],
    "log_softmax": [lambda x: x.log_softmax(1), lambda x: F.log_softmax(x, 0)],
    "_layer_norm": [
        lambda x: F.layer_norm(x, (4,)),
        lambda x: F.layer_norm(x, (3, 4), x[1], x[0]),
        lambda x: F.layer_norm(x, (4,), None, x[0, 0]),
    ],
    "_embedding": [
        lambda x: F.embedding(torch.tensor([[2, 0], [2, 2]]), x[0]),
        lambda x: F.embedding(torch.tensor([2, 0, 1, 2]), x[0], padding_idx=0),
        lambda x: F.embedding(torch.tensor([2, 0, 1, 2]), x[0], scale_grad_by_freq=True),
    ],
    "addmm": [
        lambda x: F.linear(x[0], x[1], x[0, :, 0]),
        lambda x: torch.addmm(x[0], x[1], x[0].t() @ x[1] / 8, beta=0.5, alpha=2),
        lambda x: torch.addmm(x[0], x[1], x[0].t() @ x[1] / 8, beta=0),
    ],
    "_index": [
        lambda x: x[torch.tensor([1, 0, -1])],
        lambda x: x[:, torch.tensor([[1, 0], [2, 2]])],
        lambda x: x[torch.tensor([1, 0]), :, torch.tensor([3, -1])],
    ],
    "_running_extremum": [
        lambda x: x.cummax(1)[0],
        lambda x: x.cummin(-1)[0],
    ],
}
#: Those of other dtypes than ``numbers``.
OTHERS = {
    "_flat_bucket": [
        lambda: flat_bucket.call([torch.ones(2, 2), torch.arange(3.0)], 1),
        lambda: flat_bucket.call([torch.arange(3.0).double(), torch.ones(())], 3),
    ],
    "_bucket_parts": [
        lambda: bucket_parts.call(torch.arange(6.0), [torch.ones(2), torch.ones(2, 2)])[1],
    ],
    "_sorting_order": [
        lambda: (torch.arange(60) ** 2 % 7).reshape(2, 30).argsort(1, descending=True),
        lambda: (torch.arange(6) % 2 == 0).sort(stable=True).indices,
    ],
    "_topk_index": [
        lambda: (torch.arange(60) ** 2 % 7).bfloat16().reshape(30, 2).topk(5, 0).indices,
        lambda: torch.arange(40).flip(0).topk(7, largest=False, sorted=False).indices,
    ],
    "_mode_index": [lambda: (torch.arange(60) ** 2 % 7).reshape(2, 30).mode(1).indices],
    "_kth_index": [lambda: (torch.arange(60) ** 2 % 7).reshape(2, 30).kthvalue(9).indices],
    "addmm": [
        lambda: torch.addmm(
            torch.tensor([1, 2]), torch.ones(3, 4).int().long(), torch.ones(4, 2).long()
        )
    ],
    "_one_hot": [lambda: F.one_hot(torch.tensor([[0, 2], [1, 1]]), 4)],
    "searchsorted": [
        lambda: torch.searchsorted(torch.tensor([1.0, 2, 2, 5]), torch.tensor([[2.0, 9], [0, 5]])),
        lambda: torch.searchsorted(torch.tensor([1, 2, 2, 5]), 2, right=True, out_int32=True),
        lambda: torch.searchsorted(
            torch.tensor([[1.0, 2], [3, 4]]), torch.tensor([[1.5, 9], [3.5, 0]])
        ),
        lambda: torch.bucketize(torch.tensor([float("nan"), 1, -1]), torch.tensor([0.0, 1])),
    ],
    "sum": [
        lambda: torch.tensor([True, False, True]).sum(),
        lambda: torch.arange(6, dtype=torch.int32).reshape(2, 3).sum(1),
        lambda: torch.tensor([1 + 2j, 3j]).sum(),
        lambda: torch.zeros(0, 3).sum(0),
        lambda: torch.zeros(3, 0).sum(1),
        lambda: torch.tensor([-0.0, -0.0]).sum().reciprocal(),
    ],
    "mean": [lambda: torch.zeros(0, 3).mean(0), lambda: torch.tensor([1 + 2j, 3j]).mean()],
    "_running_extremum": [
        lambda: torch.tensor([1.0, 3, float("nan"), 2, 3]).cummax(0)[1],
        lambda: torch.tensor([2.0, 2, 1, 1]).cummin(0)[1],
        lambda: torch.tensor([False, True, False]).cummax(0)[1],
    ],
}


def watched(monkeypatch, name):
    """Note the calls of a host function and of the gradient rule in NumPy."""
    operator, called = REGISTRY[name], []
    for which in ("host", "host_vjp"):
        rule = getattr(operator, which)
        if rule is not None:

            def counted(*arguments, rule=rule, which=which, **options):
                called.append(which)
                return rule(*arguments, **options)

            monkeypatch.setattr(operator, which, counted)
    return called


def comparable(tensor):
    return [list(tensor.shape), str(tensor.dtype), flat(tensor.double().tolist())]


def agree(monkeypatch, run, tolerance):
    (shape, dtype, values), *rest = run_under(monkeypatch, "interpret", run)
    for result, expected in zip(
        [(shape, dtype, values), *rest], run_under(monkeypatch, "compile", run), strict=True
    ):
        assert result[:2] == tuple(expected[:2]) or list(result[:2]) == expected[:2]
        assert result[2] == pytest.approx(expected[2], rel=tolerance, abs=tolerance, nan_ok=True)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_xla(monkeypatch, name, dtype):
    called = watched(monkeypatch, name)
    for use in CASES[name]:

        def run(use=use):
            x = numbers(dtype)
            result = use(x)
            if not result.requires_grad:
                return [comparable(result)]
            weights = torch.arange(result.numel(), dtype=torch.float64).reshape(result.shape).cos()
            (result * weights.to(result.dtype)).sum().backward()
            return [comparable(result.detach()), comparable(x.grad)]

        del called[:]
        agree(monkeypatch, run, {"float64": 1e-12, "float32": 1e-6}.get(dtype, 4e-3))
        assert "host" in called
        rule = REGISTRY[name].host_vjp
        assert rule is None or "host_vjp" in called


@pytest.mark.parametrize("name", OTHERS)
def test_values_of_other_dtypes_are_those_of_xla(monkeypatch, name):
    called = watched(monkeypatch, name)
    for use in OTHERS[name]:

        def run(use=use):
            result = use()
            parts = torch.view_as_real(result) if result.is_complex() else result
            return [comparable(parts)]

        del called[:]
        agree(monkeypatch, run, 1e-6)
        assert "host" in called


def test_every_host_function_is_compared():
    hosted = {name for name, operator in REGISTRY.items() if operator.host}
    assert hosted == set(VIEWS) | set(CASES) | set(OTHERS)


def test_every_gradient_rule_in_numpy_is_compared():
    rules = {name for name, operator in REGISTRY.items() if operator.host_vjp}
    assert rules <= set(VIEWS) | set(CASES)


@pytest.mark.parametrize("name", VIEWS)
def test_gradients_of_views_are_those_of_xla(monkeypatch, name):
    if REGISTRY[name].host_vjp is None:
        pytest.skip("has no gradient rule of its own")
    called = watched(monkeypatch, name)
    for use in VIEWS[name]:

        def run(use=use):
            x = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()
            result = use(x * 1)
            results = result if isinstance(result, tuple) else (result,)
            total = 0
            for number, part in enumerate(results, 1):
                total = total + (part * (number + part.detach().cos())).sum()
            total.backward()
            return [comparable(x.grad)]

        del called[:]
        agree(monkeypatch, run, 1e-6)
        assert "host_vjp" in called


SHAPES = [
    *((5,), (17,), (300,), (2049,)),
    *((3, 7), (40, 33), (33, 40), (5, 64), (64, 5), (200, 100)),
    *((4, 5, 6), (17, 3, 33), (2, 40, 9)),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_are_made_in_the_same_order(monkeypatch, shape):
    """To the bit, where the pure function adds in PyTorch's order."""

    def run():
        x = long(*shape)
        dims = [None, *range(len(shape)), *([(0, 2), (1, 2)] if len(shape) == 3 else [])]
        sums = [x.sum() if dim is None else x.sum(dim) for dim in dims]
        return [flat([each.tolist()]) for each in sums]

    interpreted = run_under(monkeypatch, "interpret", run)
    assert interpreted == run_under(monkeypatch, "compile", run)


WRITES = {
    "a number": lambda x: x.__setitem__(1, 5),
    "a row": lambda x: x.__setitem__((0, 1), torch.ones(4)),
    "a column": lambda x: x.__setitem__((slice(None), slice(None), 2), 7),
    "every other": lambda x: x[:, :, ::2].mul_(3),
    "transposed": lambda x: x.transpose(0, 2)[1].fill_(9),
    "reshaped": lambda x: x.view(6, 4)[2:4].add_(100),
    "joined": lambda x: x.transpose(0, 1).reshape(3, 8).add_(100),
    "diagonal": lambda x: x[0].diagonal().zero_(),
    "stretches": lambda x: x.unfold(2, 2, 2)[..., 1].fill_(4),
    "a part": lambda x: x.narrow(2, 2, 2).neg_(),
    "expanded": lambda x: x[:, :1].expand(2, 1, 4).add_(1),
}


@pytest.mark.parametrize("name", WRITES)
def test_writes_through_views_are_those_of_xla(monkeypatch, name):
    def run():
        leaf = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()
        x = leaf * 2
        WRITES[name](x)
        (x * x.detach().cos()).sum().backward()
        return [comparable(x.detach()), comparable(leaf.grad)]

    agree(monkeypatch, run, 1e-6)
