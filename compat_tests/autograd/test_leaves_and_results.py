"""Leaves that give up their flag, results that change in place, refusals, and what ``.grad`` is."""

from __future__ import annotations

import pytest

LEAF_VIEW = "a view of a leaf Variable that requires grad is being used in an in-place operation."
CUSTOM_VIEW = (
    "Output 0 of {} is a view and is being modified inplace. This view was created inside a custom "
    "Function (or because an input was returned as-is) and the autograd logic to handle "
    "view+inplace would override the custom backward associated with the custom Function, leading "
    "to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of "
    "the custom Function."
)


@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize("change", ["a.requires_grad_(False)", "a.detach_()"])
def test_a_leaf_that_gave_up_its_flag_gets_no_gradient(torch, change, look):
    a = torch.ones(2, requires_grad=True)
    b = torch.ones(2, requires_grad=True)
    loss = (a * b).sum()
    if look:
        loss.item()
    exec(change, {"a": a})
    loss.backward(retain_graph=True)
    assert a.grad is None
    assert b.grad.tolist() == [1.0, 1.0]
    a.requires_grad_()
    loss.backward()
    assert a.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        ("y.squeeze_()", (2,)),
        ("y.squeeze_(0)", (2,)),
        ("y.unsqueeze_(0)", (1, 1, 2)),
        ("y.transpose_(0, 1); y.swapaxes_(0, 1)", (1, 2)),
        ("y.as_strided_((2,), (1,))", (2,)),
    ],
)
def test_a_result_keeps_its_history_where_it_changes_shape_without_grad_mode(torch, change, shape):
    a = torch.ones(1, 2, requires_grad=True)
    y = a * 2
    with torch.no_grad():
        exec(change, {"y": y})
    assert y.shape == shape
    assert not y.is_leaf
    assert y.grad_fn.name() == "MulBackward0"
    if y.dim() > 1:
        y.sum().backward()
        assert a.grad.tolist() == [[2.0, 2.0]]


@pytest.mark.parametrize("change", ["y.unsqueeze_(0)", "y.t_()", "y.squeeze_()"])
@pytest.mark.parametrize("leaf", [True, False])
def test_what_follows_a_change_of_shape_is_differentiated(torch, change, leaf):
    a = torch.ones(1, 2, requires_grad=True)
    y = a if leaf else a * 1
    with torch.enable_grad() if not leaf else torch.no_grad():
        exec(change, {"y": y})
    (y * y).sum().backward()
    assert a.is_leaf
    assert a.grad.reshape(-1).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("taken", ["a", "y"])
def test_autograd_grad_fills_what_retains_its_gradient(torch, taken):
    a = torch.ones(2, requires_grad=True)
    y = a * 2
    y.retain_grad()
    loss = (y * y).sum()
    loss.retain_grad()
    (gradient,) = torch.autograd.grad(loss, {"a": a, "y": y}[taken])
    assert gradient.tolist() == {"a": [8.0, 8.0], "y": [4.0, 4.0]}[taken]
    assert y.grad.tolist() == [4.0, 4.0]
    assert loss.grad.item() == 1.0
    assert a.grad is None


def test_a_gradient_for_inputs_that_retain_it_is_added_once(torch):
    a = torch.ones(2, requires_grad=True)
    y = a * 2
    y.retain_grad()
    (y * y).sum().backward(inputs=[y])
    assert y.grad.tolist() == [4.0, 4.0]


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True")
def test_gradients_that_can_be_differentiated_show_the_node_of_their_copy(torch):
    a = torch.ones(2, requires_grad=True)
    (a**3).sum().backward(create_graph=True)
    assert a.grad.grad_fn.name() == "torch::autograd::CopyBackwards"
    (a**3).sum().backward()
    assert a.grad.tolist() == [6.0, 6.0]
    assert a.grad.requires_grad
    (a**3).sum().backward(create_graph=True)
    assert a.grad.tolist() == [9.0, 9.0]
    assert a.grad.grad_fn.name() == "AddBackward0"
    b = torch.ones(2, requires_grad=True)
    (b * 3).sum().backward(create_graph=True)
    assert not b.grad.requires_grad


