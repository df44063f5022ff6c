"""Device meshes: the arithmetic of their layouts. What meshes say stands in test_programs."""

from __future__ import annotations

import pytest


@pytest.fixture
def layouts(torch):
    """Return the module of layouts."""
    from jtorch.distributed import _mesh_layout

    return _mesh_layout


def test_rows_and_columns(layouts):
    layout = layouts.MeshLayout.contiguous((2, 3))
    rows, columns = [layouts.MeshLayout([dim]) for dim in layout.dims]
    assert (layout.shape, layout.strides, layout.numel()) == ((2, 3), (3, 1), 6)
    assert list(columns.groups(range(6))) == [[0, 1, 2], [3, 4, 5]]
    assert list(rows.groups(range(6))) == [[0, 3], [1, 4], [2, 5]]
    assert list(rows.groups([7, 5, 3, 6, 4, 2])) == [[7, 6], [5, 4], [3, 2]]


def test_loops_that_run_on_are_one(layouts):
    whole = layouts.MeshLayout.contiguous((2, 3, 4)).flattened()
    assert whole == layouts.MeshDim([(24, 1)]) and hash(whole) == hash(layouts.MeshDim([(24, 1)]))
    apart = layouts.MeshDim([(2, 12), (4, 1)])
    assert (apart.size, apart.stride) == (8, (12, 1))
    assert apart.offsets() == [0, 1, 2, 3, 12, 13, 14, 15]
    assert layouts.MeshDim([(1, 5)]).stride == ()


@pytest.mark.parametrize(
    ("loops", "sizes", "strides"),
    [
        ([(8, 1)], (2, 4), [4, 1]),
        ([(8, 3)], (2, 2, 2), [12, 6, 3]),
        ([(2, 12), (4, 1)], (2, 4), [12, 1]),
        ([(2, 12), (4, 1)], (4, 2), [(12, 2), 1]),
    ],
)
def test_a_dimension_is_split(layouts, loops, sizes, strides):
    whole = layouts.MeshDim(loops)
    parts = whole.split(sizes)
    assert [part.stride for part in parts] == strides
    assert layouts.MeshLayout(parts).flattened().offsets() == whole.offsets()


def test_places_of_one_rank_overlap(layouts):
    dim = layouts.MeshDim
    assert layouts.MeshLayout([dim([(2, 1)]), dim([(2, 1)])]).overlaps()
    assert not layouts.MeshLayout([dim([(2, 2)]), dim([(2, 1)])]).overlaps()
