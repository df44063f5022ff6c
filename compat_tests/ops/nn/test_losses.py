"""Loss functions, held to what PyTorch 2.13 gave."""

from __future__ import annotations

import pytest

RECORDED = [
    ("F.smooth_l1_loss(x, y)", 1.234375, -0.2083333432674408),
    ("F.huber_loss(x, y, delta=.5)", 0.7291666865348816, -0.1666666716337204),
    ("F.multi_margin_loss(x, t)", 0.875, 0.0),
    ("F.multilabel_margin_loss(x, labels)", 0.4583333432674408, 0.0),
    ("F.kl_div(x, y.softmax(1), reduction='batchmean')", -0.8529733419418335, -1.0),
    ("F.poisson_nll_loss(x, y)", 4.748296737670898, 3.706629991531372),
    ("F.gaussian_nll_loss(x, y, torch.ones(2, 3))", 1.984375, -0.375),
    ("F.soft_margin_loss(x, 2 * y - 1)", 1.4753423929214478, -0.12393122166395187),
    ("F.hinge_embedding_loss(x, 2 * y - 1)", -0.375, 0.5),
    ("F.triplet_margin_loss(x, y, y.flip(0))", 1.9916425943374634, 0.20582421123981476),
    ("F.cosine_embedding_loss(x, y, signs)", 0.7314550280570984, -0.28656333684921265),
    ("F.multilabel_soft_margin_loss(x, y)", 1.4753425121307373, -0.12393118441104889),
    ("F.glu(x.repeat(1, 2)).sum()", 3.533207416534424, 3.3609914779663086),
]


@pytest.mark.parametrize(("line", "value", "gradient"), RECORDED)
def test_value_and_sum_of_gradients(torch, line, value, gradient):
    x = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]], requires_grad=True)
    names = {
        "torch": torch,
        "F": torch.nn.functional,
        "x": x,
        "y": torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]),
        "t": torch.tensor([2, 0]),
        "labels": torch.tensor([[0, -1, 1], [2, 1, -1]]),
        "signs": torch.tensor([1, -1]),
    }
    loss = eval(line, names)
    loss.backward()
    assert loss.item() == pytest.approx(value, rel=1e-6)
    assert x.grad.sum().item() == pytest.approx(gradient, rel=1e-5, abs=1e-6)


def test_ctc_loss_and_the_gradient_that_pytorch_gives(torch):
    rows = [[[0.1, 0.6, 0.3]], [[0.2, 0.5, 0.3]], [[0.3, 0.3, 0.4]]]
    logarithms = torch.tensor(rows).log().requires_grad_()
    targets = torch.tensor([[1, 2]])
    loss = torch.nn.functional.ctc_loss(logarithms, targets, (3,), (2,))
    loss.backward()
    assert loss.item() == pytest.approx(0.5791811347007751, rel=1e-6)
    expected = [
        *(0.018152862787246704, -0.1681528389453888, 0.14999999105930328),
        *(0.023566871881484985, 0.027070075273513794, -0.050636932253837585),
        *(0.06401272118091583, 0.14999999105930328, -0.2140127271413803),
    ]
    assert logarithms.grad.flatten().tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_a_target_that_is_no_class_is_refused_at_the_call(torch):
    with pytest.raises(RuntimeError, match=r"^target out of range$"):
        torch.nn.functional.multi_margin_loss(torch.ones(1, 2), torch.tensor([2]))
