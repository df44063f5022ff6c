"""Sequences of different lengths: packing, padding, and what refuses to be packed."""

from __future__ import annotations

import copy

import pytest

import jtorch as torch
from jtorch import compiler
from jtorch.nn.utils import rnn


def sequences() -> list:
    return [torch.arange(6.0).view(3, 2), torch.ones(1, 2), torch.full((2, 2), 7.0)]


def test_packing_puts_all_first_steps_first():
    packed = rnn.pack_sequence(sequences(), enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices.tolist() == [0, 2, 1]
    assert packed.unsorted_indices.tolist() == [0, 2, 1]
    assert packed.data[:, 0].tolist() == [0, 7, 1, 2, 7, 4]


def test_packing_can_be_undone():
    packed = rnn.pack_sequence(sequences(), enforce_sorted=False)
    for found, wanted in zip(rnn.unpack_sequence(packed), sequences(), strict=True):
        assert torch.equal(found, wanted)
    padded, lengths = rnn.pad_packed_sequence(packed, True, padding_value=-1.0, total_length=4)
    assert lengths.tolist() == [3, 1, 2]
    assert padded[1, :, 0].tolist() == [1, -1, -1, -1]
    assert padded.shape == (3, 4, 2)


@pytest.mark.parametrize("pending", [False, True])
def test_padding_on_either_side(pending):
    """Elements that are there are padded on the host, others in the program."""
    given = [each + 0 for each in sequences()] if pending else sequences()
    left = rnn.pad_sequence(given, batch_first=True, padding_value=9, padding_side="left")
    assert left[:, :, 0].tolist() == [[0, 2, 4], [9, 9, 1], [9, 7, 7]]
    right = rnn.pad_sequence(given)
    assert right.shape == (3, 3, 2)
    assert right[:, 1, 0].tolist() == [1, 0, 0]


def test_gradients_reach_only_what_was_packed():
    x = torch.zeros(3, 2, requires_grad=True)
    rnn.pack_padded_sequence(x, [3, 1]).data.sum().backward()
    assert x.grad.tolist() == [[1, 1], [1, 0], [1, 0]]
    y = torch.zeros(2, requires_grad=True)
    padded = rnn.pad_sequence([y, torch.ones(3)])
    assert type(padded.grad_fn).__name__ == "CopySlices"
    padded.sum().backward()
    assert y.grad.tolist() == [1, 1]


def test_a_packed_sequence_converts_its_data_alone():
    packed = rnn.pack_sequence(sequences(), enforce_sorted=False)
    wide = packed.double()
    assert wide.data.dtype is torch.float64
    assert wide.sorted_indices.dtype is torch.int64
    assert packed.to("cpu") is packed
    assert not packed.is_cuda


def test_a_permutation_is_inverted():
    assert rnn.invert_permutation(torch.tensor([2, 0, 1])).tolist() == [1, 2, 0]
    assert rnn.invert_permutation(None) is None


REFUSALS = {
    "received an empty list of sequences": lambda: rnn.pad_sequence([]),
    "Expected padding_side to be one of left or right, but got x.": lambda: rnn.pad_sequence(
        [torch.ones(1)], padding_side="x"
    ),
    "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
    "": lambda: rnn.pack_padded_sequence(torch.ones(3, 2), [3, 0]),
    "Expected `len(lengths)` to be equal to batch_size, but got 1 (batch_size=2)": lambda: (
        rnn.pack_padded_sequence(torch.ones(3, 2), [3])
    ),
    "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 1": (
        lambda: rnn.pad_sequence([torch.ones(1, 2), torch.ones(1, 3)])
    ),
}


@pytest.mark.parametrize("words", REFUSALS)
def test_words_are_pytorchs(words):
    with pytest.raises(RuntimeError) as caught:
        REFUSALS[words]()
    assert str(caught.value) == words


def test_programs_serve_all_lengths():
    """As long as nobody looks at the rows, of which there is another number for each batch."""
    torch.manual_seed(0)
    network = torch.nn.LSTM(2, 3, bidirectional=True)
    padded = torch.randn(5, 4, 2)

    def step(lengths):
        given = rnn.pack_padded_sequence(padded, lengths, enforce_sorted=False)
        output, _ = network(given.to("cpu"))
        network.zero_grad()
        rnn.pad_packed_sequence(output)[0].square().sum().backward()
        return [each.grad.tolist() for each in network.parameters()]

    compiler.synchronize()  # what stands before a step, here or in earlier tests, is no part of it
    first = step([5, 4, 2, 1])
    compiler.reset_stats()
    assert step([5, 3, 3, 2]) != first
    assert step([1, 5, 1, 1]) != first
    assert step([5, 4, 2, 1]) == first
    assert compiler.stats().programs_compiled == 0


def test_what_is_packed_does_not_change_with_its_source():
    source = torch.arange(6.0).view(3, 2)
    packed = rnn.pack_padded_sequence(source, [3, 1])
    source.zero_()
    assert packed.data.tolist() == [0, 1, 2, 4]
    assert rnn.pad_packed_sequence(packed)[0].tolist() == [[0, 1], [2, 0], [4, 0]]


def test_what_is_not_a_number_behind_an_end_goes_nowhere():
    padded = torch.full((3, 2, 1), float("nan"))
    padded[:, 0] = 1
    padded[0, 1] = 1
    padded.requires_grad_()
    network = torch.nn.GRU(1, 2, num_layers=2)
    output, hidden = network(rnn.pack_padded_sequence(padded, [3, 1]))
    filled, _ = rnn.pad_packed_sequence(output)
    (filled.sum() + hidden.sum()).backward()
    assert bool(filled.isfinite().all())
    assert all(bool(each.grad.isfinite().all()) for each in network.parameters())
    assert (padded.grad != 0).flatten().tolist() == [True, True, True, False, True, False]


def test_a_packed_sequence_is_a_tuple_of_four():
    packed = rnn.pack_sequence(sequences(), enforce_sorted=False)
    data, sizes, order, inverse = packed
    assert data is packed.data is packed[0] and inverse is packed[-1]
    assert len(packed) == 4 and packed[1:3] == (sizes, order)
    assert tuple(packed._asdict()) == ("data", "batch_sizes", "sorted_indices", "unsorted_indices")
    for copied in (copy.copy(packed), copy.deepcopy(packed)):
        assert type(copied) is rnn.PackedSequence
        assert repr(copied) == repr(packed)
