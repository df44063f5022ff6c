"""Names of tensors that jtorch does not have, and small questions and switches of PyTorch."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda t: t.nested.nested_tensor([t.ones(2)]),
            "torch.nested.nested_tensor: jtorch has no nested tensors; use a padded tensor and a "
            "mask",
        ),
        (
            lambda t: t.quantize_per_tensor(t.ones(2), 0.1, 0, t.float32),
            "torch.quantize_per_tensor: jtorch has no quantised tensors; use a floating point "
            "tensor",
        ),
        (
            lambda t: t.ones(2).to_mkldnn(),
            "torch.Tensor.to_mkldnn: jtorch has no tensors in the layout of MKL-DNN; XLA chooses "
            "layouts by itself",
        ),
    ],
)
def test_refusal_is_one_sentence(call, words):
    import jtorch as torch

    with pytest.raises(NotImplementedError) as caught:
        call(torch)
    assert str(caught.value) == words


def test_dense_tensors_answer_questions_about_sparse_ones():
    import jtorch as torch

    x = torch.ones(2, 3)
    assert x.to_dense() is x
    assert (x.sparse_dim(), x.dense_dim()) == (0, 2)
    with pytest.raises(RuntimeError) as caught:
        x.indices()
    assert str(caught.value) == ("indices expected sparse coordinate tensor layout but got Strided")


def test_switches_are_remembered():
    import jtorch as torch

    assert not torch.are_deterministic_algorithms_enabled()
    torch.set_deterministic_debug_mode("warn")
    try:
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.get_deterministic_debug_mode() == 1
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.get_deterministic_debug_mode() == 0
    assert torch.get_float32_matmul_precision() == "highest"
    with pytest.raises(RuntimeError, match="flush_denormal expects a bool, but got int"):
        torch.set_flush_denormal(1)
    with pytest.raises(TypeError, match="argument 'mode'"):
        torch.use_deterministic_algorithms(1)


def test_small_questions():
    import jtorch as torch

    x = torch.ones(2, 3)
    assert x.t().dim_order() == (1, 0)
    assert torch.is_same_size(x, x + 1)
    assert torch.typename(x) == "torch.FloatTensor"
    assert torch.typename(torch.nn.Linear).endswith("Linear")
    assert (torch.sym_max(1, 2.0), torch.sym_int(4.5), torch.sym_not(True)) == (2.0, 4, False)
    assert x.map2_(x, 2 * x, lambda a, b, c: a + b + c).tolist() == [[4.0] * 3] * 2
