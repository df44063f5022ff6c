"""Views share memory: writes through any of them, strides, offsets, addresses, versions, errors."""

from __future__ import annotations

import numpy as np
import pytest


def counting(torch, *shape):
    """Return 0, 1, 2, ... as a float tensor of a shape."""
    values = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    return torch.tensor(values)


def test_a_write_through_any_view_is_seen_by_all(torch):
    base = counting(torch, 2, 3)
    turned = base.t()
    row = turned[1]
    row.mul_(10)
    turned[2, 0] = -1
    base[0, 0] = 7
    assert base.tolist() == [[7, 10, -1], [3, 40, 5]]
    assert turned.tolist() == [[7, 3], [10, 40], [-1, 5]]
    assert row.tolist() == [10, 40]
    assert base._version == turned._version == row._version == 3


def test_base_is_the_tensor_that_owns_the_memory(torch):
    base = counting(torch, 2, 3)
    view = base.t()[1]
    assert view._base is base
    assert view._is_view() and not base._is_view() and base._base is None
    assert view.detach()._base is None


@pytest.mark.parametrize(
    ("view", "shape", "strides", "offset"),
    [
        (lambda x: x[1, 2:], (1, 4), (4, 1), 20),
        (lambda x: x[:, ::2, -1], (2, 2), (12, 8), 3),
        (lambda x: x.permute(2, 0, 1)[1], (2, 3), (12, 4), 1),
        (lambda x: x.diagonal(1, 1, 2), (2, 3), (12, 5), 1),
        (lambda x: x.diagonal(-1, 1, 2), (2, 2), (12, 5), 4),
        (lambda x: x.unfold(2, 2, 1), (2, 3, 3, 2), (12, 4, 1, 1), 0),
        (lambda x: x.as_strided((2, 2), (1, 2), 5), (2, 2), (1, 2), 5),
        (lambda x: x[1].as_strided((2, 2), (1, 2)), (2, 2), (1, 2), 12),
        (lambda x: x.narrow(1, -1, 1), (2, 1, 4), (12, 4, 1), 8),
        (lambda x: x.view(4, 6)[1:], (3, 6), (6, 1), 6),
        (lambda x: x.split(2, 1)[1], (2, 1, 4), (12, 4, 1), 8),
        (lambda x: x.unbind(2)[3], (2, 3), (12, 4), 3),
        (lambda x: x.chunk(2, 2)[1][0], (3, 2), (4, 1), 2),
        (lambda x: x.movedim(0, 1), (3, 2, 4), (4, 12, 1), 0),
        (lambda x: x[0].expand(2, 3, 4), (2, 3, 4), (0, 4, 1), 0),
        (lambda x: x.tensor_split((1, 2), 1)[1], (2, 1, 4), (12, 4, 1), 4),
    ],
)
def test_where_a_view_lies(torch, view, shape, strides, offset):
    base = counting(torch, 2, 3, 4)
    made = view(base)
    assert (tuple(made.shape), made.stride(), made.storage_offset()) == (shape, strides, offset)
    assert made.data_ptr() == base.data_ptr() + 4 * offset
    expected = np.lib.stride_tricks.as_strided(
        np.arange(24, dtype=np.float32)[offset:], shape, [4 * step for step in strides]
    )
    assert made.tolist() == expected.tolist()
    if 0 not in strides and len(set(expected.reshape(-1))) == expected.size:
        made.fill_(-1)
        gone = np.arange(24, dtype=np.float32)
        gone[expected.reshape(-1).astype(int)] = -1
        assert base.tolist() == gone.reshape(2, 3, 4).tolist()


def test_addresses_of_tensors_that_share_nothing_differ(torch):
    first, second = counting(torch, 4), counting(torch, 4)
    addresses = {first.data_ptr(), second.data_ptr(), first.clone().data_ptr()}
    assert len(addresses) == 3
    assert first.data_ptr() == first.view(2, 2).data_ptr() == first.detach().data_ptr()
    assert torch.tensor([]).data_ptr() == 0
    assert first.is_set_to(first.view(4)) and not first.is_set_to(second)


def test_reshape_views_where_it_can(torch):
    base = counting(torch, 2, 3)
    assert base.reshape(-1).data_ptr() == base.data_ptr()
    copied = base.t().reshape(-1)
    assert copied.data_ptr() != base.data_ptr()
    assert copied.tolist() == [0, 3, 1, 4, 2, 5]
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        base.t().view(-1)


def test_data_has_a_version_of_its_own(torch):
    x = counting(torch, 3)
    x.data.mul_(2)
    assert x._version == 0 and x.tolist() == [0, 2, 4]
    x.detach().mul_(2)
    assert x._version == 1 and x.tolist() == [0, 4, 8]


def test_setting_data_shares_the_memory(torch):
    parameter = counting(torch, 3).requires_grad_()
    source = torch.tensor([1.0, 2.0])
    parameter.data = source
    assert parameter.is_leaf and parameter.requires_grad and parameter._version == 0
    source.mul_(5)
    assert parameter.tolist() == [5, 10]
    assert parameter.data_ptr() == source.data_ptr()
    (parameter * 3).sum().backward()
    assert parameter.grad.tolist() == [3, 3]


