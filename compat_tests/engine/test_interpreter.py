"""The interpreter beside the compiler: the same results, and when which of them runs."""

from __future__ import annotations

import pytest

import jtorch as torch
from jtorch._core import config
from jtorch._engine.execution import compilation, growth, tiers
from jtorch._engine.graph.op import REGISTRY
from jtorch._engine.interpreter import steps
from jtorch.nn import functional as F


def run_under(monkeypatch, execution, function):
    """Run a function with a fresh engine under one tier; return its result as lists."""
    monkeypatch.setattr(config, "EXECUTION", execution)
    growth.forget_everything()
    torch.compiler.reset_stats()
    torch.manual_seed(0)
    return function()


def perceptron():
    model = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    x, y = torch.randn(7, 5), torch.randint(0, 3, (7,))
    losses = []
    for _ in range(4):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def convolution():
    model = torch.nn.Sequential(
        *(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.MaxPool2d(2)),
        *(torch.nn.Flatten(), torch.nn.Linear(36, 2)),
    )
    loss = model(torch.randn(3, 1, 8, 8)).pow(2).mean()
    loss.backward()
    return [loss.item(), *[p.grad.norm().item() for p in model.parameters()]]


def recurrent_cell():
    cell = torch.nn.LSTMCell(1, 4)
    x = torch.randn(3, 6)
    h = c = torch.zeros(3, 4)
    for t in range(6):
        h, c = cell(x[:, t : t + 1], (h, c))
    loss = h.pow(2).mean()
    loss.backward()
    return [loss.item(), *[p.grad.norm().item() for p in cell.parameters()]]


def transformer():
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    loss = layer(torch.randn(2, 5, 8)).std()
    loss.backward()
    return [loss.item(), *[p.grad.norm().item() for p in layer.parameters()]]


