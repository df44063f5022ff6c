"""Methods of ``Tensor`` that PyTorch keeps for old programs; the words are PyTorch 2.13's."""

from __future__ import annotations

import warnings

import pytest

import jtorch as torch
from jtorch.autograd._functions import Resize, Type


def test_resize_shows_the_elements_in_another_shape() -> None:
    tensor = torch.arange(6.0).view(2, 3).requires_grad_()
    with pytest.warns(UserWarning, match=r"^non-inplace resize is deprecated$"):
        tall = tensor.resize(3, 2)
    assert tall.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert type(tall.grad_fn).__name__ == "ResizeBackward"
    (tall * torch.arange(6.0).view(3, 2)).sum().backward()
    assert tensor.grad.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_resize_shares_the_memory_of_a_contiguous_tensor_alone() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensor = torch.arange(6.0)
        tensor.resize(2, 3)[0, 0] = 9
        turned = torch.arange(6.0).view(2, 3).t()
        turned.resize(6)[0] = 9
    assert tensor[0] == 9 and turned[0, 0] == 0


def test_resize_as_takes_another_tensors_shape() -> None:
    with pytest.warns(UserWarning, match=r"^non-inplace resize_as is deprecated$"):
        assert torch.zeros(6).resize_as(torch.ones(2, 3)).shape == (2, 3)


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [((3, 3), "3x3 (9 elements"), ((-1, 2), "-1x2 (-2 elements"), ((), " (1 elements")],
)
def test_resize_keeps_the_number_of_elements(sizes: tuple, shown: str) -> None:
    with pytest.raises(RuntimeError) as error:
        Resize.apply(torch.zeros(2, 3), sizes)
    assert str(error.value) == (
        f"requested resize to {shown} in total), but the given tensor has a size of 2x3 "
        "(6 elements). autograd's resize can only change the shape of a given tensor, while "
        "preserving the number of elements. "
    )


def test_a_conversion_as_a_function() -> None:
    tensor = torch.ones(2, requires_grad=True)
    with pytest.warns(FutureWarning, match="deprecated as of PyTorch 2.1"):
        wide = Type.apply(tensor, "torch.DoubleTensor")
    assert wide.dtype == torch.float64
    wide.sum().backward()
    assert tensor.grad.dtype == torch.float32 and tensor.grad.tolist() == [1, 1]


def test_division_by_its_first_name() -> None:
    tensor = torch.arange(3)
    assert tensor.__div__(2).tolist() == [0, 0.5, 1]
    assert tensor.float().__idiv__(2).tolist() == [0, 0.5, 1]
    with pytest.raises(RuntimeError, match="Float can't be cast to the desired output type Long"):
        tensor.__idiv__(2)


def test_what_only_refuses() -> None:
    tensor = torch.zeros(2)
    with pytest.raises(RuntimeError, match=r"^reinforce\(\) was removed\.\nUse torch\.distri"):
        tensor.reinforce(1.0)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'reward'"):
        tensor.reinforce()
    with pytest.raises(RuntimeError, match=r"^unknown parameter type$"):
        tensor.record_stream(None)
    with pytest.raises(NotImplementedError, match="Could not run 'aten::record_stream' with"):
        tensor.record_stream(torch.Stream("cpu"))
    with pytest.raises(NotImplementedError, match="no first-class dimensions"):
        tensor.index(0, 1)
    with pytest.raises(NotImplementedError, match="undoes no slices"):
        tensor.slice_inverse(torch.zeros(4), 0, 1, 3)
    with pytest.raises(TypeError, match="slice_inverse"):
        torch.slice_inverse(tensor)
