"""A view that is out of date is read before the call that uses it, whatever else that has taken."""

from __future__ import annotations

import pytest

import jtorch as torch
from jtorch._core import config


def outdated():
    """A view whose base was written to since it was read: 1 in a tensor of one element."""
    base = torch.zeros(3, 1)
    base[0] = 0.0
    view = base[0]
    torch.synchronize()
    base.add_(1.0)
    torch.synchronize()
    return view


CALLS = {
    "operator": lambda x, view: x - view,
    "function": lambda x, view: torch.sub(x, view),
    "number before": lambda x, view: torch.where(x > 0, 3.0, view) + 1,
    "integer before": lambda x, view: torch.add(x, view, alpha=-1),
    "list": lambda x, view: torch.cat([x, view])[:1] - torch.cat([x, view])[1:],
    "in place": lambda x, view: x.clone().sub_(view),
    "operator in place": lambda x, view: (x + 0).__isub__(view),
    "several operators": lambda x, view: torch.nn.functional.linear(x, view[None], view) - 2,
    "list of lists": lambda x, view: torch._foreach_sub([x], [view])[0],
}


@pytest.mark.parametrize("execution", ["compile", "interpret"])
@pytest.mark.parametrize("name", CALLS)
def test_what_the_trace_knew_before_makes_no_difference(name, execution, monkeypatch):
    monkeypatch.setattr(config, "EXECUTION", execution)
    x = torch.full((1,), 5.0)
    for known in (True, False, True, False):
        torch.synchronize()
        view = outdated()
        if known:
            _ = x + 0
        assert CALLS[name](x, view).item() == 4.0


def test_a_gradient_that_lies_in_a_view_is_read_before_it_is_added_to():
    for known in (True, False, True, False):
        leaf, other = torch.tensor([2.0], requires_grad=True), torch.ones(1, requires_grad=True)
        torch.synchronize()
        leaf.grad = outdated()
        if known:
            _ = leaf.detach() + 0
        (leaf * other * 3).sum().backward()
        assert leaf.grad.item() == 4.0 and other.grad.item() == 6.0
