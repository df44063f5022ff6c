"""Conjugates are views of the same memory; what PyTorch 2.13 printed is written beside."""

from __future__ import annotations

import io

import pytest


def test_a_conjugate_shares_memory_both_ways(torch):
    x = torch.tensor([1 + 2j, 3 - 1j])
    y = x.conj()
    assert (y.is_conj(), y._base is x, y.data_ptr() == x.data_ptr()) == (True, True, True)
    y[0] = 5 + 5j
    assert x.tolist() == [5 - 5j, 3 - 1j]
    y.imag[1] = 7.0
    assert x.tolist() == [5 - 5j, 3 - 7j]
    assert y.imag.is_neg() and not y.real.is_neg()


def test_which_results_stay_conjugated(torch):
    y = torch.ones(2, 2, dtype=torch.complex64).conj()
    views = [y.detach(), y[0], y.T, y.view(4), y.contiguous(), y.as_strided((1,), (1,))]
    assert [each.is_conj() for each in views] == [True] * 6
    copies = [y.clone(), y + 1, y.conj(), y.resolve_conj(), torch.stack([y])]
    assert [each.is_conj() for each in copies] == [False] * 5
    assert torch.ones(2).conj().is_conj() is False


def test_what_needs_the_stored_numbers_refuses(torch):
    y = torch.tensor([1 + 2j]).conj()
    with pytest.raises(RuntimeError, match=r"^Can't call numpy\(\) on Tensor that has conjugate"):
        y.numpy()
    with pytest.raises(RuntimeError, match=r"^Can't call numpy\(\) on Tensor that has negative"):
        y.imag.numpy()
    with pytest.raises(RuntimeError, match=r"^view_as_real doesn't work on unresolved conjugated"):
        torch.view_as_real(y)
    assert y.numpy(force=True).tolist() == [1 - 2j]


def test_a_file_keeps_the_bit(torch):
    file = io.BytesIO()
    torch.save(torch.tensor([1 + 2j]).conj(), file)
    file.seek(0)
    loaded = torch.load(file)
    assert loaded.is_conj() and loaded.tolist() == [1 - 2j]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("abs", "Found dtype Int but expected Float"),
        ("argmax", "Expected out tensor to have dtype long int, but got int instead"),
        ("all", "all only supports bool tensor for result, got: Int"),
        ("signbit", "signbit does not support non-boolean outputs."),
        ("sin", "result type Float can't be cast to the desired output type Int"),
    ],
)
def test_an_out_of_another_dtype_is_refused_in_the_operators_own_words(torch, name, words):
    with pytest.raises(RuntimeError) as raised:
        getattr(torch, name)(torch.ones(2), out=torch.empty(2, dtype=torch.int32))
    assert str(raised.value) == words


def test_an_out_that_shares_memory_with_an_operand_is_refused(torch):
    x = torch.arange(6.0)
    with pytest.raises(RuntimeError, match=r"^unsupported operation: some elements of the input"):
        torch.take(x, torch.tensor([0, 1]), out=x[:2])
    with pytest.raises(RuntimeError, match=r"^unsupported operation: more than one element"):
        torch.add(torch.ones(3), 1, out=torch.empty(1).expand(3))


def test_operators_by_their_internal_names(torch):
    x = torch.arange(5)
    assert torch.ops.aten.slice.Tensor(x, 0, 1, 4, 2).tolist() == [1, 3]
    assert torch.ops.aten.add(x, 1).tolist() == [1, 2, 3, 4, 5]
    assert str(torch.ops.aten.mm.default) == "aten.mm.default"
    with pytest.raises(AttributeError, match="no attribute 'no_such_operator'"):
        torch.ops.aten.no_such_operator
