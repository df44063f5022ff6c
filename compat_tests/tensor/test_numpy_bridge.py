"""The NumPy bridge: expressions against the outcomes recorded from PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("numpy_bridge")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_writes_are_seen_on_both_sides(torch):
    array = np.arange(6.0).reshape(2, 3)
    tensor = torch.from_numpy(array)
    tensor[0] += 1
    assert array.tolist() == [[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]
    array[1] = 9
    assert tensor.sum().item() == 33.0
    tensor.t()[2, 0] = -1
    assert array[0, 2] == -1
    twin = tensor[1:].numpy()
    twin[0, 0] = 7
    assert array[1, 0] == 7 and tensor[1, 0].item() == 7


def test_numpy_of_a_tensor_shares_its_memory(torch):
    tensor = torch.ones(3)
    array = tensor.numpy()
    array[0] = 4
    assert tensor.tolist() == [4, 1, 1]
    tensor.mul_(2)
    assert array.tolist() == [8, 2, 2]
    part = tensor[1:].numpy()
    part[:] = 3
    assert tensor.tolist() == [8, 3, 3] and array.tolist() == [8, 3, 3]
    assert np.shares_memory(array, np.asarray(tensor))


def test_strided_arrays_keep_their_strides(torch):
    array = np.arange(12.0).reshape(3, 4)
    tensor = torch.from_numpy(array[:, ::2])
    assert tensor.stride() == (4, 2)
    tensor.fill_(0)
    assert array[:, 1].tolist() == [1, 5, 9] and not array[:, 2].any()
    assert torch.ones(2, 3).t().numpy().strides == (4, 12)


def test_large_shared_arrays_are_read_where_they_are_looked_at(torch):
    array = np.zeros((200, 100), np.float32)
    tensor = torch.from_numpy(array)
    row, rows = tensor[7], torch.tensor([7, 8])
    array[7] = 3
    assert row.sum().item() == 300
    assert tensor[rows].sum().item() == 300
    array[8] = 1
    assert tensor[rows].sum().item() == 400
    tensor[7] = 5
    assert array[7, 0] == 5 and row[0].item() == 5
    assert (tensor * 2)[7, 1].item() == 10


def test_training_on_a_shared_parameter(torch):
    weight = torch.ones(2, requires_grad=True)
    array = weight.detach().numpy()
    for _ in range(3):
        (weight * 2).sum().backward()
        with torch.no_grad():
            weight -= weight.grad
        weight.grad = None
    assert array.tolist() == [-5, -5]
    array[0] = 1
    assert weight.tolist() == [1, -5] and weight.is_leaf


def test_frombuffer_shares_the_buffer(torch):
    buffer = bytearray(8)
    tensor = torch.frombuffer(buffer, dtype=torch.int32)
    tensor[1] = 258
    assert bytes(buffer) == bytes([0, 0, 0, 0, 2, 1, 0, 0])


def test_dlpack_both_ways(torch):
    array = np.arange(3.0)
    tensor = torch.from_dlpack(array)
    array[0] = 5
    assert tensor[0].item() == 5
    assert np.from_dlpack(torch.ones(2)).tolist() == [1, 1]


def test_sharing_ends_with_the_last_array(torch):
    if torch.__name__ != "jtorch":
        pytest.skip("looks at jtorch's own state")
    tensor = torch.ones(3)
    array = tensor.numpy()
    view = array[1:]
    view[0] = 2
    del array
    assert tensor.tolist() == [1, 2, 1]
    assert tensor._alias.storage.host is not None
    view[1] = 3
    del view
    assert tensor.tolist() == [1, 2, 3]
    assert tensor._alias.storage.host is None


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_arrays_of_several_parameters_and_gradients_follow_training(torch, name):
    torch.manual_seed(0)
    model = torch.nn.Linear(2, 3)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.1)
    weights = [parameter.detach().numpy() for parameter in model.parameters()]
    before = [array.copy() for array in weights]
    for _ in range(3):
        optimizer.zero_grad(set_to_none=False)
        model(torch.ones(4, 2)).sum().backward()
        gradients = [parameter.grad.numpy() for parameter in model.parameters()]
        optimizer.step()
    model(torch.ones(4, 2)).sum().backward()
    assert [(array == 8).all() for array in gradients] == [True, True]
    for array, old, parameter in zip(weights, before, model.parameters(), strict=True):
        assert np.allclose(array, old - (1.2 if name == "SGD" else 0.3), atol=1e-5)
        assert array.tolist() == parameter.tolist()