@pytest.mark.parametrize(
    "make",
    [
        "p = t.nn.Parameter(t.arange(4.).view(2, 2))",
        "p = t.arange(4.).view(2, 2).requires_grad_()",
        "p = t.arange(4.).view(2, 2).detach().requires_grad_()",
        "p = t.ones(2, 2, requires_grad=True)",
    ],
)
@pytest.mark.parametrize("write", ["p[0, 0] = 9", "p[0].add_(1)", "p.view(-1)[1:].zero_()"])
def test_a_write_to_a_view_of_a_leaf_is_refused(torch, make, write):
    scope = {"t": torch}
    exec(make, scope)
    before = scope["p"].tolist()
    with pytest.raises(RuntimeError) as caught:
        exec(write, scope)
    assert str(caught.value) == LEAF_VIEW
    assert scope["p"].tolist() == before
    with torch.no_grad():
        exec(write, scope)
    assert scope["p"].tolist() != before


@pytest.mark.parametrize(
    ("write", "name"),
    [
        ("y.add_(1)", "BackwardHookFunction"),
        ("y += 1", "BackwardHookFunction"),
        ("y[0] = 1", "Select"),
    ],
)
def test_a_write_to_what_a_module_with_a_backward_hook_returned_is_refused(torch, write, name):
    module = torch.nn.Linear(2, 2)
    module.register_full_backward_hook(lambda module, inputs, outputs: None)
    y = module(torch.ones(1, 2))
    with pytest.raises(RuntimeError) as caught:
        exec(write, {"y": y})
    assert str(caught.value) == CUSTOM_VIEW.format(name)
    with torch.no_grad():
        exec(write, {"y": y})


class Doubled:
    """Make Functions of the library under test."""

    @staticmethod
    def in_place(torch):
        class Add(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.mark_dirty(x)
                return x.add_(1)

            @staticmethod
            def backward(ctx, gradient):
                return gradient * 3

        return Add

    @staticmethod
    def with_places(torch, seen, materialise):
        class Sorted(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.set_materialize_grads(materialise)
                values, places = x.sort()
                ctx.mark_non_differentiable(places)
                return values * 2, places

            @staticmethod
            def backward(ctx, gradient, of_places):
                seen.append(of_places)
                return gradient

        return Sorted


def test_a_leaf_cannot_be_marked_dirty(torch):
    a = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError) as caught:
        Doubled.in_place(torch).apply(a)
    assert str(caught.value) == (
        "a leaf Variable that requires grad has been used in an in-place operation."
    )
    assert a.is_leaf


def test_marking_dirty_counts_a_write(torch):
    a = torch.ones(2, requires_grad=True)
    b = a * 1
    assert Doubled.in_place(torch).apply(b) is b
    assert b._version == 2
    b.sum().backward()
    assert a.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("materialise", [True, False])
def test_a_result_without_gradients_gets_zeros(torch, materialise):
    seen = []
    a = torch.ones(2, requires_grad=True)
    values, places = Doubled.with_places(torch, seen, materialise).apply(a)
    values.sum().backward()
    if materialise:
        assert seen[0].tolist() == [0, 0]
        assert seen[0].dtype is torch.int64
    else:
        assert seen == [None]
    assert not places.requires_grad


def test_gradients_of_a_view_that_was_written_without_grad_mode(torch):
    a = torch.ones(2, requires_grad=True)
    view = a.view(2, 1)
    with torch.no_grad():
        view.mul_(view)
    (gradient,) = torch.autograd.grad(view.sum(), [a], allow_unused=True)
    assert gradient.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("view", ["b.view(4)", "b[1:]", "b.t()", "b.view(2, 2)[0]"])
@pytest.mark.parametrize("ask", ["v.requires_grad_()", "v.requires_grad = True"])
def test_a_view_made_without_grad_mode_is_a_leaf_once_it_is_asked_to_be(torch, view, ask):
    b = torch.ones(4, requires_grad=True)
    with torch.no_grad():
        v = eval(view, {"b": b})
        taken_over = eval(view, {"b": b})
    exec(ask, {"v": v})
    (v * 2).sum().backward()
    (taken_over * 2).sum().backward()
    assert v.is_leaf and v.grad.tolist() == [2.0] * len(v)
    assert taken_over.requires_grad and taken_over.grad is None and b.grad is None
