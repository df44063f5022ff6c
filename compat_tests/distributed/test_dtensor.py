"""DTensors: every operator with every placement, and the arithmetic of placements."""

from __future__ import annotations

import pytest

from compat_tests.helpers import process_cases


@pytest.mark.distributed
@pytest.mark.parametrize(("processes", "most"), [(2, 4), (4, 3)])
def test_values_and_gradients_are_those_of_whole_tensors(processes, most):
    program = process_cases.PROGRAMS / "dtensor_values.py"
    found = process_cases.cases_of(program.stem, processes, "jtorch", [str(most)])
    assert len(found[0]) > 70
    for each in found:
        assert {name: value for name, value in each.items() if value != []} == {}


class Mesh:
    """What of a mesh the arithmetic asks for."""

    def __init__(self, shape, coordinate):
        self.shape, self.coordinate = shape, coordinate

    def size(self, index):
        return self.shape[index]

    def get_coordinate(self):
        return self.coordinate


@pytest.fixture
def placed(torch):
    """Return the module of placements; the names of tensors are PyTorch's."""
    import jtorch.distributed.tensor._redistribute as redistribute
    from jtorch.distributed.tensor import placement_types

    placement_types.steps_between = redistribute.steps_between
    placement_types.part = redistribute.shard_size_and_offset
    return placement_types


@pytest.mark.parametrize(
    ("rank", "expected"), [(0, ([2], [0])), (1, ([2], [2])), (2, ([1], [4])), (3, ([0], [5]))]
)
def test_pieces_are_those_of_chunk(placed, rank, expected):
    assert placed.part([5], Mesh((4,), (rank,)), [placed.Shard(0)]) == expected


def test_pieces_of_pieces(placed):
    shards = [placed.Shard(0), placed.Shard(0)]
    found = [placed.part([8, 3], Mesh((2, 2), (i, j)), shards) for i in (0, 1) for j in (0, 1)]
    assert found == [([2, 3], [0, 0]), ([2, 3], [2, 0]), ([2, 3], [4, 0]), ([2, 3], [6, 0])]


def test_where_a_part_lies(placed):
    from jtorch.distributed.tensor._utils import compute_local_shape_and_global_offset as place_of

    cut, twice = [placed.Shard(0), placed.Shard(1)], [placed.Shard(0), placed.Shard(0)]
    mesh = Mesh((2, 2), (1, 1))
    assert place_of((8, 6), mesh, cut) == ((4, 3), (4, 3))
    assert place_of((5, 3), mesh, twice) == ((1, 3), (4, 0))
    assert place_of((1, 7), mesh, cut) == ((0, 3), (1, 4))
    assert place_of((8, 6), mesh, cut, skip_offset=True) == ((4, 3), ())
    assert place_of((8, 6), Mesh((2, 2), None), cut) == ((0,), ())


@pytest.mark.parametrize(
    ("source", "target", "steps"),
    [
        ("R", "0", ["0:R-0"]),
        ("0", "1", ["0:0-1"]),
        ("P", "0", ["0:P-0"]),
        ("00", "R0", ["1:0-R", "0:0-R", "1:R-0"]),
        ("00", "0R", ["1:0-R"]),
        ("01", "11", ["1:1-R", "0:0-R", "0:R-1", "1:R-1"]),
        ("0P", "R1", ["1:P-1", "0:0-R"]),
        ("RR", "00", ["0:R-0", "1:R-0"]),
        ("01", "10", ["1:1-R", "0:0-R", "0:R-1", "1:R-0"]),
    ],
)
def test_steps_of_a_redistribution(placed, source, target, steps):
    def read(text):
        kinds = {"R": placed.Replicate(), "P": placed.Partial()}
        return [kinds[c] if c in kinds else placed.Shard(int(c)) for c in text]

    def shown(placement):
        return str(placement)[0] if not placement.is_shard() else str(placement.dim)

    found = placed.steps_between(read(source), read(target))
    assert [f"{i}:{shown(before)}-{shown(after)}" for i, before, after in found] == steps
