"""Loss functions: values, gradients, names of nodes and errors, line by line against PyTorch."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest

LINES = """
F.glu(torch.ones(3, 3))
F.glu(torch.ones(2, 4, dtype=torch.long))
F.glu(torch.tensor(1.))
F.glu(x, 5)
F.glu(x)
F.softmin(x, 1)
F.smooth_l1_loss(x, y, beta=-1.)
F.smooth_l1_loss(x, y, beta=0.5)
F.smooth_l1_loss(x, y, beta=0.)
F.smooth_l1_loss(x, y[0], reduction='none')
F.smooth_l1_loss(x.double(), y, reduction='sum')
F.smooth_l1_loss(x.long(), y.long())
F.smooth_l1_loss(x, y, beta='a')
F.huber_loss(x, y, delta=0.)
F.huber_loss(x, y, delta=0.7)
F.huber_loss(x, y, reduction='none')
F.huber_loss(x, y, weight=y.abs())
F.huber_loss(x, y, weight=y[0])
F.kl_div(x, p, reduction='none')
F.kl_div(x, p, reduction='batchmean')
F.kl_div(x, p)
F.kl_div(x, y, log_target=True, reduction='sum')
F.kl_div(x.long(), p)
F.kl_div(x, p * 1j)
F.poisson_nll_loss(x, p)
F.poisson_nll_loss(x.exp(), p * 3, log_input=False, full=True, reduction='none')
F.poisson_nll_loss(x, p, reduction='foo')
F.soft_margin_loss(x, x)
F.soft_margin_loss(x, s)
F.soft_margin_loss(x.long(), s)
F.hinge_embedding_loss(x, s, reduction='none')
F.hinge_embedding_loss(x, s, size_average=False)
F.margin_ranking_loss(x, y, s, margin=0.3)
F.margin_ranking_loss(x, y, s[0])
F.cosine_embedding_loss(x, y, torch.tensor([1, -1, 1]), margin=0.1)
F.cosine_embedding_loss(x, y, torch.tensor([[1, -1, 1]]))
F.cosine_embedding_loss(x[0], y, torch.tensor([1, -1, 1]))
F.cosine_embedding_loss(x[0], y[0], torch.tensor(-1))
F.multi_margin_loss(x, t)
F.multi_margin_loss(x, t, p=2, margin=0.5, weight=p[0], reduction='none')
F.multi_margin_loss(x, t, p=3)
F.multi_margin_loss(x, torch.tensor([2, 3, 4]))
F.multi_margin_loss(x, t[:2])
F.multi_margin_loss(x, t, weight=torch.ones(3))
F.multi_margin_loss(x, t, weight=torch.ones(2, 2))
F.multi_margin_loss(x, t.float())
F.multi_margin_loss(x.half(), t)
F.multi_margin_loss(x[None], t)
F.multi_margin_loss(x[0], t[1], reduction='none')
F.multilabel_margin_loss(x, torch.tensor([[0, 1, -1, 2]] * 3))
F.multilabel_margin_loss(x, torch.tensor([[3, -1, 0, 2]] * 3), reduction='none')
F.multilabel_margin_loss(x, torch.tensor([[0, 1, 4, 2]] * 3))
F.multilabel_margin_loss(x, torch.tensor([[0, 1, -1]] * 3))
F.multilabel_margin_loss(x, torch.tensor([[0, 1, -1, 2]] * 3).int())
F.multilabel_soft_margin_loss(x, p, weight=p[0])
F.multilabel_soft_margin_loss(x, p, reduction='foo')
F.triplet_margin_loss(x, y, p, margin=0)
F.triplet_margin_loss(x, y, p[0])
F.triplet_margin_loss(x, y, p, swap=True, p=1, reduction='none')
F.triplet_margin_with_distance_loss(x, y, p, swap=True)
F.triplet_margin_with_distance_loss(x, y, p, distance_function=lambda a, b: (a - b).norm())
F.gaussian_nll_loss(x, y, p, full=True)
F.gaussian_nll_loss(x, y, p[:, 0], reduction='none')
F.gaussian_nll_loss(x, y, 1.)
F.gaussian_nll_loss(x, y, -1.)
F.gaussian_nll_loss(x, y, -p)
F.gaussian_nll_loss(x, y, torch.ones(2))
F.gaussian_nll_loss(x, y, p, reduction='foo')
torch.kl_div(x, p)
torch.kl_div(x)
torch.hinge_embedding_loss(x, s, 1., 5)
torch.margin_ranking_loss(x, y, s, 0.5, 1)
torch.poisson_nll_loss(x, p, True, False, 1e-8, 1)
torch.triplet_margin_loss(x, y, p)
torch.binary_cross_entropy_with_logits(x, p, reduction=2)
F.cross_entropy(x, p, label_smoothing=0.2)
F.cross_entropy(x, t, label_smoothing=0.2, weight=p[0])
F.cross_entropy(x, torch.ones(3, 4, dtype=torch.long))
F.cross_entropy(x, p, ignore_index=1)
F.cross_entropy(x, p, weight=torch.ones(3))
F.cross_entropy(x, t, weight=torch.ones(4).half())
F.cross_entropy(x, t, label_smoothing=2.)
F.cross_entropy(x, t, label_smoothing=-2.)
F.cross_entropy(x, t, reduction='elementwise_mean')
F.linear_cross_entropy(y, w, t)
F.linear_cross_entropy(y, w[:, :2], t)
F.linear_cross_entropy(y, w, t, linear_bias=torch.ones(3))
F.linear_cross_entropy(y, w, p, ignore_index=1)
F.ctc_loss(lp, tg, il, tl)
F.ctc_loss(lp, tg, il, tl, reduction='none')
F.ctc_loss(lp, tg, il, tl, reduction='sum', zero_infinity=True)
F.ctc_loss(lp, tg.view(-1), il, tl)
F.ctc_loss(lp, tg, (6, 5), (1, 2), blank=0)
F.ctc_loss(lp, tg, torch.tensor([1, 0]), torch.tensor([2, 0]), reduction='none')
F.ctc_loss(lp, tg, torch.tensor([1, 6]), tl, reduction='none', zero_infinity=True)
F.ctc_loss(lp[:, 0], tg[0], (6,), (2,))
F.ctc_loss(lp, tg, (6, 7), tl)
F.ctc_loss(lp, tg, torch.tensor([6, 7]), tl)
F.ctc_loss(lp, tg, il, torch.tensor([2, 3]))
F.ctc_loss(lp, tg, il, torch.tensor([2, -3]))
F.ctc_loss(lp, tg, torch.tensor([6., 1]), tl)
F.ctc_loss(lp, tg, torch.tensor([6]), tl)
F.ctc_loss(lp, tg[:1], il, tl)
F.ctc_loss(lp, tg, il, tl, blank=5)
F.ctc_loss(lp.half(), tg, il, tl)
F.ctc_loss(lp, tg[None], il, tl)
torch.ctc_loss(lp, tg, il)
"""


def _names(torch: Any) -> dict[str, Any]:
    torch.manual_seed(5)
    x = torch.randn(3, 4, requires_grad=True)
    lp = torch.randn(6, 2, 4).log_softmax(2).detach().requires_grad_()
    return {
        "torch": torch,
        "F": torch.nn.functional,
        "x": x,
        "lp": lp,
        "w": torch.randn(4, 4),
        "y": torch.randn(3, 4),
        "p": torch.randn(3, 4).softmax(1),
        "s": torch.tensor([[1, -1, 1, -1]] * 3),
        "t": torch.tensor([0, 1, 2]),
        "tg": torch.tensor([[1, 2], [3, 1]]),
        "il": torch.tensor([6, 5]),
        "tl": torch.tensor([2, 2]),
    }


def _said(torch: Any, line: str) -> list[str]:
    names = _names(torch)
    torch.set_printoptions(precision=3, sci_mode=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = eval(line, names)
            said = [str(result + 0.0), str(result.dtype)]
            if result.requires_grad:
                said.append(result.grad_fn.name())
                finite = torch.where(torch.isfinite(result), result, 0.0)
                finite.sum().backward()
                said += [str(names[name].grad) for name in ("x", "lp")]
        except Exception as error:
            said = [f"{type(error).__name__}: {error}"]
        finally:
            torch.set_printoptions(profile="default")
    return [
        re.sub("0x[0-9a-f]+", "0x", each) for each in (*said, *[str(c.message) for c in caught])
    ]


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_losses_say_what_pytorch_says(line):
    import torch

    import jtorch

    assert _said(jtorch, line) == _said(torch, line)


@pytest.mark.parametrize("weights", [None, (2.0, 1.0, 3.0)])
def test_cross_entropy_of_a_logit_of_zero_and_a_target_with_gradient(both, weights):
    def program(torch):
        logits = torch.tensor([0.0, 1.0, -1.0], requires_grad=True)
        target = torch.tensor([0.5, 0.25, 1.0], requires_grad=True)
        positive = None if weights is None else torch.tensor(weights)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, target, reduction="none", pos_weight=positive
        )
        first = torch.autograd.grad(loss.sum(), (logits, target), create_graph=True)
        return first, torch.autograd.grad((first[0] ** 2).sum(), logits)

    both(program)
