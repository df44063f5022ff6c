"""Tensors made in ``inference_mode``: marked, and refused where autograd would need them."""

from __future__ import annotations

import re

import numpy as np
import pytest

import jtorch as torch

INPLACE = (
    "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone "
    "to get a normal tensor before doing inplace update.See "
    "https://github.com/pytorch/rfcs/pull/17 for more details."
)
SAVED = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
    "inference mode in computation tracked by autograd. To work around this, you can make a clone "
    "to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
    "`torch.inference_mode()`."
)


@pytest.fixture
def made():
    with torch.inference_mode():
        return torch.ones(2, 3)


MAKERS = {
    "ones": lambda: torch.ones(2),
    "tensor": lambda: torch.tensor([1, 2]),
    "number": lambda: torch.tensor(1.5),
    "arange": lambda: torch.arange(3),
    "rand": lambda: torch.rand(2),
    "randint": lambda: torch.randint(3, (2,)),
    "randperm": lambda: torch.randperm(3),
    "full": lambda: torch.full((2,), 1.0),
    "eye": lambda: torch.eye(2),
    "zeros_like": lambda: torch.zeros_like(torch.ones(2)),
    "from_numpy": lambda: torch.from_numpy(np.ones(2)),
    "as_tensor": lambda: torch.as_tensor([1.0]),
    "product": lambda: torch.ones(2) * 2,
    "several": lambda: torch.ones(3).sort()[1],
    "nonzero": lambda: torch.ones(3).nonzero(),
    "mask": lambda: torch.ones(3)[torch.ones(3) > 0],
    "conversion": lambda: torch.ones(2).long(),
    "parameter": lambda: torch.nn.Linear(2, 2).weight,
    "view": lambda: torch.ones(2, 3)[0],
    "views": lambda: torch.ones(2, 3).unbind(0)[1],
    "written": lambda: torch.ones(2).add_(1),
}


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_made_inside_is_marked(name):
    with torch.inference_mode():
        marked = MAKERS[name]()
    assert marked.is_inference() and torch.is_inference(marked)
    assert not MAKERS[name]().is_inference()


def test_views_keep_the_mark_of_what_they_are_views_of(made):
    views = (made.view(6), made[0], made.t(), made.detach(), made.data, made.expand(2, 2, 3))
    assert all(view.is_inference() for view in views)
    assert not any(other.is_inference() for other in (made * 2, made.clone(), made.double()))
    normal = torch.ones(3)
    with torch.inference_mode():
        assert not normal.view(3).is_inference()
        assert not normal.add_(1).is_inference()
    assert normal._version == 1


WRITES = {
    "number": lambda x: x.add_(1),
    "tensor": lambda x: x.mul_(torch.ones(3)),
    "augmented": lambda x: x.__iadd__(1),
    "copy": lambda x: x.copy_(torch.zeros(3)),
    "zero": lambda x: x.zero_(),
    "item": lambda x: x.__setitem__(0, 1.0),
    "view": lambda x: x[0].add_(1),
    "out": lambda x: torch.add(x, x, out=x),
    "random": lambda x: x.uniform_(),
    "list": lambda x: torch._foreach_add_([x], 1),
    "transpose": lambda x: x.t_(),
    "resize": lambda x: x.resize_(9),
    "set": lambda x: x.set_(torch.ones(2)),
    "activation": lambda x: torch.nn.functional.relu_(x),
}


@pytest.mark.parametrize("name", WRITES)
def test_writes_outside_are_refused(made, name):
    with pytest.raises(RuntimeError, match=re.escape(INPLACE)):
        WRITES[name](made)
    with torch.no_grad(), pytest.raises(RuntimeError, match=re.escape(INPLACE)):
        WRITES[name](made)
    with torch.inference_mode():
        WRITES[name](made)


def test_autograd_refuses_what_it_has_to_save(made):
    weight = torch.ones(3, requires_grad=True)
    for use in (
        lambda: weight * made,
        lambda: torch.nn.functional.mse_loss(weight.expand(2, 3), made),
        lambda: torch.nn.functional.linear(made, weight.view(1, 3)),
    ):
        with pytest.raises(RuntimeError, match=re.escape(SAVED)):
            use()
    with torch.no_grad():
        assert (weight * made).tolist() == [[1.0] * 3] * 2
    (weight + made).sum().backward()
    assert weight.grad.tolist() == [2.0] * 3
    (weight * made.clone()).sum().backward()
    assert weight.grad.tolist() == [4.0] * 3


def test_functions_refuse_to_save_them(made):
    class Times(torch.autograd.Function):
        @staticmethod
        def forward(ctx, input, other):
            ctx.save_for_backward(other)
            return input * other

        @staticmethod
        def backward(ctx, gradient):
            return gradient * ctx.saved_tensors[0], None

    with pytest.raises(RuntimeError, match=re.escape(SAVED)):
        Times.apply(torch.ones(3, requires_grad=True), made)


def test_they_have_no_version_and_become_no_leaf(made):
    with pytest.raises(RuntimeError, match="Inference tensors do not track version counter"):
        made._version
    words = "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
    for use in (made.requires_grad_, lambda: torch.nn.Parameter(made)):
        with pytest.raises(RuntimeError, match=re.escape(words)):
            use()


def test_views_of_normal_tensors_are_not_written_outside():
    weight = torch.ones(3, requires_grad=True) * 2
    with torch.inference_mode():
        view = weight.view(3)
    words = "A view was created in inference mode and is being modified inplace in normal mode"
    with pytest.raises(RuntimeError, match=words):
        view.add_(1)


def test_the_mode_is_stronger_than_enable_grad():
    with torch.inference_mode(), torch.enable_grad():
        result = torch.ones(3, requires_grad=True) * 2
        assert torch.is_grad_enabled()
    assert not result.requires_grad and result.is_inference()


def test_statistics_of_a_layer_stay_normal():
    layer = torch.nn.BatchNorm1d(3)
    with torch.inference_mode():
        layer(torch.arange(6.0).reshape(2, 3))
    assert not layer.running_mean.is_inference()
    assert layer.running_mean.tolist() == pytest.approx([0.15, 0.25, 0.35])
    layer(torch.ones(2, 3)).sum().backward()
