"""Floating point operations that are counted, and their table: figures of PyTorch 2.13."""

from __future__ import annotations

import contextlib
import io

import pytest

import jtorch as torch
from jtorch.utils.flop_counter import FlopCounterMode, flop_registry, register_flop_formula
from jtorch.utils.module_tracker import ModuleTracker

#: A program over tensors made by ``operands``, and what PyTorch counts of it.
COUNTS = {
    "a @ b": {"mm": 240},
    "(a @ b).sum().backward()": {"mm": 720},
    "(a @ b.detach()).sum().backward()": {"mm": 480},
    "(A @ B).sum().backward()": {"bmm": 2160},
    "(A @ b).sum().backward()": {"mm": 2160},
    "torch.baddbmm(torch.zeros(3, 4, 6), A, B).sum().backward()": {"baddbmm": 720, "bmm": 1440},
    "torch.addmm(torch.zeros(4, 6), a, b).sum().backward()": {"addmm": 240, "mm": 480},
    "F.linear(a, b.t(), torch.zeros(6)).sum().backward()": {"addmm": 240, "mm": 480},
    "F.linear(a[0], b.detach().t())": {"mm": 60},
    "torch.einsum('bij,bjk->bik', A, B).sum().backward()": {"bmm": 2160},
    "torch.einsum('ij,kj->ik', a, torch.zeros(7, 5))": {"bmm": 280},
    "torch.tensordot(A, b, 1)": {"mm": 720},
    "F.scaled_dot_product_attention(q, q, q, is_causal=True).sum().backward()": {},
    "F.scaled_dot_product_attention(A, A, A).sum().backward()": {"bmm": 2880},
    "F.conv2d(image, w).sum().backward()": {"convolution": 31752, "convolution_backward": 63504},
    "F.conv2d(image, w, stride=2, padding=1)": {"convolution": 16200},
    "F.conv2d(wide, w, groups=2).sum().backward()": {
        "convolution": 31752, "convolution_backward": 63504,
    },
    "F.conv_transpose2d(wide.requires_grad_(), w).sum().backward()": {
        "convolution": 52488, "convolution_backward": 104976,
    },
    "F.conv1d(torch.zeros(2, 3, 9), torch.zeros(5, 3, 3, requires_grad=True)).sum().backward()": {
        "convolution": 1260, "convolution_backward": 1260,
    },
    "F.scaled_dot_product_attention(q, q, q, dropout_p=0.5).sum().backward()": {"bmm": 98304},
    "torch.linalg.multi_dot([a, b, b.t()]).sum().backward()": {"mm": 1440},
    "F.linear(A.transpose(0, 1), b.t(), b[0]).sum().backward()": {"mm": 2160},
    "nn.GRUCell(5, 3)(a).sum().backward()": {"addmm": 576, "mm": 936},
    "nn.LSTMCell(5, 3)(a)[0].sum().backward()": {"addmm": 768, "mm": 1248},
    "nn.RNNCell(5, 3, nonlinearity='relu')(a).sum().backward()": {"addmm": 192, "mm": 312},
    "nn.GRU(5, 3, 2, bidirectional=True, batch_first=True)(A)[0].sum().backward()": {
        "mm": 16200, "addmm": 5184,
    },
    "nn.RNN(5, 3, bias=False)(A)[1].sum().backward()": {"mm": 1656},
    "torch.mv(a, a[0]), torch.cdist(a, a), torch.relu(a)": {},
}  # fmt: skip


def operands(torch) -> dict:
    """Return what the programs are about."""
    return {
        "a": torch.ones(4, 5, requires_grad=True),
        "b": torch.ones(5, 6, requires_grad=True),
        "A": torch.ones(3, 4, 5, requires_grad=True),
        "B": torch.ones(3, 5, 6, requires_grad=True),
        "q": torch.ones(2, 4, 8, 16, requires_grad=True),
        "w": torch.ones(6, 3, 3, 3, requires_grad=True),
        "image": torch.ones(2, 3, 9, 9, requires_grad=True),
        "wide": torch.ones(2, 6, 9, 9),
        "F": torch.nn.functional,
        "nn": torch.nn,
        "torch": torch,
    }


