"""Functions that ``torch.func`` transforms and that touch tensors of two devices."""

from __future__ import annotations

import pytest

ROWS = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
MISMATCH = "Expected all tensors to be on the same device"
REFUSED = "functions as programs of one device, and this one computes on two"


def by_vmap(torch, function, rows):
    return torch.vmap(function)(rows)


def by_grad(torch, function, rows):
    return torch.func.grad(lambda row: function(row).sum())(rows[1])


def by_jvp(torch, function, rows):
    return torch.func.jvp(function, (rows[1],), (torch.ones_like(rows[1]),))[1]


def by_jacrev(torch, function, rows):
    return torch.func.jacrev(function)(rows[1]).diagonal()


def by_jacfwd(torch, function, rows):
    return torch.func.jacfwd(function)(rows[1]).diagonal()


def by_hessian(torch, function, rows):
    return torch.func.hessian(lambda row: function(row).sum())(rows[1]).diagonal()


def by_vmap_of_grad(torch, function, rows):
    return torch.vmap(torch.func.grad(lambda row: function(row).sum()))(rows)


#: Each with what it gives for a function that returns ``c * row ** 2``, over ``c``.
TRANSFORMS = {
    by_vmap: [[0.0, 1.0], [4.0, 9.0], [16.0, 25.0]],
    by_grad: [4.0, 6.0],
    by_jvp: [4.0, 6.0],
    by_jacrev: [4.0, 6.0],
    by_jacfwd: [4.0, 6.0],
    by_hessian: [2.0, 2.0],
    by_vmap_of_grad: [[0.0, 2.0], [4.0, 6.0], [8.0, 10.0]],
}


def made_inside(torch, row, of_other):
    return (torch.ones(2, device=of_other.device) * 2).to(row.device)


def made_before_the_argument_is_used(torch, row, of_other):
    made = torch.arange(2.0, device=of_other.device)
    return 2 * made.numel() / made.sum().add(1).item()


def closed_over(torch, row, of_other):
    return (of_other + of_other[0]).to(row.device)


def looked_at(torch, row, of_other):
    return of_other.sum().item() if of_other[0] > 0 else -1.0


def viewed_and_written(torch, row, of_other):
    written = torch.zeros(3, device=of_other.device)
    written[0] = 5.0
    written[1:] += of_other
    written.add_(1)
    return written[1:].to(row.device)


def written_as_out(torch, row, of_other):
    out = torch.empty(2, device=of_other.device)
    torch.add(of_other, 1, out=out)
    return out.to(row.device)


def drawn(torch, row, of_other):
    return (torch.rand(2, device=of_other.device) < 2).to(row.device) * 2


CONSTANTS = [
    made_inside,
    made_before_the_argument_is_used,
    closed_over,
    looked_at,
    viewed_and_written,
    written_as_out,
    drawn,
]


@pytest.fixture(params=["device", "cpu"])
def sides(torch, device, request):
    """Return the device of the arguments, and the other one."""
    cpu = torch.device("cpu")
    return (device, cpu) if request.param == "device" else (cpu, device)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("constant", CONSTANTS, ids=lambda each: each.__name__)
def test_constants_of_another_device(torch, sides, transform, constant):
    if constant is drawn and "vmap" in transform.__name__:
        transform = by_grad  # vmap refuses to draw
    own, other = sides
    rows, of_other = torch.tensor(ROWS, device=own), torch.ones(2, device=other)
    found = transform(torch, lambda row: row * row * constant(torch, row, of_other), rows)
    expected = torch.tensor(TRANSFORMS[transform], device=own) * 2
    assert found.device == own and torch.equal(found, expected)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda each: each.__name__)
def test_numbers_join_from_the_cpu(torch, device, transform):
    rows = torch.tensor(ROWS, device=device)
    two = torch.tensor(2.0)
    expected = torch.tensor(TRANSFORMS[transform], device=device) * 2
    for function in (lambda row: row * row * two, lambda row: torch.tensor(2.0) * (row * row)):
        found = transform(torch, function, rows)
        assert found.device == device and torch.equal(found, expected)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda each: each.__name__)
def test_a_mixed_operator_is_refused(torch, sides, transform):
    own, other = sides
    rows, weights = torch.tensor(ROWS, device=own), torch.ones(2, device=other)
    with pytest.raises(RuntimeError, match=MISMATCH):
        transform(torch, lambda row: row * weights, rows)


def test_slices_without_dimensions_do_not_join(torch, device):
    """They have one in truth, as PyTorch's have."""
    weights = torch.ones(2, device=device)
    with pytest.raises(RuntimeError, match=MISMATCH):
        torch.vmap(lambda number: number * weights)(torch.ones(3))


@pytest.mark.parametrize(
    "transform",
    [by_vmap, by_jvp, by_jacfwd, by_hessian, by_vmap_of_grad],
    ids=lambda each: each.__name__,
)
def test_what_is_captured_does_not_move(torch, sides, transform):
    """A copy there and back had no derivative, where it was not refused."""
    own, other = sides
    rows = torch.tensor(ROWS, device=own)
    with pytest.raises(NotImplementedError, match=REFUSED):
        transform(torch, lambda row: (row * row).to(other).mul(2).to(own), rows)
    with pytest.raises(NotImplementedError, match=REFUSED):
        torch.vmap(lambda row: torch.ones(2, device=other))(rows)


def test_gradients_come_back_from_another_device(torch, sides):
    own, other = sides
    rows = torch.tensor(ROWS, device=own)
    found = by_grad(torch, lambda row: (row * row).to(other) * torch.ones(2, device=other), rows)
    assert found.device == own and found.tolist() == [4.0, 6.0]
    output, pull = torch.func.vjp(lambda row: (row * row).to(other), rows[1])
    (cotangent,) = pull(torch.ones_like(output))
    assert output.device == other and cotangent.device == own and cotangent.tolist() == [4.0, 6.0]


def test_functional_call_of_a_module_on_the_device(torch, device):
    layer = torch.nn.Linear(2, 2).to(device)
    parameters = {name: value.detach() for name, value in layer.named_parameters()}
    call = torch.func.functional_call
    rows = torch.tensor(ROWS, device=device)

    def loss(parameters, row):
        scale = torch.tensor(2.0)
        shift = (torch.zeros(2) + scale).to(row.device)
        return (call(layer, parameters, (row,)) * scale + shift).square().sum()

    each = torch.vmap(torch.func.grad(loss), (None, 0))(parameters, rows)
    whole = torch.func.grad(lambda p: torch.vmap(loss, (None, 0))(p, rows).sum())(parameters)
    for name, value in parameters.items():
        assert each[name].device == device and each[name].shape == (3, *value.shape)
        assert torch.allclose(each[name].sum(0), whole[name])
    with pytest.raises(RuntimeError, match=MISMATCH):
        torch.vmap(lambda row: call(layer, parameters, (row,)))(rows.cpu())