def test_a_detached_view_can_become_a_leaf(torch):
    base = counting(torch, 2, 2)
    leaf = base[0].detach().requires_grad_()
    base.mul_(2)
    (leaf * leaf).sum().backward()
    assert leaf.grad.tolist() == [0, 4]
    assert not base.requires_grad


def test_memory_shared_with_numpy_is_written_through(torch):
    if torch.__name__ != "jtorch":
        pytest.skip("reaches into jtorch")
    from jtorch._engine.recording.storage import storage_of

    array = np.arange(6, dtype=np.float32)
    x = torch.tensor(array)
    shared = storage_of(x)
    shared.host = array
    array[0] = 9
    assert x.tolist()[0] == 9
    x.view(2, 3)[1].mul_(10)
    assert array.tolist() == [9, 1, 2, 30, 40, 50]
    x.add_(1)
    assert array.tolist() == [10, 2, 3, 31, 41, 51]
    array[1] = -4
    assert x.view(3, 2)[0].tolist() == [10, -4]
    assert x.data_ptr() == array.ctypes.data


def test_gradient_flows_through_writes_to_views(torch):
    x = counting(torch, 2, 3).requires_grad_()
    y = x * 1
    y[0].mul_(3)
    y.t()[2] = 0
    assert y.grad_fn.name() == "torch::autograd::CopySlices"
    (y * y).sum().backward()
    assert x.grad.tolist() == [[0, 18, 0], [6, 8, 0]]


REFUSED = [
    (lambda y: y.unbind()[0].mul_(2), "Output 0 of Unbind is a view and is being modified inplace"),
    (lambda y: y.split(1)[1].mul_(2), "Output 1 of Split is a view and is being modified inplace"),
    (lambda y: y[0].expand(2, 3).add_(1), "more than one element of the written-to tensor refers"),
    (lambda y: y.view(-1)[1:].copy_(y.view(-1)[:-1]), "some elements of the input tensor and"),
    (lambda y: y[0].detach_(), "Can't detach views in-place"),
    (lambda y: y.resize_(2), "cannot resize variables that require grad"),
    (lambda y: y.as_strided((9, 9), (9, 1)), "requiring a storage size of 324 are out of bounds"),
    (lambda y: y.fill_diagonal_(0).select(0, 2), r"select\(\): index 2 out of range"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_is_refused(torch, number):
    program, words = REFUSED[number]
    y = counting(torch, 2, 3).requires_grad_() * 1
    with pytest.raises((RuntimeError, IndexError), match=words):
        program(y)


def test_a_view_of_a_leaf_is_not_written(torch):
    x = counting(torch, 3).requires_grad_()
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        x[0:2].mul_(2)
    with torch.no_grad():
        x[0:2].fill_(5)
    assert x.tolist() == [5, 5, 2] and x.is_leaf and x._version == 1


def test_changes_of_shape_in_place(torch):
    x = counting(torch, 2, 3)
    row = x[0]
    assert x.t_() is x
    assert tuple(x.shape) == (3, 2) and x.stride() == (1, 3) and x._version == 1
    x[0, 1] = 9
    assert row.tolist() == [0, 1, 2] and x.tolist() == [[0, 9], [1, 4], [2, 5]]
    y = counting(torch, 1, 4)
    y.squeeze_().unsqueeze_(1)
    assert tuple(y.shape) == (4, 1) and y._version == 2
    assert y.resize_(2, 1).tolist() == [[0], [1]]


def test_complex_numbers_as_pairs(torch):
    z = torch.tensor([1 + 2j, 3 - 1j])
    z.imag.mul_(2)
    z.real[0] = 7
    assert z.tolist() == [7 + 4j, 3 - 2j]
    pairs = torch.view_as_real(z)
    assert pairs.stride() == (2, 1) and z.imag.storage_offset() == 1
    pairs[1, 1] = 0
    assert z.tolist() == [7 + 4j, 3]
    assert torch.view_as_complex(pairs).tolist() == z.tolist()


def test_bytes_as_another_dtype(torch):
    x = torch.tensor([1.0, -2.0])
    bits = x.view(torch.int32)
    assert bits.tolist() == [0x3F800000, -0x40000000]
    bits[0] = 0x40400000
    assert x.tolist() == [3, -2]
    assert tuple(x.view(torch.uint8).shape) == (8,)
    with pytest.raises(RuntimeError, match=r"self.size\(-1\) must be divisible by 2"):
        torch.tensor([1.0]).view(torch.float64)


def test_storage_of_a_view_is_that_of_its_base(torch):
    base = counting(torch, 2, 3)
    turned = base.t()
    assert turned.untyped_storage().data_ptr() == base.data_ptr()
    assert turned.untyped_storage().nbytes() == 24
    with pytest.warns(UserWarning, match="TypedStorage is deprecated"):
        assert base[1].storage().tolist() == [0, 1, 2, 3, 4, 5]


def test_memory_formats(torch):
    x = counting(torch, 1, 2, 3, 4)
    last = x.contiguous(memory_format=torch.channels_last)
    assert last.stride() == (24, 1, 8, 2)
    assert last.is_contiguous(memory_format=torch.channels_last) and not last.is_contiguous()
    assert last.clone().stride() == last.stride()
    assert last.contiguous().stride() == x.stride() and x.contiguous() is x
    assert last.tolist() == x.tolist()
