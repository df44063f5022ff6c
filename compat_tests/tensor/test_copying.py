"""``copy.copy``, ``copy.deepcopy`` and ``pickle`` of tensors: what is shared and what is not."""

from __future__ import annotations

import copy
import pickle

import pytest

import jtorch as torch
from jtorch import nn


class Marked(torch.Tensor):
    pass


class MarkedParameter(nn.Parameter):
    pass


def test_a_shallow_copy_shares_the_memory():
    for tensor in (torch.arange(3.0), torch.arange(3.0) + 0, torch.arange(6.0)[1:4]):
        copied = copy.copy(tensor)
        assert copied is not tensor
        assert copied._base is None
        assert copied.data_ptr() == tensor.data_ptr()
        copied[0] = 9
        tensor[1] = 8
        assert tensor.tolist() == copied.tolist()
        assert tensor.tolist()[:2] == [9, 8]


def test_a_shallow_copy_counts_writes_by_itself():
    tensor = torch.arange(3.0)
    copied = copy.copy(tensor)
    copied[0] = 9
    assert (tensor._version, copied._version) == (0, 2)  # PyTorch counts the memory's arrival
    assert copy.copy(nn.Parameter(tensor))._version == 0


def test_a_shallow_copy_of_a_view_keeps_its_strides_and_offset():
    tensor = torch.arange(6.0).reshape(2, 3)
    copied = copy.copy(tensor.t()[1:])
    assert (copied.stride(), copied.storage_offset()) == ((1, 3), 1)
    copied[0] = 7
    assert tensor.tolist() == [[0, 7, 2], [3, 7, 5]]


def test_a_shallow_copy_of_a_leaf_is_a_leaf_without_a_gradient():
    for leaf in (nn.Parameter(torch.arange(3.0)), torch.arange(3.0, requires_grad=True)):
        leaf.grad = torch.ones(3)
        copied = copy.copy(leaf)
        assert type(copied) is type(leaf)
        assert (copied.requires_grad, copied.is_leaf, copied.grad) == (True, True, None)
        (copied * copied).sum().backward()
        assert copied.grad.tolist() == [0, 2, 4]
        assert leaf.grad.tolist() == [1, 1, 1]
        with torch.no_grad():
            copied[0] = 5
        assert leaf.tolist() == [5, 1, 2]
    result = torch.ones(2, requires_grad=True) * 2
    copied = copy.copy(result)
    assert (copied.requires_grad, copied.is_leaf, copied.grad_fn) == (True, True, None)
    assert not copy.copy(nn.Parameter(torch.ones(2), requires_grad=False)).requires_grad


def test_a_shallow_copy_keeps_class_and_attributes():
    tensor = torch.arange(3.0).as_subclass(Marked)
    tensor.mark = [1]
    copied = copy.copy(tensor)
    assert type(copied) is Marked
    assert copied.mark is tensor.mark
    parameter = MarkedParameter(torch.arange(3.0))
    parameter.mark = 2
    copied = copy.copy(parameter)
    assert type(copied) is nn.Parameter  # as PyTorch's
    assert copied.mark == 2


def test_a_shallow_copy_of_a_hooked_leaf_warns():
    leaf = torch.ones(2, requires_grad=True)
    leaf.register_hook(lambda gradient: gradient)
    with pytest.warns(UserWarning, match="on tensor will not be serialized"):
        copy.copy(leaf)


def test_a_class_says_how_it_is_copied():
    class Own(torch.Tensor):
        def __reduce_ex__(self, protocol):
            return (str, ("own",))

    assert copy.copy(torch.ones(2).as_subclass(Own)) == "own"


def test_a_deep_copy_copies_all_of_the_memory_once():
    tensor = torch.arange(6.0)
    view = tensor[2:4]
    copied = copy.deepcopy(view)
    assert (copied.storage_offset(), copied.untyped_storage().nbytes()) == (2, 24)
    for order in ([tensor, view], [view, tensor]):
        first, second = copy.deepcopy(order)
        whole, part = (first, second) if first.numel() == 6 else (second, first)
        whole[2] = 99
        assert part.tolist() == [99, 3]
    assert tensor.tolist() == [0, 1, 2, 3, 4, 5]
    assert copy.deepcopy(torch.arange(3.0).expand(2, 3)).stride() == (0, 1)


def test_a_deep_copy_of_a_conjugate_is_resolved():
    copied = copy.deepcopy(torch.tensor([1 + 2j]).conj())
    assert (copied.tolist(), copied.is_conj()) == ([1 - 2j], False)


def test_a_deep_copy_of_pending_results():
    tensor = torch.arange(4.0) * 2
    view = tensor[1:3]
    whole, part = copy.deepcopy((tensor, view))
    part[0] = 50
    assert whole.tolist() == [0, 50, 4, 6]
    assert tensor.tolist() == [0, 2, 4, 6]


def test_pickled_copies_share_nothing():
    tensor = torch.arange(6.0)
    first, second = pickle.loads(pickle.dumps((tensor, tensor[2:4])))
    first[2] = 50
    assert second.tolist() == [2, 3]
    assert second.untyped_storage().nbytes() == 24
