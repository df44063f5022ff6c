"""Weak references to tensors and dicts by what an object is."""

from __future__ import annotations

import copy
import gc

import pytest

import jtorch as torch
from jtorch.utils.weak import (
    TensorWeakRef,
    WeakIdKeyDictionary,
    WeakIdRef,
    WeakTensorKeyDictionary,
)


def test_references_to_one_object_are_equal() -> None:
    x = torch.ones(2)
    first, second = WeakIdRef(x), WeakIdRef(x)
    assert first == second and hash(first) == hash(second) == id(x) and first() is x
    assert WeakIdRef(torch.ones(2)) != first
    del x
    gc.collect()
    assert first() is None and first != second and hash(first) == hash(second)


def test_tensors_are_keys_by_what_they_are() -> None:
    x, y = torch.ones(2), torch.ones(2)
    held = WeakTensorKeyDictionary({x: 1})
    held[y] = 2
    assert held[x] == 1 and held[y] == 2 and torch.ones(2) not in held and len(held) == 2
    assert [value for _, value in held.items()] == [1, 2] and next(iter(held)) is x
    del y
    gc.collect()
    assert len(held) == 1 and list(held.values()) == [1]
    with pytest.raises(KeyError):
        held[torch.ones(2)]


def test_it_is_a_dict() -> None:
    x, y = torch.ones(1), torch.ones(1)
    held = WeakIdKeyDictionary({x: 5})
    assert held.get(x) == 5 and held.pop(x) == 5 and held.pop(x, 7) == 7
    assert held.setdefault(x, 9) == 9 and held == WeakIdKeyDictionary({x: 9})
    assert (held | {y: 3})[y] == 3 and ({x: 1} | held)[x] == 9 and len(held) == 1
    held |= {y: 4}
    assert held.copy() == held and copy.copy(held)[y] == 4
    assert copy.deepcopy(held)[x] == 9 and len(held.keyrefs()) == 2
    del held[x]
    assert held.popitem()[1] == 4 and not held


def test_a_reference_to_a_tensor() -> None:
    x = torch.ones(2)
    reference = TensorWeakRef(x)
    assert reference() is x
    del x
    gc.collect()
    assert reference() is None
    with pytest.raises(AssertionError, match=r"expected torch\.Tensor, got <class 'int'>\."):
        TensorWeakRef(3)