@pytest.mark.parametrize("program", COUNTS)
def test_counts(program: str) -> None:
    with FlopCounterMode(display=False) as mode:
        eval(program, operands(torch))
    found = mode.get_flop_counts().get("Global", {})
    assert {str(name).removeprefix("aten."): n for name, n in found.items()} == COUNTS[program]
    assert mode.get_total_flops() == sum(COUNTS[program].values())


class Net(torch.nn.Module):
    """A convolution and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
        linear = torch.nn.Linear
        self.body = torch.nn.Sequential(linear(8 * 64, 32), torch.nn.ReLU(), linear(32, 10))

    def forward(self, x):
        return self.body(self.conv(x).relu().flatten(1))


FORWARD = """\
Module                  FLOP    % Total
------------------  --------  ---------
Net                 122.112K    100.00%
- aten.convolution   55.296K     45.28%
- aten.addmm         66.816K     54.72%
Net.body             66.816K     54.72%
- aten.addmm         66.816K     54.72%
Net.conv             55.296K     45.28%
- aten.convolution   55.296K     45.28%
"""
BOTH = """\
Module                           FLOP    % Total
---------------------------  --------  ---------
Net                          366.336K    100.00%
- aten.convolution            55.296K     15.09%
- aten.addmm                  66.816K     18.24%
- aten.mm                    133.632K     36.48%
- aten.convolution_backward  110.592K     30.19%
Net.body                     200.448K     54.72%
- aten.addmm                  66.816K     18.24%
- aten.mm                    133.632K     36.48%
Net.body.0                   196.608K     53.67%
- aten.addmm                  65.536K     17.89%
- aten.mm                    131.072K     35.78%
Net.body.2                     3.840K      1.05%
- aten.addmm                   1.280K      0.35%
- aten.mm                      2.560K      0.70%
Net.conv                     165.888K     45.28%
- aten.convolution            55.296K     15.09%
- aten.convolution_backward  110.592K     30.19%"""


def test_the_table_is_printed() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), FlopCounterMode():
        Net()(torch.ones(2, 3, 8, 8))
    assert printed.getvalue() == FORWARD


def test_the_table_of_a_training_step() -> None:
    image = torch.ones(2, 3, 8, 8, requires_grad=True)
    with FlopCounterMode(display=False) as mode:
        Net()(image).sum().backward()
    assert mode.get_table(5) == BOTH
    assert mode.get_table(1).splitlines()[2].split() == ["Net", "366.336K", "100.00%"]


def test_what_no_module_has_is_global() -> None:
    layer, x = torch.nn.Linear(4, 8), torch.ones(2, 4)
    with FlopCounterMode(display=False) as mode:
        layer(x)
        x @ x.t()
    lines = [line.split() for line in mode.get_table().splitlines()]
    assert lines[2] == ["Global", "160", "100.00%"] and lines[5] == ["Linear", "128", "80.00%"]
    with FlopCounterMode(display=False) as mode:
        pass
    assert mode.get_table().splitlines()[2].split() == ["Global", "0", "0%"]


def test_a_backward_pass_after_the_block_is_not_counted() -> None:
    layer = torch.nn.Linear(4, 8)
    with FlopCounterMode(display=False) as mode:
        loss = layer(torch.ones(2, 4)).sum()
    loss.backward()
    assert mode.get_total_flops() == 128 and layer.weight.grad.sum().item() == 64.0


def test_formulas_can_be_added() -> None:
    with FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.relu: lambda shape, out_shape=None: 7}
    ) as mode:
        torch.relu(torch.ones(2))
    assert mode.get_total_flops() == 7

    @register_flop_formula(torch.ops.aten.tanh)
    def count(shape, out_shape=None):
        return shape[0] + out_shape[0]

    try:
        with FlopCounterMode(display=False) as mode:
            torch.tanh(torch.ones(3))
        assert mode.get_total_flops() == 6
        with pytest.raises(RuntimeError, match=r"duplicate registrations for aten\.tanh"):
            register_flop_formula(torch.ops.aten.tanh)(count)
    finally:
        del flop_registry[torch.ops.aten.tanh]


def test_the_modules_that_run_are_known() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    seen = []
    net[1].register_forward_pre_hook(lambda module, inputs: seen.append(set(tracker.parents)))
    with ModuleTracker() as tracker:
        net(torch.ones(1, 2))
    assert seen == [{"Global", "Sequential", "Sequential.1"}] and tracker.parents == {"Global"}
