"""Initial values, bit for bit what PyTorch 2.13 draws."""

from __future__ import annotations

import pytest


def test_draws_of_one_seed(torch):
    init = torch.nn.init
    torch.manual_seed(0)
    assert init.kaiming_normal_(torch.empty(2, 2)).tolist() == [
        [1.5409960746765137, -0.293428897857666],
        [-2.1787893772125244, 0.5684312582015991],
    ]
    assert init.trunc_normal_(torch.empty(3)).tolist() == [
        *(-1.0845223665237427, -1.3985954523086548, 0.40334683656692505),
    ]
    assert init.xavier_uniform_(torch.empty(2, 2)).tolist() == [
        [0.48418477177619934, 0.7348748445510864],
        [-0.8303049206733704, -0.5333309173583984],
    ]


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 2, 2)])
def test_orthogonal_rows_or_columns(torch, shape):
    matrix = torch.nn.init.orthogonal_(torch.empty(shape), gain=2.0).flatten(1)
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.t()
    product = wide @ wide.t()
    assert torch.allclose(product, 4 * torch.eye(wide.shape[0]), atol=1e-5)


def test_gain_of_an_unknown_name(torch):
    with pytest.raises(ValueError, match=r"^Unsupported nonlinearity x$"):
        torch.nn.init.calculate_gain("x")
