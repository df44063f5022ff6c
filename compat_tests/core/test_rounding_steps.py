"""Small things that PyTorch decides by how it computes: roundings in between, strides, checks."""

from __future__ import annotations

import numpy as np
import pytest

import jtorch as torch


def test_half_quotients_are_rounded_before_they_are_truncated():
    left = torch.tensor([1.9990234375, 278.0], dtype=torch.float16)
    right = torch.tensor([1.0, 2.001953125], dtype=torch.float16)
    expected = (left.float() / right.float()).to(torch.float16).trunc()
    assert torch.div(left, right, rounding_mode="trunc").tolist() == expected.tolist()
    first = torch.full((2,), 69.0, dtype=torch.bfloat16)
    second = torch.full((2,), 0.30078125, dtype=torch.bfloat16)
    # 229.4 becomes 229 in bfloat16; one divisor of all is not rounded, nor is the quotient.
    assert torch.div(first, second, rounding_mode="trunc").tolist() == [229.0, 229.0]
    assert torch.div(first, 0.3, rounding_mode="trunc").tolist() == [229.0, 229.0]


def test_trunc_by_a_number_divides():
    values = torch.tensor([69.0, -135.0, 60.0])
    assert torch.div(values, 0.3, rounding_mode="trunc").tolist() == [229.0, -449.0, 199.0]


def test_whole_numbers_between_ends():
    got = torch.linspace(4.3, -3, 50, dtype=torch.int64).tolist()
    assert (got[21], got[22], got[35], got[-1]) == (1, 0, -1, -3)
    halves = torch.linspace(4.3, -3, 50, dtype=torch.float16)
    assert halves[25].item() == 0.578125


def test_strides():
    assert torch.tensor(1.0).expand(1, 1).stride() == (0, 0)
    assert torch.tensor(1.0).expand_as(torch.ones(1)).stride() == (0,)
    assert (torch.ones(0, 1) * torch.ones(1)).stride() == (1, 0)
    assert (torch.ones(2, 0, 1) * torch.ones(1)).stride() == (0, 1, 0)


def test_normal_of_two_tensors_has_zero_gradients():
    mean = torch.ones(3, requires_grad=True)
    std = torch.ones(2, 3, requires_grad=True)
    drawn = torch.normal(mean, std)
    assert type(drawn.grad_fn).__name__ == "NormalBackward3"
    gradients = torch.autograd.grad(drawn.sum(), (mean, std))
    assert [each.tolist() for each in gradients] == [[0.0] * 3, [[0.0] * 3] * 2]


def test_normal_draws_into_out():
    assert torch.normal(torch.ones(3), 1.0, out=torch.empty(2, 3)).shape == (2, 3)
    with pytest.raises(RuntimeError, match=r"The size of tensor a \(3\) must match the size of"):
        torch.normal(torch.ones(2, 3), 1.0, out=torch.empty(0))


def test_names_of_gradients():
    leaf = torch.ones(3, requires_grad=True)
    assert type(torch.fill(leaf, True).grad_fn).__name__ == "FillBackward0"
    assert type(torch.fill(leaf, torch.tensor(1.0)).grad_fn).__name__ == "FillBackward1"
    assert type(leaf.clone().fill_(2).grad_fn).__name__ == "FillBackward2"
    matrix = torch.ones(2, 3, 2, requires_grad=True)
    traced = torch.einsum("iji->j", matrix)
    assert type(traced.grad_fn).__name__ == "SumBackward1"
    assert traced.tolist() == [2.0] * 3
    assert torch.einsum("i...->...", matrix).shape == (3, 2)


def test_checks():
    functional = torch.nn.functional
    with pytest.raises(RuntimeError, match=r"^weight should have at least three dimensions$"):
        functional.conv1d(torch.ones(1, 1, 4), torch.ones(1, 2))
    with pytest.raises(RuntimeError, match="non-batch dimension 0 has length zero"):
        functional.max_pool3d(torch.ones(2, 1, 0, 1, 2), 1)
    places = torch.tensor([2, 1, 0])
    with (
        pytest.warns(UserWarning, match="An output with one or more elements was resized"),
        pytest.raises(RuntimeError, match="some elements of the input tensor"),
    ):
        torch.gather(places.clone(), 0, places[1:], out=places[:1])
    with pytest.raises(RuntimeError, match=r"^number of categories cannot exceed 2\^24$"):
        torch.multinomial(torch.zeros(2**24 + 1), 3)
    result = torch.aminmax(torch.ones(2, 2), dim=0, out=(torch.empty(0), torch.empty(0)))
    assert type(result) is torch.return_types.aminmax_out


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions_of_volumes_in_double_and_complex(groups, dtype):
    generator = np.random.default_rng(0)
    image = generator.standard_normal((2, 4, 5, 4, 4))
    weight = generator.standard_normal((4, 4 // groups, 3, 2, 2))

    def results(dtype):
        left = torch.tensor(image).to(dtype).requires_grad_()
        right = torch.tensor(weight).to(dtype).requires_grad_()
        result = torch.nn.functional.conv3d(left, right, stride=(2, 1, 1), padding=1, groups=groups)
        (result * result).real.sum().backward()
        return [tensor.detach().numpy().real for tensor in (result, left.grad, right.grad)]

    # What float32 computes by XLA's own convolution, other dtypes compute by products.
    pairs = zip(results(getattr(torch, dtype)), results(torch.float32), strict=True)
    for actual, expected in pairs:
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_quotients_by_one_divisor_are_rounded_once(torch):
    numbers = torch.arange(1.0, 200.0)
    for divisor in (3, 7, 10, 49):
        exact = [float(np.float32(n) / np.float32(divisor)) for n in range(1, 200)]
        assert (numbers / divisor).tolist() == exact
        assert (numbers / torch.tensor(float(divisor))).tolist() == exact
        assert numbers.clone().div_(divisor).tolist() == exact
        assert torch.true_divide(numbers.long(), divisor).tolist() == exact
    square = numbers[:196].view(14, 14)
    rows = square[:, 13:]
    assert (square / rows)[:, 13].tolist() == [1.0] * 14
