"""CUDA graphs: a region is captured once and replayed on what is in its tensors then."""

from __future__ import annotations

import pytest


@pytest.fixture
def captured(torch, device):
    """Return a function that captures a region and returns its graph and what it returned."""

    def capture(region):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = region()
        return graph, result

    return capture


def batch(torch, device, number, *shape):
    count = torch.Size(shape).numel()
    return (torch.arange(float(count)) * 0.3 + number).sin().reshape(shape).to(device)


def model_of(torch, device):
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2)).to(device)


def close(torch, found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)


def test_inference_reads_the_static_input(torch, device, captured):
    model = model_of(torch, device).eval()
    static = batch(torch, device, 0, 4, 3)

    def region():
        with torch.no_grad():
            hidden = model(static)
            return hidden.softmax(-1), hidden[0]

    graph, (output, row) = captured(region)
    address = id(output)
    for number in range(1, 4):
        fresh = batch(torch, device, number, 4, 3)
        static.copy_(fresh)
        graph.replay()
        with torch.no_grad():
            wanted = model(fresh)
        close(torch, output, wanted.softmax(-1))
        close(torch, row, wanted[0])
    assert id(output) == address and output.device == device


def test_a_capture_changes_nothing_and_each_replay_writes(torch, device, captured):
    counter, filled = torch.zeros(3, device=device), torch.zeros(2, device=device)

    def region():
        counter.add_(1)
        filled[0] = counter.sum()
        return counter * 10

    graph, ten = captured(region)
    assert counter.tolist() == [0, 0, 0] and filled.tolist() == [0, 0]
    graph.replay()
    graph.replay()
    assert counter.tolist() == [2, 2, 2] and ten.tolist() == [20, 20, 20]
    counter.fill_(5)
    graph.replay()
    assert counter.tolist() == [6, 6, 6] and filled.tolist() == [18, 0]


def test_random_numbers_go_on(torch, device, captured):
    static = torch.ones(64, device=device)

    def region():
        return torch.nn.functional.dropout(static, 0.5), torch.randn(5, device=device)

    torch.cuda.manual_seed(3)
    wanted = [[each.clone() for each in region()] for _ in range(3)]
    torch.cuda.manual_seed(3)
    graph, results = captured(region)
    for row in wanted:
        graph.replay()
        for found, own in zip(results, row, strict=True):
            assert torch.equal(found, own)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_a_whole_step_trains_as_without_a_graph(torch, device, captured, name):
    def make():
        model = model_of(torch, device)
        options = {"lr": 0.05} | ({"momentum": 0.9} if name == "SGD" else {"capturable": True})
        return model, getattr(torch.optim, name)(model.parameters(), **options)

    def forward(model, x, y):
        return torch.nn.functional.mse_loss(model(x), y)

    def eager(model, optimizer, number):
        optimizer.zero_grad()
        loss = forward(
            model, batch(torch, device, number, 5, 3), batch(torch, device, -number, 5, 2)
        )
        loss.backward()
        optimizer.step()
        return loss.detach()

    plain, plain_optimizer = make()
    losses = [eager(plain, plain_optimizer, number) for number in range(6)]

    model, optimizer = make()
    for number in range(2):  # the states of the optimiser are made before the capture
        eager(model, optimizer, number)
    x, y = torch.zeros(5, 3, device=device), torch.zeros(5, 2, device=device)
    optimizer.zero_grad(set_to_none=True)

    def region():
        loss = forward(model, x, y)
        loss.backward()
        optimizer.step()
        return loss

    graph, loss = captured(region)
    grads = [parameter.grad for parameter in model.parameters()]
    for number in range(2, 6):
        x.copy_(batch(torch, device, number, 5, 3))
        y.copy_(batch(torch, device, -number, 5, 2))
        graph.replay()
        close(torch, loss.detach(), losses[number])
    for own, wanted in zip(model.state_dict().values(), plain.state_dict().values(), strict=True):
        close(torch, own, wanted)
    for parameter, grad, other in zip(model.parameters(), grads, plain.parameters(), strict=True):
        assert parameter.grad is grad
        close(torch, grad, other.grad)


def test_a_step_under_autocast_and_gradients_of_inputs(torch, device, captured):
    model, static = model_of(torch, device), batch(torch, device, 0, 4, 3).requires_grad_()

    def region():
        with torch.autocast("cuda", torch.bfloat16):
            result = model(static)
        (gradient,) = torch.autograd.grad(result.float().square().sum(), static)
        return result, gradient

    graph, (result, gradient) = captured(region)
    with torch.no_grad():
        static.copy_(batch(torch, device, 2, 4, 3))
    graph.replay()
    wanted, own = region()
    assert result.dtype is torch.bfloat16
    assert torch.equal(result, wanted) and torch.equal(gradient, own)


