"""``Tensor.grad_dtype``: gradients of leaves in another dtype, as PyTorch 2.13 answers."""

from __future__ import annotations

import pytest


@pytest.fixture
def leaf(torch):
    return torch.tensor([1.0, 2.0], requires_grad=True)


def test_a_pass_converts_to_it(torch, leaf):
    assert leaf.grad_dtype is torch.float32
    leaf.grad_dtype = torch.float16
    assert leaf.grad_dtype is torch.float16
    for count in (1, 2):
        (leaf * 3).sum().backward()
        assert leaf.grad.dtype is torch.float16
        assert leaf.grad.tolist() == [3.0 * count] * 2
    (gradient,) = torch.autograd.grad(leaf.sum(), leaf)
    assert gradient.dtype is torch.float16


def test_hooks_see_what_was_converted(torch, leaf):
    seen = []
    leaf.register_hook(lambda gradient: seen.append(gradient.dtype))
    leaf.register_post_accumulate_grad_hook(lambda tensor: seen.append(tensor.grad.dtype))
    leaf.grad_dtype = torch.bfloat16
    leaf.sum().backward()
    assert seen == [torch.bfloat16] * 2


def test_its_conversion_has_a_gradient(torch, leaf):
    leaf.grad_dtype = torch.float64
    (gradient,) = torch.autograd.grad((leaf**2).sum(), leaf, create_graph=True)
    assert type(gradient.grad_fn).__name__ == "ToCopyBackward0"
    (second,) = torch.autograd.grad(gradient.sum(), leaf)
    assert second.dtype is torch.float64
    assert second.tolist() == [2.0, 2.0]


def test_none_lets_any_gradient_be_set(torch, leaf):
    leaf.grad_dtype = None
    assert leaf.grad_dtype is None
    leaf.grad = torch.ones(2, dtype=torch.float16)
    leaf.sum().backward()
    assert leaf.grad.dtype is torch.float16
    assert leaf.grad.tolist() == [2.0, 2.0]


def test_a_backward_pass_recorded_before_takes_it_too(torch, leaf):
    for wanted in (torch.float32, torch.float16, torch.float32):
        leaf.grad = None
        leaf.grad_dtype = wanted
        (leaf * 2).sum().backward()
        assert leaf.grad.dtype is wanted


def test_an_optimiser_steps_with_it(torch):
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad_dtype = torch.bfloat16
    optimiser = torch.optim.SGD([weight], lr=0.5)
    (weight * 3).sum().backward()
    optimiser.step()
    assert weight.dtype is torch.float32
    assert weight.tolist() == [-0.5, -0.5]


def test_refusals_have_the_words(torch, leaf):
    result = leaf * 2
    with pytest.raises(RuntimeError, match=r"^grad_dtype can only be accessed on leaf tensors\.$"):
        _ = result.grad_dtype
    with pytest.raises(RuntimeError, match=r"^grad_dtype can only be set on leaf tensors\.$"):
        result.grad_dtype = torch.float16
    with pytest.raises(RuntimeError, match=r"must be a torch\.dtype or None, but got str$"):
        leaf.grad_dtype = "float16"
    leaf.grad_dtype = torch.float16
    words = "a gradient with dtype 'float' to a tensor with grad_dtype 'Half'"
    with pytest.raises(RuntimeError, match=words):
        leaf.grad = torch.ones(2)
    leaf.sum().backward()
    words = "set grad_dtype to 'Float' because there is already a gradient with dtype 'c10::Half'"
    with pytest.raises(RuntimeError, match=words):
        leaf.grad_dtype = torch.float32
