"""Gradients of sparse tensors and sparse gradients of dense ones; values recorded from PyTorch."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:Sparse")


@pytest.fixture
def torch():
    import jtorch

    return jtorch


def looked_up(torch, weight, indices, **options):
    return torch.nn.functional.embedding(torch.tensor(indices), weight, sparse=True, **options)


def rows(gradient):
    """Return the indices and the values of a sparse gradient."""
    assert gradient.is_sparse
    return gradient._indices().tolist(), gradient._values().tolist()


def test_embedding_gives_a_sparse_gradient_without_the_padding(torch):
    module = torch.nn.Embedding(5, 2, sparse=True, padding_idx=1)
    result = module(torch.tensor([[1, 2], [2, 3]]))
    assert type(result.grad_fn).__name__ == "EmbeddingBackward0"
    result.sum().backward()
    assert rows(module.weight.grad) == ([[2, 2, 3]], [[1.0, 1.0]] * 3)
    assert not module.weight.grad.is_coalesced()


def test_gradients_add_up(torch):
    """Sparse and sparse stay sparse; with a dense one the sum is dense, in either order."""
    module = torch.nn.Embedding(3, 1, sparse=True)
    module(torch.tensor([2, 2])).sum().backward()
    first = module.weight.grad
    module(torch.tensor([0])).sum().backward()
    assert module.weight.grad is first
    assert module.weight.grad.to_dense().tolist() == [[1.0], [0.0], [2.0]]
    (module.weight * 2).sum().backward()
    assert module.weight.grad.layout is torch.strided
    assert module.weight.grad.tolist() == [[3.0], [2.0], [4.0]]
    module(torch.tensor([1])).sum().backward()
    assert module.weight.grad.tolist() == [[3.0], [3.0], [4.0]]


def test_gradients_add_up_within_one_pass(torch):
    weight = torch.ones(3, 1, requires_grad=True)
    (looked_up(torch, weight, [2]).sum() + looked_up(torch, weight, [1]).sum()).backward()
    assert weight.grad.coalesce().indices().tolist() == [[1, 2]]
    weight.grad = None
    (looked_up(torch, weight, [2]).sum() + (weight * 2).sum()).backward()
    assert weight.grad.tolist() == [[2.0], [2.0], [3.0]]


def test_a_weight_that_is_a_result_gets_its_gradient(torch):
    weight = torch.ones(3, 1, requires_grad=True)
    looked_up(torch, weight * 2, [2, 2]).sum().backward()
    assert weight.grad.to_dense().tolist() == [[0.0], [0.0], [4.0]]


def test_autograd_grad_returns_a_sparse_gradient(torch):
    weight = torch.ones(3, 1, requires_grad=True)
    (gradient,) = torch.autograd.grad(looked_up(torch, weight, [2, 2]).sum(), weight)
    assert rows(gradient) == ([[2, 2]], [[1.0], [1.0]])
    assert weight.grad is None


def test_hooks_see_the_sparse_gradient(torch):
    weight = torch.ones(3, 1, requires_grad=True)
    seen = []
    weight.register_hook(lambda gradient: gradient * 3)
    weight.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.layout))
    looked_up(torch, weight, [2]).sum().backward()
    assert seen == [torch.sparse_coo]
    assert rows(weight.grad) == ([[2]], [[3.0]])


def test_frequencies_are_refused(torch):
    weight = torch.ones(3, 1, requires_grad=True)
    result = looked_up(torch, weight, [2], scale_grad_by_freq=True)
    with pytest.raises(RuntimeError) as caught:
        result.sum().backward()
    assert str(caught.value) == (
        "embedding_backward: scale_grad_by_freq not supported with sparse gradients"
    )


@pytest.mark.parametrize(
    ("mode", "padding", "expected"),
    [
        ("mean", None, ([[4, 4, 1]], [[0.5, 0.5], [0.5, 0.5], [1.0, 1.0]])),
        ("sum", 4, ([[1]], [[1.0, 1.0]])),
    ],
)
def test_bags_give_sparse_gradients(torch, mode, padding, expected):
    weight = torch.ones(5, 2, requires_grad=True)
    torch.nn.functional.embedding_bag(
        torch.tensor([4, 4, 1]),
        weight,
        torch.tensor([0, 2]),
        sparse=True,
        mode=mode,
        padding_idx=padding,
    ).sum().backward()
    assert rows(weight.grad) == expected


def test_bags_with_weights(torch):
    weight = torch.ones(5, 2, requires_grad=True)
    factors = torch.ones(3, requires_grad=True)
    result = torch.nn.functional.embedding_bag(
        torch.tensor([4, 4, 1]),
        weight,
        torch.tensor([0, 2]),
        sparse=True,
        mode="sum",
        per_sample_weights=factors,
    )
    (result**2).sum().backward()
    assert rows(weight.grad.coalesce()) == ([[1, 4]], [[2.0, 2.0], [8.0, 8.0]])
    assert factors.grad.tolist() == [8.0, 8.0, 4.0]


STEPS = {
    "SGD": [0.998, 0.998, 0.998, 1.0, 0.9880479574],
    "Adagrad": [0.99, 0.99, 0.99, 1.0, 0.9772379398],
    "SparseAdam": [0.999, 0.9992558360, 0.9993611574, 1.0, 0.9970000982],
}


@pytest.mark.parametrize("name", STEPS)
def test_three_steps(torch, name):
    weight = torch.ones(5, 2, requires_grad=True)
    optimiser = getattr(torch.optim, name)([weight])
    for step in range(3):
        (looked_up(torch, weight, [4, 4, step]) ** 2).sum().backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=step > 0)
    expected = torch.tensor(STEPS[name]).unsqueeze(1).expand(5, 2)
    torch.testing.assert_close(weight.detach(), expected, rtol=1e-6, atol=1e-6)


OPTIONS = [
    ("SGD", {"momentum": 0.9}, [0.71, 0.9, 1.0, 1.0, 0.22]),
    ("SGD", {"momentum": 0.9, "nesterov": True}, [0.539, 0.81, 1.0, 1.0, -0.302]),
    ("SGD", {"maximize": True}, [1.2, 1.1, 1.0, 1.0, 1.6]),
    ("Adagrad", {"lr_decay": 0.1}, [0.8357175589, 0.9090908766, 1.0, 1.0, 0.8186883926]),
    ("Adagrad", {"maximize": True}, [1.1707106829, 1.1, 1.0, 1.0, 1.1894427538]),
    ("SparseAdam", {"maximize": True}, [1.1999998093, 1.0744136572, 1.0, 1.0, 1.1965181828]),
    ("SparseAdam", {"betas": (0.5, 0.6)}, [0.8, 0.9156726003, 1.0, 1.0, 0.8017053604]),
]


@pytest.mark.parametrize(("name", "options", "expected"), OPTIONS)
def test_options_of_steps(torch, name, options, expected):
    weight = torch.ones(5, 2, requires_grad=True)
    optimiser = getattr(torch.optim, name)([weight], lr=0.1, **options)
    for step in range(2):  # gradients are not set to zero: they add up
        looked_up(torch, weight, [4, 4, step]).sum().backward()
        optimiser.step()
    wanted = torch.tensor(expected).unsqueeze(1).expand(5, 2)
    torch.testing.assert_close(weight.detach(), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("Adam", {}, "Adam does not support sparse gradients, please consider SparseAdam instead"),
        ("AdamW", {}, "Adam does not support sparse gradients, please consider SparseAdam instead"),
        ("RMSprop", {}, "RMSprop does not support sparse gradients"),
        ("ASGD", {}, "ASGD does not support sparse gradients"),
        ("SGD", {"fused": True}, "`_fused_sgd` does not support sparse gradients"),
        (
            "SGD",
            {"weight_decay": 0.1},
            "add(sparse, dense) is not supported. Use add(dense, sparse) instead.",
        ),
        (
            "Adagrad",
            {"weight_decay": 0.1},
            "weight_decay option is not compatible with sparse gradients",
        ),
    ],
)
def test_refused_steps(torch, name, options, words):
    weight = torch.ones(3, 1, requires_grad=True)
    optimiser = getattr(torch.optim, name)([weight], **options)
    looked_up(torch, weight, [2]).sum().backward()
    with pytest.raises(RuntimeError) as caught:
        optimiser.step()
    assert str(caught.value) == words
    assert weight.tolist() == [[1.0]] * 3


def test_sparse_adam_refuses_sparse_parameters(torch):
    parameter = torch.eye(2).to_sparse().requires_grad_()
    with pytest.raises(ValueError, match="Sparse params at indices") as caught:
        torch.optim.SparseAdam([parameter])
    assert str(caught.value) == (
        "Sparse params at indices [[0, 0]]: SparseAdam requires dense parameter tensors"
    )


def test_one_optimiser_takes_sparse_and_dense_gradients(torch):
    dense = torch.ones(2, requires_grad=True)
    weight = torch.ones(3, 1, requires_grad=True)
    optimiser = torch.optim.SGD([dense, weight], lr=0.5)
    (dense.sum() + looked_up(torch, weight, [1]).sum()).backward()
    optimiser.step()
    assert dense.tolist() == [0.5, 0.5]
    assert weight.tolist() == [[1.0], [0.5], [1.0]]


def test_clipping_is_refused(torch):
    weight = torch.ones(3, 1, requires_grad=True)
    looked_up(torch, weight, [1]).sum().backward()
    with pytest.raises(NotImplementedError, match="'aten::linalg_vector_norm'"):
        torch.nn.utils.clip_grad_norm_([weight], 1.0)
    with pytest.raises(NotImplementedError, match="'aten::clamp_min_'"):
        torch.nn.utils.clip_grad_value_([weight], 1.0)


def test_gradients_flow_to_values_given_to_the_constructor(torch):
    values = torch.tensor([3.0, 4.0, 5.0], requires_grad=True)
    matrix = torch.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], values, (2, 3))
    assert not matrix.is_leaf
    assert type(matrix.grad_fn).__name__ == "SparseCooTensorWithDimsAndTensorsBackward0"
    (matrix @ torch.arange(6.0).reshape(3, 2)).sum().backward()
    assert values.grad.tolist() == [9.0, 1.0, 9.0]


def test_uncoalesced_terms_keep_their_indices(torch):
    """Heads of both lists are merged, sorted or not, with their values."""
    first = torch.sparse_coo_tensor([[3, 1, 1, 2]], [1.0, 2.0, 3.0, 4.0], (5,))
    second = torch.sparse_coo_tensor([[1, 3, 0, 2]], [10.0, 20.0, 30.0, 40.0], (5,))
    assert rows(first + second) == ([[1, 3, 0, 1, 1, 2]], [10.0, 21.0, 30.0, 2.0, 3.0, 44.0])
    apart = torch.sparse_coo_tensor([[0, 4, 0]], [7.0, 8.0, 9.0], (5,))
    total = first + apart
    assert rows(total) == ([[0, 3, 1, 1, 2, 4, 0]], [7.0, 1.0, 2.0, 3.0, 4.0, 8.0, 9.0])
    assert total.to_dense().tolist() == [16.0, 5.0, 4.0, 1.0, 8.0]


def test_backward_of_a_sparse_result(torch):
    leaf = torch.eye(2).to_sparse().requires_grad_()
    result = leaf * 3
    result.backward(torch.full((2, 2), 2.0).to_sparse())
    assert leaf.grad.to_dense().tolist() == [[6.0, 0.0], [0.0, 6.0]]
    (gradient,) = torch.autograd.grad((leaf * leaf).to_dense().sum(), leaf)
    assert gradient.to_dense().tolist() == [[2.0, 0.0], [0.0, 2.0]]
    with pytest.raises(RuntimeError, match="implicitly created only for scalar outputs"):
        (leaf * 3).backward()


def test_gradcheck_of_sparse_products(torch):
    check = torch.sparse.as_sparse_gradcheck(torch.autograd.gradcheck)
    left = torch.eye(3, dtype=torch.float64).to_sparse().requires_grad_()
    right = torch.arange(6.0, dtype=torch.float64).reshape(3, 2).requires_grad_()
    assert check(torch.sparse.mm, (left, right))
    assert check(lambda x: torch.sparse.softmax(x * x, 1), (left,))


def test_views_of_a_leaf_are_no_leaves(torch):
    leaf = torch.eye(2).to_sparse().requires_grad_()
    for function in (torch.t, lambda x: x.transpose(0, 1), lambda x: x.unsqueeze(0)):
        result = function(leaf)
        assert not result.is_leaf and result.requires_grad
        with torch.no_grad():
            assert not function(leaf).requires_grad


def test_a_step_on_a_sparse_parameter(torch):
    leaf = torch.eye(2).to_sparse().requires_grad_()
    optimiser = torch.optim.SGD([leaf], lr=0.5)
    torch.sparse.sum(leaf * 2).backward()
    optimiser.step()
    assert leaf.is_leaf and leaf.requires_grad
    assert leaf.to_dense().tolist() == [[0.0, 0.0], [0.0, 0.0]]
