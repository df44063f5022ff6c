"""Devices: expressions against the outcomes recorded from PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("devices")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_with_a_device(torch):
    with torch.device("meta"):
        assert torch.zeros(2).device.type == "meta"
        assert torch.tensor([1.0]).is_meta and torch.rand(2).is_meta
        with torch.device("cpu"):
            assert torch.zeros(2).device.type == "cpu"
        assert torch.arange(3).is_meta
    assert torch.zeros(2).device.type == "cpu"


def test_meta_tensors_know_all_but_their_elements(torch):
    weight = torch.ones(2, 3, device="meta", requires_grad=True)
    (weight @ weight.t()).sum().backward()
    assert weight.grad.is_meta and weight.grad.shape == (2, 3)
    assert (weight.detach() * 2).view(3, 2).stride() == (2, 1)


_PROGRAM = """
import jtorch as torch
assert torch.cuda.is_available() and torch.cuda.device_count() == 1
x = torch.ones(3, device="cuda")
print(x * 2, (x * torch.tensor(2.0)).device)
for fails in (lambda: x + torch.ones(3), lambda: x.numpy(), lambda: torch.ones(1, device="cuda:5")):
    try:
        fails()
    except Exception as error:
        print(type(error).__name__, str(error).split("\\n")[0])
w = torch.ones(3, requires_grad=True)
(w.cuda() * x).sum().backward()
print(w.grad, x.cpu().numpy(), x.sum().item())
torch.manual_seed(0)
print(torch.rand(5, device="cuda"))
print(torch.cuda.FloatTensor([1, 2]).type(), isinstance(x, torch.cuda.FloatTensor))
a = torch.ones(2)
b = a.cuda()
a += 1
print(a, b)
"""
_PRINTED = """tensor([2., 2., 2.], device='cuda:0') cuda:0
RuntimeError Expected all tensors to be on the same device, but found at least two devices, \
cuda:0 and cpu!
TypeError can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor \
to host memory first.
RuntimeError CUDA error: invalid device ordinal
tensor([1., 1., 1.]) [1. 1. 1.] 3.0
tensor([0.3990, 0.5167, 0.0249, 0.9401, 0.9459], device='cuda:0')
torch.cuda.FloatTensor True
tensor([2., 2.]) tensor([1., 1.], device='cuda:0')
"""


def test_cuda_by_a_second_device_of_the_host(torch):
    if torch.__name__ != "jtorch":
        pytest.skip("the switch is jtorch's")
    environment = dict(os.environ, JTORCH_FAKE_CUDA="1")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == _PRINTED, done.stderr
