"""``grad_fn._saved_self`` and its like: what PyTorch 2.13 shows of each node, as it was recorded.

``saved_attributes.txt`` has a line for each expression: the node, and each attribute with its
value; of a tensor the dtype, the shape, and whether it is ``x`` itself or requires grad.
"""

from __future__ import annotations

import pathlib

import pytest

CASES = [
    line.split(" | ")
    for line in pathlib.Path(__file__).with_name("saved_attributes.txt").read_text().splitlines()
]
FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed)."
)


def _described(torch, value, x):
    if not isinstance(value, torch.Tensor):
        return repr(value)
    text = f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    return text + (" of x" if value is x else " with grad" if value.requires_grad else "")


@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize(("expression", "node", "attributes"), CASES, ids=[c[0] for c in CASES])
def test_a_node_shows_what_its_operator_saved(torch, expression, node, attributes, look):
    numbers = [0.05 + 0.9 * (i * 7 % 24) / 24 for i in range(24)]
    x = torch.tensor(numbers[:12]).reshape(3, 4).requires_grad_()
    y = torch.tensor(numbers[12:]).reshape(3, 4).requires_grad_()
    result = eval(expression, {"torch": torch, "F": torch.nn.functional, "x": x, "y": y})
    if look:
        result.detach().numpy()
    found = result.grad_fn
    shown = {
        name.removeprefix("_saved_"): _described(torch, getattr(found, name), x)
        for name in sorted(dir(found))
        if name.startswith("_saved_")
    }
    assert found.name() == node
    assert "; ".join(f"{name}={value}" for name, value in shown.items()) == attributes


@pytest.mark.parametrize("look", [False, True])
def test_saved_tensors_are_those_that_were_saved(torch, look):
    x = torch.tensor([1.0, 4.0], requires_grad=True)
    a = x * 2
    b = a * x
    c = b.sqrt()
    if look:
        c.tolist()
    assert b.grad_fn._saved_self.tolist() == [2.0, 8.0]
    assert b.grad_fn._saved_self.grad_fn is a.grad_fn
    assert b.grad_fn._saved_other is x
    assert c.grad_fn._saved_result.tolist() == pytest.approx([2**0.5, 32**0.5])
    assert c.grad_fn._saved_result.grad_fn is c.grad_fn
    assert b.grad_fn._raw_saved_self.unpack().tolist() == [2.0, 8.0]
    assert b.grad_fn._raw_saved_self.data.tolist() == [2.0, 8.0]


@pytest.mark.parametrize("look", [False, True])
def test_a_freed_node_shows_its_numbers_alone(torch, look):
    x = torch.ones(2, 3, requires_grad=True)
    y = torch.cumprod(x, 1)
    if look:
        y.tolist()
    node = y.grad_fn
    y.sum().backward()
    assert node._saved_dim == 1
    with pytest.raises(RuntimeError) as error:
        node._saved_result
    assert str(error.value).startswith(FREED)
    with pytest.raises(RuntimeError, match=r"^Calling register_hooks on a saved tensor after it"):
        node._raw_saved_result.register_hooks(lambda t: t, lambda t: t)


@pytest.mark.parametrize("look", [False, True])
def test_a_saved_tensor_that_was_overwritten_is_refused(torch, look):
    x = torch.ones(3, requires_grad=True)
    a = x * 1
    b = a.log()
    if look:
        b.tolist()
    node = b.grad_fn
    assert node._saved_self.tolist() == [1.0, 1.0, 1.0]
    a.add_(1)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        node._saved_self


@pytest.mark.parametrize("look", [False, True])
def test_hooks_of_one_saved_tensor(torch, look):
    x = torch.zeros(2, requires_grad=True)
    y = x.exp()
    if look:
        y.tolist()
    calls = []

    def pack(tensor):
        calls.append("pack")
        return tensor * 2

    def unpack(tensor):
        calls.append("unpack")
        return tensor * 3

    saved = y.grad_fn._raw_saved_result
    saved.register_hooks(pack, unpack)
    assert calls == ["pack"]
    with pytest.raises(RuntimeError, match="whose hooks have already been set"):
        saved.register_hooks(pack, unpack)
    y.sum().backward()
    assert calls == ["pack", "unpack"]
    assert x.grad.tolist() == [6.0, 6.0]


def test_what_is_no_saved_attribute(torch):
    x = torch.ones(2, requires_grad=True)
    node = (x * 2).grad_fn
    assert node._saved_self is None
    with pytest.raises(RuntimeError, match="with value None is forbidden"):
        node._raw_saved_self.register_hooks(lambda t: t, lambda t: t)
    with pytest.raises(
        AttributeError, match=r"^'MulBackward0' object has no attribute '_saved_no'"
    ):
        node._saved_no
    leaf = (x * 2).grad_fn.next_functions[0][0]
    assert not [name for name in dir(leaf) if "_saved_" in name]
    with pytest.raises(RuntimeError, match=r"SavedTensor object from Python is forbidden"):
        type(node._raw_saved_self)()
