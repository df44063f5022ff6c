"""What a training script does on a device, held to the same script on the CPU."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest

from compat_tests.helpers.comparison import as_array
from compat_tests.helpers.tolerances import SHORT, TRAJECTORY

MODULES = {
    "Linear": (lambda nn: nn.Linear(6, 4), (3, 6)),
    "Bilinear": (lambda nn: nn.Bilinear(6, 6, 4), None),
    "Conv1d": (lambda nn: nn.Conv1d(3, 4, 3, padding=1), (2, 3, 8)),
    "Conv2d": (lambda nn: nn.Conv2d(3, 4, 3, stride=2), (2, 3, 9, 9)),
    "Conv2d groups": (lambda nn: nn.Conv2d(4, 8, 3, groups=4, bias=False), (2, 4, 7, 7)),
    "Conv3d": (lambda nn: nn.Conv3d(2, 3, 2), (1, 2, 4, 4, 4)),
    "ConvTranspose2d": (lambda nn: nn.ConvTranspose2d(3, 4, 3, stride=2), (2, 3, 5, 5)),
    "BatchNorm1d": (lambda nn: nn.BatchNorm1d(6), (5, 6)),
    "BatchNorm2d": (lambda nn: nn.BatchNorm2d(3), (4, 3, 5, 5)),
    "GroupNorm": (lambda nn: nn.GroupNorm(2, 6), (3, 6, 4)),
    "InstanceNorm2d": (lambda nn: nn.InstanceNorm2d(3, affine=True), (2, 3, 4, 4)),
    "LayerNorm": (lambda nn: nn.LayerNorm(6), (3, 6)),
    "RMSNorm": (lambda nn: nn.RMSNorm(6), (3, 6)),
    "RNN": (lambda nn: nn.RNN(6, 5, 2), (4, 3, 6)),
    "LSTM": (lambda nn: nn.LSTM(6, 5, batch_first=True), (3, 4, 6)),
    "GRU": (lambda nn: nn.GRU(6, 5, bidirectional=True), (4, 3, 6)),
    "LSTMCell": (lambda nn: nn.LSTMCell(6, 5), (3, 6)),
    "MultiheadAttention": (lambda nn: nn.MultiheadAttention(6, 2), None),
    "TransformerEncoderLayer": (lambda nn: nn.TransformerEncoderLayer(6, 2, 12, 0.0), (4, 2, 6)),
    "PReLU": (lambda nn: nn.PReLU(), (3, 6)),
    "MaxPool2d": (lambda nn: nn.MaxPool2d(2), (2, 3, 6, 6)),
    "AvgPool2d": (lambda nn: nn.AvgPool2d(3, 2), (2, 3, 7, 7)),
    "AdaptiveAvgPool2d": (lambda nn: nn.AdaptiveAvgPool2d(3), (2, 3, 7, 7)),
    "Upsample": (lambda nn: nn.Upsample(scale_factor=2, mode="bilinear"), (1, 2, 4, 4)),
    "Sequential": (
        lambda nn: nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 2)),
        (3, 6),
    ),
}


def inputs(torch, name, device):
    shape = MODULES[name][1]
    count = 1 if shape else {"Bilinear": 2, "MultiheadAttention": 3}[name]
    shape = shape or {"Bilinear": (3, 6), "MultiheadAttention": (4, 2, 6)}[name]
    values = [
        np.sin(np.arange(np.prod(shape)) * (0.7 + each)).reshape(shape) for each in range(count)
    ]
    return [
        torch.tensor(each, dtype=torch.float32).to(device).requires_grad_(True) for each in values
    ]


def first(torch, result):
    while not isinstance(result, torch.Tensor):
        result = result[0]
    return result


def agree(found, expected, bounds=SHORT["float32"], scale=8):
    relative, absolute = bounds
    np.testing.assert_allclose(
        as_array(found), as_array(expected), rtol=scale * relative, atol=scale * absolute
    )


def passed(torch, module, name, device):
    """Return the result, and the gradients of inputs and parameters."""
    given = inputs(torch, name, device)
    result = first(torch, module(*given))
    weights = torch.cos(torch.arange(result.numel(), dtype=torch.float32)).reshape(result.shape)
    (result * weights.to(device)).sum().backward()
    return [result, *[each.grad for each in given], *[each.grad for each in module.parameters()]]


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", MODULES)
def test_module(torch, device, name, training):
    torch.manual_seed(0)
    module = MODULES[name][0](torch.nn).train(training)
    moved = copy.deepcopy(module).to(device)
    assert {each.device for each in moved.state_dict().values()} <= {device}
    expected = passed(torch, module, name, torch.device("cpu"))
    found = passed(torch, moved, name, device)
    assert {each.device for each in found} == {device}
    for one, other in zip(found, expected, strict=True):
        agree(one, other)
    for buffer, other in zip(moved.buffers(), module.buffers(), strict=True):
        assert buffer.device == device
        agree(buffer, other)


def capturable(torch, parameters):
    """Return an optimiser whose steps are counted on the device; a CPU counts on the host."""
    return torch.optim.Adam(parameters, lr=0.05, capturable=parameters[0].is_cuda)


OPTIMISERS = {
    "SGD": lambda torch, p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda torch, p: torch.optim.Adam(p, lr=0.05, amsgrad=True),
    "Adam fused": lambda torch, p: torch.optim.Adam(p, lr=0.05, fused=True),
    "Adam capturable": lambda torch, p: capturable(torch, list(p)),
    "AdamW foreach": lambda torch, p: torch.optim.AdamW(p, lr=0.05, foreach=True),
    "Adamax": lambda torch, p: torch.optim.Adamax(p),
    "NAdam": lambda torch, p: torch.optim.NAdam(p),
    "RAdam": lambda torch, p: torch.optim.RAdam(p),
    "RMSprop": lambda torch, p: torch.optim.RMSprop(p, centered=True, momentum=0.5),
    "Adagrad": lambda torch, p: torch.optim.Adagrad(p, lr=0.1),
    "Adadelta": lambda torch, p: torch.optim.Adadelta(p),
    "Rprop": lambda torch, p: torch.optim.Rprop(p),
    "ASGD": lambda torch, p: torch.optim.ASGD(p, lr=0.1),
    "LBFGS": lambda torch, p: torch.optim.LBFGS(p, max_iter=3),
}


def trained(torch, name, device, steps=5):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    model.to(device)
    optimiser = OPTIMISERS[name](torch, model.parameters())
    points = torch.sin(torch.arange(40.0)).reshape(10, 4).to(device)

    def closure():
        optimiser.zero_grad()
        loss = (model(points) - points.sum(1, keepdim=True)).square().mean()
        loss.backward()
        return loss

    for _ in range(steps):
        loss = optimiser.step(closure)
    return model, optimiser, loss


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimiser(torch, device, name):
    model, optimiser, loss = trained(torch, name, device)
    expected, _, expected_loss = trained(torch, name, torch.device("cpu"))
    assert loss.device == device
    for one, other in zip(model.parameters(), expected.parameters(), strict=True):
        agree(one, other, TRAJECTORY["float32"])
    agree(loss, expected_loss, TRAJECTORY["float32"])
    for state in optimiser.state.values():
        for key, value in state.items():
            if isinstance(value, torch.Tensor) and value.ndim:
                assert value.device == device, key


@pytest.mark.parametrize("where", ["cpu", "cuda"])
def test_states_of_optimisers_go_where_their_parameters_are(torch, device, where):
    _, optimiser, _ = trained(torch, "Adam", device)
    saved = optimiser.state_dict()
    parameters = [
        torch.zeros_like(each, device=where) for each in optimiser.param_groups[0]["params"]
    ]
    other = torch.optim.Adam(parameters)
    other.load_state_dict(saved)
    states = [state["exp_avg"] for state in other.state.values()]
    assert {each.device.type for each in states} == {where}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_autocast(torch, device, dtype):
    wanted = getattr(torch, dtype)
    module = torch.nn.Linear(8, 4).to(device)
    points = torch.ones(2, 8, device=device)
    with torch.autocast("cuda", dtype=wanted):
        product = module(points)
        assert product.dtype is wanted and product.device == device
        assert torch.nn.functional.mse_loss(product, product).dtype is torch.float32
        assert (product @ product.T).dtype is wanted
        assert product.softmax(-1).dtype is torch.float32
    assert module(points).dtype is torch.float32
    product.float().sum().backward()
    assert module.weight.grad.dtype is torch.float32 and module.weight.grad.device == device


def test_grad_scaler_skips_steps_and_grows(torch, device):
    parameter = torch.nn.Parameter(torch.ones(3, device=device))
    optimiser = torch.optim.SGD([parameter], lr=1.0)
    scaler = torch.amp.GradScaler("cuda", init_scale=4.0, growth_interval=2)
    scales = []
    for factor in (1.0, float("inf"), 1.0, 1.0):
        optimiser.zero_grad()
        scaler.scale((parameter * factor).sum()).backward()
        scaler.step(optimiser)
        scaler.update()
        scales.append(scaler.get_scale())
    assert scales == [4.0, 2.0, 2.0, 4.0]
    assert parameter.tolist() == [-2.0] * 3
    assert scaler.state_dict()["_growth_tracker"] == 0


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpoint(torch, device, reentrant):
    points = torch.arange(6.0, device=device).reshape(2, 3).requires_grad_()
    function = lambda x: torch.tanh(x @ x.T).sum()  # noqa: E731
    torch.utils.checkpoint.checkpoint(function, points * 0.1, use_reentrant=reentrant).backward()
    other = points.detach().cpu().requires_grad_()
    function(other * 0.1).backward()
    assert points.grad.device == device
    agree(points.grad, other.grad)


@pytest.mark.parametrize(
    ("location", "place"),
    [
        (None, "cuda:0"),
        ("cpu", "cpu"),
        ("cuda", "cuda:0"),
        ({"cuda:0": "cpu"}, "cpu"),
        (lambda storage, location: storage if location == "cuda:0" else None, "cpu"),
    ],
    ids=["none", "cpu", "cuda", "mapping", "function"],
)
def test_files(torch, device, location, place):
    model = torch.nn.Linear(3, 2).to(device)
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "step": torch.tensor(3)}, file)
    file.seek(0)
    loaded = torch.load(file, map_location=location, weights_only=not callable(location))
    assert str(loaded["model"]["weight"].device) == place
    agree(loaded["model"]["weight"], model.weight)
    torch.nn.Linear(3, 2).load_state_dict(loaded["model"])


def test_a_file_says_cuda(torch, device):
    file = io.BytesIO()
    torch.save(torch.ones(2, device=device), file)
    assert b"cuda:0" in file.getvalue()


def test_loading_batches(torch, device):
    data = torch.utils.data.TensorDataset(torch.arange(6.0), torch.arange(6))
    loader = torch.utils.data.DataLoader(data, batch_size=4, pin_memory=True)
    batches = [[each.to(device, non_blocking=True) for each in batch] for batch in loader]
    assert [batch[0].shape[0] for batch in batches] == [4, 2]
    assert batches[1][1].tolist() == [4, 5] and batches[1][0].device == device


def test_module_to(torch, device):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    weight = model[0].weight
    assert model.cuda() is model and model[0].weight is weight
    assert weight.is_cuda and weight.is_leaf and model[1].num_batches_tracked.device == device
    model.to(torch.bfloat16)
    assert weight.dtype is torch.bfloat16 and weight.device == device
    assert model[1].num_batches_tracked.dtype is torch.int64
    model.to("cpu", torch.float32)
    assert {str(each.device) for each in model.state_dict().values()} == {"cpu"}
    model.load_state_dict({key: each.cuda() for key, each in model.state_dict().items()})
    assert weight.device.type == "cpu"


def test_generators(torch, device):
    generator = torch.Generator(device="cuda").manual_seed(3)
    one = torch.randn(4, device=device, generator=generator)
    state = generator.get_state()
    two = torch.rand(4, device=device, generator=generator)
    generator.set_state(state)
    assert torch.equal(torch.rand(4, device=device, generator=generator), two)
    assert generator.device == device and state.device.type == "cpu"
    assert not torch.equal(one, torch.randn(4, device=device, generator=generator))
    with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator"):
        torch.rand(2, device=device, generator=torch.Generator())
    torch.manual_seed(5)
    first_draw = torch.rand(3, device=device)
    torch.cuda.manual_seed_all(5)
    assert torch.equal(first_draw, torch.rand(3, device=device))
    with torch.random.fork_rng(devices=[0]):
        inside = torch.rand(3, device=device)
    assert torch.equal(inside, torch.rand(3, device=device))


def test_default_devices(torch, device):
    with device:
        made = [torch.ones(2), torch.tensor([1]), torch.as_tensor([1]), torch.asarray(np.ones(2))]
        made += [torch.as_tensor(torch.ones(2, device="cpu")), torch.nn.Linear(2, 2).weight]
        assert {each.device for each in made} == {device}
        assert torch.Tensor([1.0]).device.type == "cpu" and torch.get_default_device() == device
        with torch.device("cpu"):
            assert torch.as_tensor(torch.ones(2, device="cuda")).device.type == "cpu"
        with pytest.raises(RuntimeError, match="device type cuda does not match device type of"):
            torch.ones(2, out=torch.empty(2, device="cpu"))
    assert torch.ones(2).device.type == "cpu"


def test_dlpack(torch, device):
    source = torch.arange(3.0, device=device)
    kind, index = source.__dlpack_device__()
    again = torch.from_dlpack(source)
    assert (int(kind), index) in ((2, 0), (1, 0)) and again.device == device
    assert again.tolist() == [0.0, 1.0, 2.0]


def test_numpy_is_refused(torch, device):
    words = "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu()"
    source = torch.ones(2, device=device, requires_grad=True)
    for fails in (source.numpy, lambda: np.asarray(source), lambda: np.sin(source.detach())):
        with pytest.raises(TypeError) as raised:
            fails()
        assert str(raised.value).startswith(words)
    assert source.numpy(force=True).tolist() == [1.0, 1.0]


def test_printing(torch, device):
    assert repr(torch.ones(2, device=device)) == "tensor([1., 1.], device='cuda:0')"
    grad = torch.zeros(1, device=device, requires_grad=True)
    assert repr(grad) == "tensor([0.], device='cuda:0', requires_grad=True)"
    half = torch.ones((), device=device, dtype=torch.float16)
    assert repr(half) == "tensor(1., device='cuda:0', dtype=torch.float16)"
    assert torch.ones(1, device=device).type() == "torch.cuda.FloatTensor"


def test_hooks(torch, device):
    seen = []
    model = torch.nn.Linear(2, 2).to(device)
    model.register_forward_hook(lambda module, args, result: seen.append(result.device))
    model.register_full_backward_hook(lambda module, gi, go: seen.append(go[0].device))
    point = torch.ones(1, 2, device=device, requires_grad=True)
    point.register_hook(lambda grad: grad * 2)
    model.weight.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.device))
    model(point).sum().backward()
    assert seen == [device] * 3
    agree(point.grad, 2 * model.weight.detach().sum(0, keepdim=True))


def test_distributions(torch, device):
    normal = torch.distributions.Normal(torch.zeros(3, device=device), 2.0)
    assert normal.sample((4,)).device == device and normal.rsample().device == device
    other = torch.distributions.Normal(torch.zeros(3), 2.0)
    agree(normal.log_prob(torch.ones(3, device=device)), other.log_prob(torch.ones(3)))
    chosen = torch.distributions.Categorical(logits=torch.arange(4.0, device=device))
    assert chosen.sample((5,)).device == device and chosen.entropy().device == device
    agree(torch.distributions.kl_divergence(normal, normal), torch.zeros(3))


@pytest.mark.parametrize(
    "transform",
    [
        lambda func, f, x: func.grad(f)(x),
        lambda func, f, x: func.vmap(f)(x.reshape(1, -1)),
        lambda func, f, x: func.vmap(lambda a: a * 2.5 + 1)(x),
        lambda func, f, x: func.jacrev(lambda a: a.sin() * 3)(x),
        lambda func, f, x: func.jacfwd(lambda a: a.sin() * 3)(x),
        lambda func, f, x: func.hessian(f)(x),
        lambda func, f, x: func.jvp(f, (x,), (x,))[1],
        lambda func, f, x: func.vjp(f, x)[1](func.grad(f)(x).sum())[0],
    ],
    ids=["grad", "vmap", "vmap numbers", "jacrev", "jacfwd", "hessian", "jvp", "vjp"],
)
def test_func(torch, device, transform):
    def cubed(x):
        return (x**3).sum() * 0.5

    points = torch.arange(1.0, 4.0)
    found = transform(torch.func, cubed, points.to(device))
    assert found.device == device
    agree(found, transform(torch.func, cubed, points))


def test_gradcheck(torch, device):
    points = torch.arange(1.0, 4.0, device=device, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: t * t.sin(), points)


def test_views_and_writes(torch, device):
    base = torch.zeros(3, 4, device=device)
    row, column = base[1], base[:, 2]
    row += 1
    column.mul_(5)
    base.t()[0, 0] = 7
    base[torch.tensor([0, 2], device=device), 1] = -1.0
    base[base > 4] = 9.0
    assert base.tolist() == [[9.0, -1.0, 0.0, 0.0], [1.0, 1.0, 9.0, 1.0], [0.0, -1.0, 0.0, 0.0]]
    assert row.tolist() == [1.0, 1.0, 9.0, 1.0] and column.tolist() == [0.0, 9.0, 0.0]
    copied = base.cpu()
    base.zero_()
    assert copied.sum().item() == 19.0
    base.copy_(copied, non_blocking=True)
    assert torch.equal(base.cpu(), copied)
    # An index of the CPU reads and writes a tensor of a GPU, as in PyTorch.
    assert base[torch.tensor([1])].tolist() == [[1.0, 1.0, 9.0, 1.0]]
    assert base[[2, 0], 1].tolist() == [-1.0, -1.0]


def test_a_number_of_the_cpu_joins(torch, device):
    points = torch.ones(2, device=device)
    assert (points * torch.tensor(3.0)).device == device
    assert torch.where(points > 0, points, torch.tensor(0.0)).device == device
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        torch.tensor(3.0) * torch.ones(2) + points
