"""Modules and parameters: memory, copies, files and what a call costs in storage objects."""

from __future__ import annotations

import copy
import gc
import pickle

import pytest


def test_a_parameter_of_a_temporary_tensor_has_its_memory_for_itself(torch):
    parameter = torch.nn.Parameter(torch.ones(2))
    assert parameter._alias is None
    held = torch.ones(2)
    shared = torch.nn.Parameter(held)
    held.add_(1)
    assert shared.tolist() == [2.0, 2.0]
    with torch.no_grad():
        shared.add_(1)
    assert held.tolist() == [3.0, 3.0]
    del held
    gc.collect()
    assert shared._alias is None
    assert shared.tolist() == [3.0, 3.0]
    assert shared._version == 2


def test_a_view_keeps_sharing_after_the_tensor_is_gone(torch):
    held = torch.ones(3)
    view = held[1:]
    parameter = torch.nn.Parameter(held)
    del held
    view.mul_(5)
    assert parameter.tolist() == [1.0, 5.0, 5.0]


def test_data_of_another_dtype(torch):
    layer = torch.nn.Linear(2, 2)
    weight = layer.weight
    layer.double()
    assert layer.weight is weight
    assert weight.dtype is torch.float64
    assert weight._alias is None


def test_seeded_layer_is_pytorchs(torch):
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 2)
    assert layer.weight.tolist() == [
        [-0.005293981172144413, 0.37932288646698],
        [-0.5819807648658752, -0.5203874707221985],
    ]
    assert layer.bias.tolist() == [-0.27234524488449097, 0.1896158903837204]
    assert repr(layer) == "Linear(in_features=2, out_features=2, bias=True)"
    assert repr(type(layer)) == "<class 'torch.nn.modules.linear.Linear'>"


def test_pickle_needs_no_pytorch(torch):
    net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.ReLU())
    x = torch.ones(1, 2)
    for made in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert made(x).tolist() == net(x).tolist()
        assert type(made[0]) is torch.nn.Linear
    lazy = pickle.loads(pickle.dumps(torch.nn.LazyLinear(3)))
    assert lazy(x).shape == (1, 3)


def test_missing_and_unexpected_keys(torch):
    layer = torch.nn.Linear(1, 1)
    with pytest.raises(RuntimeError) as raised:
        layer.load_state_dict({"x": torch.ones(1)})
    assert str(raised.value) == (
        "Error(s) in loading state_dict for Linear:\n"
        '\tMissing key(s) in state_dict: "weight", "bias". \n'
        '\tUnexpected key(s) in state_dict: "x". '
    )


def test_swapped_tensors_keep_their_gradients_flowing(torch):
    first = torch.nn.Parameter(torch.ones(2))
    second = torch.zeros(3)
    torch.utils.swap_tensors(first, second)
    assert isinstance(second, torch.nn.Parameter)
    assert type(first) is torch.Tensor
    (second * 2).sum().backward()
    assert second.grad.tolist() == [2.0, 2.0]


def test_hooks_see_arguments_results_and_gradients(torch):
    layer = torch.nn.Linear(2, 1, bias=False)
    seen = []
    layer.register_forward_hook(lambda module, args, result: seen.append(result.shape))
    layer.register_full_backward_hook(lambda module, given, taken: seen.append(taken[0].tolist()))
    x = torch.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    assert seen == [(1, 1), [[1.0]]]
    assert x.grad.tolist() == layer.weight.tolist()


@pytest.mark.parametrize(
    "use",
    [
        lambda torch, weight: weight + 1,
        lambda torch, weight: torch.add(weight, 1),
        lambda torch, weight: weight.sum(),
    ],
    ids=["plus", "add", "sum"],
)
def test_a_parameter_without_a_shape_refuses_operators(torch, use):
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter in <"):
        use(torch, torch.nn.LazyLinear(2).weight)
