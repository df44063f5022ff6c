"""In-place forms of views (``t_``, ``unsqueeze_``) count as writes for what was saved before."""

from __future__ import annotations

import pytest

#: Each with the name that PyTorch gives the tensor in its message, and the shape it has by then.
CHANGES = {
    "t_()": ("T1", [2, 2]),
    "transpose_(0, 1)": ("Transpose1", [2, 2]),
    "swapaxes_(0, 1)": ("Transpose1", [2, 2]),
    "swapdims_(0, 1)": ("Transpose1", [2, 2]),
    "unsqueeze_(0)": ("Unsqueeze1", [1, 2, 2]),
    "squeeze_()": ("Squeeze3", [2, 2]),
    "squeeze_(0)": ("Squeeze4", [2, 2]),
    "as_strided_((2,), (1,))": ("AsStrided1", [2]),
}


def message(shape, where, now=1, then=0):
    return (
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [torch.FloatTensor {shape}]{where} is at version {now}; expected version "
        f"{then} instead. Hint: enable anomaly detection to find the operation that failed to "
        "compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def leaf(torch):
    return torch.arange(1.0, 5.0).reshape(2, 2).requires_grad_()


def refused(torch, loss):
    with pytest.raises(RuntimeError) as caught:
        loss.backward()
    return str(caught.value)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("save", ["x * x.exp()", "x @ x", "x ** 2"])
def test_a_saved_result_is_refused(torch, change, save):
    x = leaf(torch) * 2
    loss = eval(save, {"x": x}).sum()
    eval(f"x.{change}", {"x": x})
    name, shape = CHANGES[change]
    assert refused(torch, loss) == message(shape, f", which is output 0 of {name},")
    assert x._version == 1


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("looked_at", [False, True])
def test_through_detach(torch, change, looked_at):
    x = leaf(torch) * 2
    loss = (x * x.exp()).sum()
    if looked_at:  # in a closed stretch of the program, too
        loss.tolist()
    eval(f"x.detach().{change}", {"x": x})
    assert refused(torch, loss) == message([2, 2], ", which is output 0 of Mul,")


@pytest.mark.parametrize("looked_at", [False, True])
@pytest.mark.parametrize("change", ["t_()", "squeeze_()", "swapaxes_(0, 1)"])
def test_a_leaf_without_grad_mode(torch, change, looked_at):
    x = leaf(torch)
    loss = (x * x.exp()).sum()
    if looked_at:
        loss.tolist()
    with torch.no_grad():
        eval(f"x.{change}", {"x": x})
    assert refused(torch, loss) == message([2, 2], "")


@pytest.mark.parametrize("change", CHANGES)
def test_a_result_that_its_operator_saved(torch, change):
    x = leaf(torch).exp()
    loss = x.sum()
    eval(f"x.{change}", {"x": x})
    assert refused(torch, loss) == message([2, 2], ", which is output 0 of Exp,")


def test_a_constant_factor(torch):
    a, x = leaf(torch), torch.arange(1.0, 5.0).reshape(2, 2)
    loss = (a * x).sum()
    x.t_()
    assert refused(torch, loss) == message([2, 2], "")


def test_a_view_of_it_was_saved(torch):
    x = leaf(torch) * 2
    view = x[0]
    loss = (view * view.exp()).sum()
    x.t_()
    assert refused(torch, loss) == message([2], ", which is output 0 of AsStrided,")
    assert view._version == 1


def test_what_is_saved_afterwards_is_not_refused(torch):
    a = leaf(torch)
    x = a * 2
    before = x * x.exp()
    x.t_()
    row = x[0]
    (x * x.exp()).sum().backward(retain_graph=True)
    expected = [[44.33433532714844, 545.9815063476562], [5648.0029296875, 53657.2421875]]
    assert torch.allclose(a.grad, torch.tensor(expected))
    a.grad = None
    (row * row).sum().backward()
    assert a.grad.tolist() == [[8.0, 0.0], [24.0, 0.0]]
    x.add_(1)
    assert x._version == 2
    refused(torch, before.sum())


def test_what_was_not_saved_is_not_refused(torch):
    a = leaf(torch)
    x = a * 2
    y = x + 1
    x.t_()
    y.sum().backward()
    assert a.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_a_later_write_is_counted_from_there(torch):
    x = leaf(torch) * 2
    x.t_()
    loss = (x * x.exp()).sum()
    x.add_(1)
    where = ", which is output 0 of Add,"
    assert refused(torch, loss) == message([2, 2], where, now=2, then=1)


def test_resize_to_the_same_size_is_no_write(torch):
    x = torch.ones(2, 2)
    assert x.resize_(2, 2)._version == 0
    assert x.resize_(4)._version == 1
    assert x.resize_(9)._version == 2
    same = torch.ones(2, 2)
    part = same.detach()
    part.resize_(9)
    assert (same._version, part._version) == (1, 1)
    assert same.set_(torch.ones(3))._version == 2


@pytest.mark.parametrize(
    ("view", "name"), [("x.squeeze(0)", "AsStrided"), ("x.reshape(4)", "AsStrided")]
)
def test_a_view_that_is_written_to_is_made_again(torch, view, name):
    y = eval(view, {"x": leaf(torch) * 1})
    loss = (y * y.exp()).sum()
    y.add_(1)
    assert refused(torch, loss) == message(list(y.shape), f", which is output 0 of {name},")


def test_numbers_of_node_names_are_kept(torch):
    y = leaf(torch).mean(0)
    loss = (y * y.exp()).sum()
    y.detach().add_(1)
    assert refused(torch, loss) == message([2], ", which is output 0 of Mean1,")
    y = leaf(torch) * 2
    loss = (y * y.exp()).sum()
    y.fill_diagonal_(0)
    where = ", which is output 0 of torch::autograd::CopySlices,"
    assert refused(torch, loss) == message([2, 2], where)