def test_gradients_that_were_there_are_added_to(torch, device, captured):
    weight = torch.ones(2, device=device, requires_grad=True)
    weight.grad = torch.full((2,), 100.0, device=device)
    static = torch.ones(2, device=device)
    graph, _ = captured(lambda: (weight * static).sum().backward())
    assert weight.grad.tolist() == [100, 100]
    static.fill_(3)
    graph.replay()
    graph.replay()
    assert weight.grad.tolist() == [106, 106]


def test_a_replay_compiles_nothing_new(torch, device, captured):
    model, static = model_of(torch, device), batch(torch, device, 0, 4, 3)
    graph, _ = captured(lambda: model(static).relu())

    def replayed(number):
        static.copy_(batch(torch, device, number, 4, 3))
        graph.replay()
        torch.cuda.synchronize()
        return torch.compiler.stats().programs_compiled

    for number in range(4):
        count = replayed(number)
    assert replayed(5) == count


def test_graphed_callables_train_as_they_are(torch, device):
    plain, graphed = model_of(torch, device), model_of(torch, device)
    x = batch(torch, device, 1, 4, 3)
    graphed = torch.cuda.make_graphed_callables(graphed, (x.clone(),))
    for model in (plain, graphed):
        model(x).sum().backward()
    for own, wanted in zip(graphed.parameters(), plain.parameters(), strict=True):
        assert torch.equal(own.grad, wanted.grad)
    plain.register_forward_hook(lambda *_: None)
    with pytest.raises(AssertionError, match="Modules must not have hooks registered"):
        torch.cuda.make_graphed_callables(plain, (x,))
    with pytest.raises(AssertionError, match="must contain only Tensors"):
        torch.cuda.make_graphed_callables(lambda a: a, (3,))


def test_errors(torch, device, captured):
    static = torch.ones(3, device=device)
    graph = torch.cuda.CUDAGraph()
    for method, words in (("replay", "replay"), ("pool", r"pool\(\)")):
        with pytest.raises(RuntimeError, match=rf"Called CUDAGraph::{words} without a preceding"):
            getattr(graph, method)()
    with pytest.raises(RuntimeError, match="must be captured on a non-default stream"):
        graph.capture_begin()
    assert not torch.cuda.is_current_stream_capturing()
    with torch.cuda.graph(graph):
        assert torch.cuda.is_current_stream_capturing()
        static * 2
    assert not torch.cuda.is_current_stream_capturing()
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    with (
        pytest.raises(
            RuntimeError, match=r"already owns a captured graph\. To capture a new graph"
        ),
        torch.cuda.graph(graph),
    ):
        pass
    graph.reset()
    with pytest.raises(RuntimeError, match="without a preceding successful capture"):
        graph.replay()


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x.item(),
        lambda x: (x + 1).item(),
        lambda x: bool(x > 0),
        lambda x: x.cpu(),
        lambda x: x.to("cpu"),
        lambda x: (x + 1).reshape(1).nonzero(),
        lambda x: (x + 1).reshape(1)[x.reshape(1) > 0],
        lambda x: (x + 1).tolist(),
    ],
)
def test_no_look_while_capturing(torch, device, captured, look):
    static = torch.ones((), device=device)
    words = "CUDA error: operation not permitted when stream is capturing"
    with pytest.raises(torch.AcceleratorError, match=words):
        captured(lambda: look(static))
    assert not torch.cuda.is_current_stream_capturing() and static.item() == 1


def test_a_function_of_autograd_is_captured(torch, device, captured):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return gradient * 7 * x

    weight = torch.nn.Parameter(torch.ones(2, device=device))

    def region():
        result = Double.apply(weight).sum()
        result.backward()
        return result

    graph, result = captured(region)
    with torch.no_grad():
        weight.copy_(torch.tensor([2.0, 3.0]))
    graph.replay()
    assert result.item() == 10 and weight.grad.tolist() == [14, 21]


def test_what_is_refused(torch, device, captured):
    weight = torch.nn.Parameter(torch.ones(2, device=device))
    optimizer = torch.optim.Adam([weight])
    weight.grad = torch.ones(2, device=device)
    words = (
        r"Attempting CUDA graph capture of step\(\) for an instance of Adam but param_groups' "
        "capturable is False."
    )
    with pytest.raises(RuntimeError, match=words):
        captured(optimizer.step)
    assert weight.tolist() == [1, 1] and not optimizer.state
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with pytest.raises(NotImplementedError, match="a step with a closure cannot be captured"):
        captured(lambda: optimizer.step(lambda: None))
