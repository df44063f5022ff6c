"""How a call finds the sparse operators: modes and subclasses first, dense tensors untouched."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Sparse")


@pytest.fixture
def torch():
    import jtorch

    return jtorch


@pytest.fixture
def matrix(torch):
    return torch.tensor([[1.0, 0.0], [0.0, 2.0]]).to_sparse()


def test_a_sparse_tensor_is_a_tensor(torch, matrix):
    assert isinstance(matrix, torch.Tensor) and torch.is_tensor(matrix)
    assert repr(type(matrix)) == "<class 'torch.Tensor'>"
    assert matrix.layout is torch.sparse_coo and matrix.is_sparse
    assert not torch.overrides.has_torch_function((matrix,))


def test_modes_see_the_call_once(torch, matrix):
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append((func.__name__, types))
            return func(*args, **(kwargs or {}))

    with Mode():
        result = torch.mm(matrix, torch.ones(2, 1))
    assert result.tolist() == [[1.0], [2.0]]
    assert ("mm", ()) in seen and "index_add" not in [name for name, _ in seen]


def test_a_subclass_of_the_users_is_asked_first(torch, matrix):
    class Logged(torch.Tensor):
        calls = []

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            cls.calls.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs)

    dense = torch.ones(2, 1).as_subclass(Logged)
    result = torch.mm(matrix, dense)
    assert "mm" in Logged.calls
    assert type(result) is Logged and result.tolist() == [[1.0], [2.0]]


def test_in_place_addition_writes_to_the_dense_tensor(torch, matrix):
    dense = torch.ones(2, 2)
    same = dense
    dense += matrix
    assert dense is same
    assert dense.tolist() == [[2.0, 1.0], [1.0, 3.0]]


def test_wrong_arguments_are_named_as_of_dense_tensors(torch, matrix):
    with pytest.raises(TypeError) as caught:
        matrix.transpose("a")
    assert str(caught.value) == "transpose(): argument 'dim0' (position 1) must be int, not str"


def test_what_has_no_sparse_form_is_refused(torch, matrix):
    with pytest.raises(NotImplementedError) as caught:
        torch.exp(matrix)
    assert str(caught.value) == (
        "Could not run 'aten::exp' with arguments from the 'SparseCPU' backend."
    )
    with pytest.raises(RuntimeError, match="unsupported tensor layout: SparseCsr"):
        torch.exp(matrix.to_sparse_csr())


def test_lists_of_tensors_are_done_one_by_one(torch, matrix):
    (result,) = torch._foreach_mul([matrix], 2.0)
    assert result.to_dense().tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_invariants_are_checked_where_that_is_wanted(torch):
    def make():
        return torch.sparse_coo_tensor([[5]], [1.0], (2,))

    check = torch.sparse.check_sparse_tensor_invariants
    make()
    words = "size is inconsistent with indices: for dim 0, size is 2 but found index 5"
    with pytest.raises(RuntimeError, match=words), check():
        make()
    with pytest.raises(RuntimeError, match=words):
        check()(make)()
    check.enable()
    try:
        assert check.is_enabled()
        with pytest.raises(RuntimeError, match=words):
            make()
        with check(False):
            make()
    finally:
        check.disable()
    assert not check.is_enabled()


def test_assert_close_compares_parts(torch, matrix):
    torch.testing.assert_close(matrix, matrix.clone())
    for layout in (torch.sparse_csr, torch.sparse_csc):
        other = matrix.to_sparse(layout=layout)
        torch.testing.assert_close(other, other.clone())
        with pytest.raises(AssertionError, match="values are not close"):
            torch.testing.assert_close(other, other + other)


def test_a_file_holds_every_layout(torch, tmp_path, matrix):
    saved = {
        "coo": torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0], (2, 2)),
        "coalesced": matrix,
        "csr": matrix.to_sparse_csr(),
        "csc": matrix.to_sparse_csc(),
        "bsr": torch.eye(4).to_sparse_bsr((2, 2)),
        "bsc": torch.eye(4).to_sparse_bsc((2, 2)),
        "layout": torch.sparse_csr,
    }
    path = tmp_path / "sparse.pt"
    torch.save(saved, path)
    loaded = torch.load(path)
    assert loaded["layout"] is torch.sparse_csr
    for name, tensor in saved.items():
        if name != "layout":
            assert str(loaded[name]) == str(tensor)
    assert not loaded["coo"].is_coalesced() and loaded["coalesced"].is_coalesced()


def test_copies(torch, matrix):
    import copy
    import pickle

    leaf = matrix.clone().requires_grad_()
    (leaf * 2).to_dense().sum().backward()
    other = copy.deepcopy(leaf)
    assert other.is_leaf and other.requires_grad and other is not leaf
    assert other.grad.to_dense().tolist() == [[2.0, 0.0], [0.0, 2.0]]
    other.detach().mul_(3)
    assert leaf.to_dense().tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert copy.copy(matrix)._values().tolist() == [1.0, 2.0]
    assert str(pickle.loads(pickle.dumps(matrix))) == str(matrix)
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(leaf * 2)
