"""Hooks on saved tensors: what they are given, when they are called, what becomes of history."""

from __future__ import annotations

import pytest

FUNCTIONS = {
    "a leaf": (lambda a: a**3, [3.0, 12.0], [6.0, 12.0]),
    "a result": (lambda a: (a * 2) ** 3, [24.0, 96.0], [48.0, 96.0]),
    "several": (lambda a: (a * 1) * (a * a), [3.0, 12.0], [6.0, 12.0]),
}
PACKING = {
    "itself": (lambda x: x, lambda x: x),
    "detached": (lambda x: x.detach(), lambda x: x),
    "a copy": (lambda x: x * 1, lambda x: x),
    "looked at": (lambda x: (x.tolist(), x)[1], lambda x: (x.tolist(), x + 0)[1]),
    "numbers": (lambda x: x.tolist(), None),
}


@pytest.mark.parametrize("packing", PACKING)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_gradients_flow_through_what_was_packed(torch, name, packing):
    function, first, second = FUNCTIONS[name]
    pack, unpack = PACKING[packing]
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, unpack or torch.tensor):
        result = function(a)
    (gradient,) = torch.autograd.grad(result.sum(), a, create_graph=True)
    assert gradient.tolist() == first
    assert torch.autograd.grad(gradient.sum(), a)[0].tolist() == second


def test_a_pack_hook_is_given_the_leaf_or_a_tensor_with_its_history(torch):
    a = torch.ones(2, requires_grad=True)
    b = a * 2
    given = []

    def pack(tensor):
        given.append((tensor is a, tensor.is_leaf, tensor.requires_grad, (tensor * 1).grad_fn))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        a * b
    assert given == [(False, False, True, None), (True, True, True, None)]


def test_hooks_that_look_at_values_are_called_for_each_tensor(torch):
    calls = []

    def pack(tensor):
        calls.append(("pack", tensor.tolist()))
        return tensor.detach()

    def unpack(tensor):
        calls.append(("unpack", tensor.tolist()))
        return tensor

    a = torch.ones(2, requires_grad=True)
    for factor in (2.0, 3.0, 4.0):
        b = a * factor
        with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
            result = b * torch.full((2,), factor) + b.exp()
        calls.clear()
        result.sum().backward(retain_graph=True)
        assert sorted(name for name, _ in calls) == ["unpack"] * 2


def test_a_hook_on_one_saved_tensor_may_look_at_it(torch):
    seen = []
    a = torch.tensor([3.0], requires_grad=True)
    squared = (a * 2) ** 2
    squared.grad_fn._raw_saved_self.register_hooks(
        lambda x: (seen.append(x.tolist()), x)[1], lambda x: (seen.append("unpacked"), x * 10)[1]
    )
    squared.backward()
    assert seen == [[6.0], "unpacked"]
    assert a.grad.tolist() == [240.0]
