"""Streams and maps of samples made of one another: figures of PyTorch 2.13."""

from __future__ import annotations

import pickle

import pytest

import jtorch as torch
from jtorch.utils.data import DataLoader, IterDataPipe, MapDataPipe, functional_datapipe
from jtorch.utils.data import graph as graph
from jtorch.utils.data.datapipes import iter as streams
from jtorch.utils.data.datapipes import map as maps


def numbers(count: int = 10):
    """Return a stream of numbers."""
    return streams.IterableWrapper(range(count))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda p: p.map(lambda x: x + 1).filter(lambda x: x % 2 == 0).batch(2),
         [[2, 4], [6, 8], [10]]),
        (lambda p: p.batch(3, drop_last=True), [[0, 1, 2], [3, 4, 5], [6, 7, 8]]),
        (lambda p: p.batch(2).unbatch(), list(range(10))),
        (lambda p: p.zip(streams.IterableWrapper("abc")), [(0, "a"), (1, "b"), (2, "c")]),
        (lambda p: p.concat(numbers(2)), [*range(10), 0, 1]),
        (lambda p: p.mux(streams.IterableWrapper([100, 101])), [0, 100, 1, 101]),
        (lambda p: p.groupby(lambda x: x % 3), [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]),
        (lambda p: p.groupby(lambda x: x % 3, group_size=2),
         [[0, 3], [1, 4], [2, 5], [6, 9], [7], [8]]),
        (lambda p: p.shuffle().set_seed(1), [2, 1, 6, 0, 7, 8, 9, 5, 4, 3]),
        (lambda p: p.shuffle(buffer_size=3).set_seed(1), [0, 2, 3, 1, 5, 6, 8, 9, 4, 7]),
    ],
)  # fmt: skip
def test_streams(made, expected: list) -> None:
    assert list(made(numbers())) == expected


def test_a_stream_is_shuffled_by_the_default_generator() -> None:
    torch.manual_seed(0)
    assert list(numbers().shuffle()) == [3, 5, 0, 1, 9, 6, 2, 7, 4, 8]


def test_streams_that_are_split() -> None:
    first, second = numbers().fork(2)
    one, other = iter(first), iter(second)
    assert [next(one), next(one), next(other)] == [0, 1, 0]
    assert list(numbers(4).fork(2)[1]) == [0, 1, 2, 3]
    even, odd = numbers().demux(2, lambda x: x % 2)
    assert list(even) == [0, 2, 4, 6, 8] and list(odd) == [1, 3, 5, 7, 9]
    with pytest.raises(BufferError):
        list(numbers().fork(2, buffer_size=3)[0])


def test_a_function_of_a_part_of_a_sample() -> None:
    pairs = streams.IterableWrapper([(1, 2), (3, 4)])
    assert list(pairs.map(lambda x: x * 10, input_col=1)) == [(1, 20), (3, 40)]
    added = pairs.map(lambda x: x * 10, input_col=1, output_col=-1)
    assert list(added) == [(1, 2, 20), (3, 4, 40)]
    named = streams.IterableWrapper([{"a": 1}]).map(lambda x: x * 10, input_col="a", output_col="b")
    assert list(named) == [{"a": 1, "b": 10}]


def test_lengths_and_names() -> None:
    pipe = numbers()
    assert len(pipe.map(str)) == 10 and len(pipe.batch(3)) == 4
    assert repr(pipe) == "IterableWrapperIterDataPipe"
    with pytest.raises(TypeError, match="object of type 'FilterIterDataPipe' has no len"):
        len(pipe.filter(bool))
    with pytest.raises(AttributeError, match="object has no attribute 'nothing"):
        _ = pipe.nothing
    collated = list(pipe.batch(5).collate())
    assert collated[1].tolist() == [5, 6, 7, 8, 9]


def test_processes_share_samples() -> None:
    pipe = numbers().sharding_filter()
    pipe.apply_sharding(3, 1)
    assert list(pipe) == [1, 4, 7] and len(pipe) == 3
    loader = DataLoader(numbers().sharding_filter(), batch_size=None, num_workers=2)
    assert sorted(loader) == list(range(10))


def test_a_loader_shuffles_and_seeds() -> None:
    plain = DataLoader(numbers().shuffle(), batch_size=3, shuffle=False)
    assert [batch.tolist() for batch in plain] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    torch.manual_seed(1)
    mixed = DataLoader(numbers().shuffle(), batch_size=3, shuffle=True)
    assert [batch.tolist() for batch in mixed] == [[9, 2, 1], [4, 6, 8], [5, 3, 0], [7]]


def test_a_pipe_has_one_iterator() -> None:
    pipe = numbers()
    first = iter(pipe)
    assert next(first) == 0
    assert next(iter(pipe)) == 0
    with pytest.raises(RuntimeError) as found:
        next(first)
    assert str(found.value).splitlines()[0] == (
        "This iterator has been invalidated because another iterator has been created from the "
        "same IterDataPipe: IterableWrapperIterDataPipe(deepcopy=True, iterable=range(0, 10))"
    )


def test_an_error_says_where_it_was_raised() -> None:
    with pytest.raises(ValueError) as found:
        list(numbers().filter(lambda x: x))
    assert found.value.args == (
        "Boolean output is required for `filter_fn` of FilterIterDataPipe, got\nThis exception is "
        "thrown by __iter__ of FilterIterDataPipe(datapipe=IterableWrapperIterDataPipe, "
        "filter_fn=<lambda>, input_col=None)",
        int,
    )


def test_maps() -> None:
    pipe = maps.SequenceWrapper(range(6))
    assert pipe.map(lambda x: x * 2)[2] == 4 and len(pipe) == 6
    assert list(pipe.batch(4)) == [[0, 1, 2, 3], [4, 5]]
    assert pipe.zip(pipe)[1] == (1, 1) and pipe.concat(pipe)[7] == 1
    assert list(pipe.shuffle().set_seed(0)) == [4, 2, 1, 0, 5, 3]
    assert isinstance(pipe, MapDataPipe) and isinstance(pipe.shuffle(), IterDataPipe)


def test_a_class_becomes_a_method() -> None:
    @functional_datapipe("tripled")
    class Tripled(IterDataPipe):
        def __init__(self, source):
            self.source = source

        def __iter__(self):
            for sample in self.source:
                yield 3 * sample

    try:
        assert list(numbers(3).tripled()) == [0, 3, 6]
        with pytest.raises(Exception, match="name tripled as it is already taken"):
            functional_datapipe("tripled")(Tripled)
    finally:
        del IterDataPipe.functions["tripled"]


def test_what_a_pipe_is_made_of_is_known() -> None:
    source = numbers()
    made = source.map(str)
    assert graph.traverse_dps(made) == {id(made): (made, {id(source): (source, {})})}
    assert list(pickle.loads(pickle.dumps(source.batch(5)))) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