def second_derivative():
    x = torch.linspace(-1, 1, 5, requires_grad=True)
    (first,) = torch.autograd.grad((x.sin() * x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.pow(2).sum(), x)
    return second.tolist()


def closed_segments():
    """Values that are looked at before the gradient is taken."""
    w = torch.randn(3, 3, requires_grad=True)
    total = 0
    for _ in range(3):
        loss = (w @ torch.ones(3)).tanh().sum()
        loss.item()
        total = total + loss
    total.backward()
    return w.grad.tolist()


def views_and_writes():
    x = torch.arange(12.0).reshape(3, 4)
    x[1] += 10
    x[:, ::2] *= 2
    x.t()[3].fill_(7)
    x.diagonal().add_(100)
    x[torch.tensor([0, 2]), 1] = -1
    return x.tolist()


def hooks():
    seen = []
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(lambda gradient: gradient * 3)
    y.sum().backward()
    seen.append(x.grad.tolist())
    return seen


def integers_and_halves():
    a = torch.tensor([7, -7, 0], dtype=torch.int32)
    half = torch.tensor([0.1, 1.5, 3.0], dtype=torch.bfloat16)
    return [
        *((a // 2).tolist(), (a % 3).tolist(), (a / 2).tolist()),
        *((half * 3).float().tolist(), half.sum().item(), (half.half() @ half.half()).item()),
    ]


def linear_algebra():
    a = torch.randn(4, 4)
    a = a @ a.T + 4 * torch.eye(4)
    return [
        *(torch.linalg.solve(a, torch.ones(4)).tolist(), torch.linalg.cholesky(a).tolist()),
        *(torch.fft.fft(a[0]).abs().tolist(), a.sort(1).indices.tolist()),
    ]


PROGRAMS = [
    *(perceptron, convolution, recurrent_cell, transformer, second_derivative, closed_segments),
    *(views_and_writes, hooks, integers_and_halves, linear_algebra),
]


def flat(nested):
    if not isinstance(nested, list):
        return [nested]
    return [number for item in nested for number in flat(item)]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_both_tiers_give_the_same(monkeypatch, program):
    compiled = run_under(monkeypatch, "compile", program)
    assert torch.compiler.stats().runs_interpreted == 0
    interpreted = run_under(monkeypatch, "interpret", program)
    assert torch.compiler.stats().programs_compiled == 0
    assert torch.compiler.stats().runs_interpreted > 0
    assert flat(interpreted) == pytest.approx(flat(compiled), rel=1e-4, abs=1e-5)


VIEWS = {
    "detach": [lambda x: x.detach()],
    "data": [lambda x: x.data],
    "alias": [lambda x: REGISTRY["alias"].call(x)],
    "_select": [lambda x: x[1], lambda x: x.select(-1, 2), lambda x: x.select(1, -1)],
    "_slice": [lambda x: x[1:], lambda x: x[:, ::2], lambda x: x[:, :, 1:1], lambda x: x[0:2, 1:3]],
    "permute": [lambda x: x.permute(2, 0, 1), lambda x: x.permute(-1, 1, 0)],
    "transpose": [lambda x: x.transpose(0, 2), lambda x: x.sum().transpose(0, 0)],
    "swapaxes": [lambda x: x.swapaxes(0, -1)],
    "t": [lambda x: x[0].t(), lambda x: x[0, 0].t()],
    "_view": [lambda x: x.view(6, 4), lambda x: x.view(-1)],
    "_reshape_alias": [lambda x: x.transpose(0, 1).reshape(3, 2, 2, 2)],
    "_view_of_result": [lambda x: x @ torch.ones(4, 2), lambda x: x @ torch.ones(4)],
    "_unsafe_view": [lambda x: REGISTRY["_unsafe_view"].call(x, (6, 4))],
    "expand": [lambda x: x[:1].expand(5, 3, 4), lambda x: x.expand(2, -1, -1, -1)],
    "unsqueeze": [lambda x: x.unsqueeze(0), lambda x: x.unsqueeze(-1), lambda x: x[:, None]],
    "squeeze": [
        lambda x: x[:1].squeeze(),
        lambda x: x[:, :1].squeeze(1),
        lambda x: x.squeeze((0,)),
    ],
    "_as_leaf": [lambda x: (x + 0).requires_grad_()],
    "unbind": [
        lambda x: x.unbind(1),
        lambda x: x[:1].unbind(),
        lambda x: tuple(x[0]),
        lambda x: x[0, 0].unbind(),
    ],
    "_split": [lambda x: x.split(2, 1), lambda x: x.split(9), lambda x: x.chunk(3, -1)],
    "split_with_sizes": [lambda x: x.split((1, 2), 1), lambda x: x.split((2,))],
    "diagonal": [lambda x: x.diagonal(), lambda x: x.diagonal(1, -1, 1), lambda x: x.diagonal(-9)],
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_host_function_does_what_its_operator_does(monkeypatch, name):
    called = []
    operator = REGISTRY[name]
    host = operator.host

    def counted(*arguments, **options):
        called.append(name)
        return host(*arguments, **options)

    monkeypatch.setattr(operator, "host", counted)
    for use in VIEWS[name]:

        def run(use=use):
            result = use(torch.arange(24.0).reshape(2, 3, 4) + 1)
            results = result if isinstance(result, tuple) else (result,)
            return [[list(part.shape), (part * 2).tolist()] for part in results]

        before = len(called)
        interpreted = run_under(monkeypatch, "interpret", run)
        assert len(called) > before
        assert interpreted == run_under(monkeypatch, "compile", run)


@pytest.mark.parametrize("name", VIEWS)
def test_a_gradient_of_a_view_is_the_same_in_both_tiers(monkeypatch, name):
    for use in VIEWS[name]:

        def run(use=use):
            leaf = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()
            result = use(leaf * 1)
            parts = result if isinstance(result, tuple) else (result,)
            total = leaf.sum()
            for weight, part in enumerate(parts, 1):
                total = total + weight * (part * part).sum()
            total.backward()
            return leaf.grad.tolist()

        assert run_under(monkeypatch, "interpret", run) == run_under(monkeypatch, "compile", run)


def test_new_shapes_are_neither_compiled_nor_traced_again(monkeypatch):
    def growing():
        model = torch.nn.Sequential(
            *(torch.nn.LayerNorm(8), torch.nn.Linear(8, 8), torch.nn.Tanh(), torch.nn.Softmax(-1))
        )
        shares = []
        for length in range(10, 30):
            shares.append(model(torch.arange(8.0).expand(length, 8))[-1].sum().item())
            if length == 12:
                counts.update(steps.counts)
        return shares

    counts = {}
    shares = run_under(monkeypatch, "interpret", growing)
    assert shares == pytest.approx([1.0] * 20, rel=1e-5)
    assert torch.compiler.stats().programs_compiled == 0
    later = {name: steps.counts[name] - counts[name] for name in counts}
    assert later["translated"] - later["without tracing"] == 0
    assert later["translated"] > 0


def test_translations_are_bounded_however_many_sizes_there_are(monkeypatch):
    def growing():
        for length in range(10, 60):
            torch.arange(length).mul(2).add(1)[-1].item()
            kept.append(sum(len(family.by_sizes) for family in steps._families.values()))

    kept = []
    monkeypatch.setattr(steps, "_MOST_TRANSLATIONS", 20)
    run_under(monkeypatch, "interpret", growing)
    assert 10 < max(kept) <= 21


def test_equal_layers_share_their_translations(monkeypatch):
    def translations(layers):
        def forward():
            before = steps.counts["translated"]
            model = torch.nn.Sequential(
                *[
                    torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.GELU())
                    for _ in range(layers)
                ]
            )
            loss = model(torch.ones(2, 6)).sum()
            loss.backward()
            loss.item()
            return steps.counts["translated"] - before

        return run_under(monkeypatch, "interpret", forward)

    translations(2)
    assert translations(12) == 0


def first_compiled_turn(step, turns=2000):
    """Return the first turn of a loop that the interpreter does not run."""
    before = torch.compiler.stats().runs_interpreted
    for turn in range(turns):
        step()
        after = torch.compiler.stats().runs_interpreted
        if after == before:
            return turn
        before = after
    return turns


def test_a_program_is_compiled_at_the_counted_run(monkeypatch):
    def compiled_at():
        x = torch.ones(3)
        x.sum().item()
        return first_compiled_turn(lambda: (x * 2 + 1).sum().item())

    monkeypatch.setattr(tiers, "_START", 0.0)
    monkeypatch.setattr(tiers, "_PROGRAM", 100.0)
    monkeypatch.setattr(tiers, "_CALL", 100.0)
    first = run_under(monkeypatch, "auto", compiled_at)
    assert 10 < first < 2000
    assert run_under(monkeypatch, "auto", compiled_at) == first


def test_a_compilation_that_failed_is_tried_again(monkeypatch):
    """Where the thread had not begun, the user's thread compiles, and may fail at that."""
    monkeypatch.setattr(tiers, "_START", 0.0)
    monkeypatch.setattr(tiers, "_PROGRAM", 100.0)
    monkeypatch.setattr(tiers, "_CALL", 100.0)
    monkeypatch.setattr(compilation._optimiser, "submit", lambda task: None)
    compile_first, failures = compilation.compile_first, []

    def failing(*arguments):
        if not failures:
            failures.append(arguments)
            raise MemoryError
        return compile_first(*arguments)

    monkeypatch.setattr(compilation, "compile_first", failing)

    def run():
        x = torch.ones(3)
        x.sum().item()
        results = []
        for _ in range(200):
            try:
                results.append((x * 2 + 1).sum().item())
            except MemoryError:
                results.append(None)
        return results

    results = run_under(monkeypatch, "auto", run)
    assert results.count(None) == 1 and results[-1] == 9.0
    assert torch.compiler.stats().programs_compiled == 1


def test_more_work_earns_the_compiler_sooner(monkeypatch):
    def compiled_at(size):
        def run():
            x = torch.ones(size)
            x.sum().item()
            return first_compiled_turn(lambda: (x * 2 + 1).max().item(), 300)

        return run

    monkeypatch.setattr(tiers, "_START", 0.0)
    monkeypatch.setattr(tiers, "_PROGRAM", 100.0)
    monkeypatch.setattr(tiers, "_CALL", 100.0)
    small = run_under(monkeypatch, "auto", compiled_at(3))
    large = run_under(monkeypatch, "auto", compiled_at(300_000))
    assert 0 < large < small < 300


def test_results_have_memory_of_their_own(monkeypatch):
    def write():
        x = torch.arange(6.0)
        x.sum().item()
        y = x.reshape(2, 3).clone()
        z = (x + 0).view(3, 2)
        y.numpy()[0, 0] = 50
        z.numpy()[0, 0] = 60
        return [x.tolist(), y.tolist(), z.tolist()]

    assert run_under(monkeypatch, "interpret", write) == run_under(monkeypatch, "compile", write)
