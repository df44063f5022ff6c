"""Activations in place: their gradients and the names of their nodes."""

from __future__ import annotations

import pytest

# The node and the gradient of [-1, 2, -0.5] that PyTorch 2.13 gives, with default arguments too.
IN_PLACE = {
    "elu_": ((), "EluBackward1", [0.3679, 1.0, 0.6065]),
    "elu_ 2": ((2.0,), "EluBackward1", [0.7358, 1.0, 1.2131]),
    "leaky_relu_": ((), "LeakyReluBackward1", [0.01, 1.0, 0.01]),
    "leaky_relu_ 0.2": ((0.2,), "LeakyReluBackward1", [0.2, 1.0, 0.2]),
    "celu_": ((), "CeluBackward1", [0.3679, 1.0, 0.6065]),
    "selu_": ((), "EluBackward1", [0.6468, 1.0507, 1.0663]),
    "threshold_": ((0.1, 20.0), "ThresholdBackward1", [0.0, 1.0, 0.0]),
    "hardtanh_": ((), "HardtanhBackward0", [0.0, 0.0, 1.0]),
    "relu_": ((), "ReluBackward0", [0.0, 1.0, 0.0]),
}


@pytest.mark.parametrize("case", IN_PLACE)
def test_gradient_in_place_is_pytorchs(torch, case):
    arguments, node, expected = IN_PLACE[case]
    x = torch.tensor([-1.0, 2.0, -0.5], requires_grad=True)
    result = getattr(torch.nn.functional, case.split()[0])(x * 1, *arguments)
    assert result.grad_fn.name() == node
    result.sum().backward()
    assert [round(number, 4) for number in x.grad.tolist()] == expected
