"""Sparse tensors beside PyTorch's: recorded expressions, random programs, files."""

from __future__ import annotations

import itertools
import random
import warnings

import numpy as np
import pytest

from compat_tests.helpers.sparse_expressions import outcome, read

pytestmark = [
    pytest.mark.filterwarnings("ignore:Sparse"),
    pytest.mark.filterwarnings("ignore:.*non-leaf"),
]


def test_recorded_outcomes_are_pytorchs():
    import torch

    recorded = read()
    found = {expression: outcome(torch, expression) for expression in recorded}
    assert found == recorded


#: One step of a program: the sparse tensor, a dense one of its shape, to another sparse tensor.
STEPS = {
    "double": lambda t, x, d: x * 2,
    "half": lambda t, x, d: x / 2,
    "negate": lambda t, x, d: -x,
    "add itself": lambda t, x, d: x + x,
    "subtract": lambda t, x, d: x - x * 0.5,
    "times itself": lambda t, x, d: x * x,
    "times dense": lambda t, x, d: x * d,
    "coalesce": lambda t, x, d: x.coalesce(),
    "transpose": lambda t, x, d: x.transpose(0, 1).transpose(0, 1),
    "rows and back": lambda t, x, d: x.coalesce().to_sparse_csr().to_sparse_coo(),
    "columns and back": lambda t, x, d: x.coalesce().to_sparse_csc().to_sparse_coo(),
    "softmax": lambda t, x, d: t.sparse.softmax(x, 1),
    "logarithm of softmax": lambda t, x, d: t.sparse.log_softmax(x, 0),
    "tanh of the values": lambda t, x, d: t.sparse_coo_tensor(
        x.coalesce().indices(), x.coalesce().values().tanh(), x.shape
    ),
    "mask": lambda t, x, d: x.sparse_mask((d.round() % 2 + 1).to_sparse().coalesce()),
    "square": lambda t, x, d: (
        t.sparse.mm(x, (x * 0 + x).transpose(0, 1).coalesce())
        if x.shape[0] == x.shape[1]
        else x * 3
    ),
    "absolute": lambda t, x, d: x.abs(),
    "power": lambda t, x, d: x**2,
}
#: How a program ends: with a dense tensor.
ENDS = {
    "dense": lambda t, x, d: x.to_dense(),
    "values": lambda t, x, d: x.coalesce().values(),
    "product": lambda t, x, d: t.sparse.mm(x, d.t()),
    "product and sum": lambda t, x, d: t.sparse.addmm(
        t.ones(x.shape[0], x.shape[0], dtype=x.dtype), x, d.t(), beta=0.5, alpha=2.0
    ),
    "sum": lambda t, x, d: t.sparse.sum(x, 0).to_dense(),
    "sum of all": lambda t, x, d: t.sparse.sum(x),
}


def run_program(torch, seed: int):
    """Return the result and the gradient of a program of random steps, as arrays, and its steps."""
    choose = random.Random(seed)
    numbers = np.random.default_rng(seed)
    rows, columns = choose.choice([(3, 3), (2, 5), (6, 4), (1, 3)])
    count = choose.choice([1, 3, 8])
    indices = np.stack([numbers.integers(0, rows, count), numbers.integers(0, columns, count)])
    values = torch.from_numpy(numbers.uniform(0.5, 2.0, count))
    x = torch.sparse_coo_tensor(torch.from_numpy(indices), values, (rows, columns))
    if choose.random() < 0.5:
        x = x.coalesce()
    leaf = x.detach().requires_grad_()
    dense = torch.from_numpy(numbers.uniform(0.5, 2.0, (rows, columns))).requires_grad_()
    names = [choose.choice(list(STEPS)) for _ in range(choose.randint(0, 3))]
    end = choose.choice(list(ENDS))
    x = leaf
    for name in names:
        x = STEPS[name](torch, x, dense.detach())
    result = ENDS[end](torch, x, dense)
    result.backward(
        torch.linspace(1.0, 2.0, result.numel(), dtype=result.dtype).reshape(result.shape)
    )
    kept = (leaf.detach().to_dense() != 0).numpy()
    gradient = leaf.grad.to_dense().numpy() * kept  # sparse_mask gives it elements of the mask too
    return result.detach().numpy(), gradient, dense.grad, (*names, end)


@pytest.mark.parametrize("seed", range(200))
def test_random_program(seed):
    import torch

    import jtorch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected, gradient, other, steps = run_program(torch, seed)
        except (RuntimeError, NotImplementedError) as error:
            pytest.skip(f"PyTorch refuses: {str(error)[:80]}")
        found, own, own_other, _ = run_program(jtorch, seed)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=str(steps))
    np.testing.assert_allclose(own, gradient, rtol=1e-9, atol=1e-12, err_msg=str(steps))
    assert (own_other is None) == (other is None)
    if other is not None:
        np.testing.assert_allclose(own_other.numpy(), other.numpy(), rtol=1e-9, atol=1e-12)


def test_most_programs_run():
    """Programs that PyTorch refuses are skipped above; most must not be."""
    import torch

    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(200):
            try:
                run_program(torch, seed)
            except (RuntimeError, NotImplementedError):
                refused += 1
    assert refused < 50


def tensors_of(torch):
    x = torch.tensor([[1.0, 0, 2], [0, 3, 0]]).to_sparse()
    return {
        "coalesced": x,
        "uncoalesced": torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0], (2, 2)),
        "rows": x.to_sparse_csr(),
        "columns": x.to_sparse_csc(),
        "blocks": torch.eye(4).to_sparse_bsr((2, 2)),
        "hybrid": torch.ones(2, 3, 2).to_sparse(1),
        "double": x.double(),
    }


@pytest.mark.parametrize("weights_only", [True, False])
def test_files_go_both_ways(tmp_path, weights_only):
    import torch

    import jtorch

    for source, target in itertools.permutations((torch, jtorch)):
        path = tmp_path / f"{source.__name__}.pt"
        source.save(tensors_of(source), path)
        loaded = target.load(path, weights_only=weights_only)
        for name, tensor in tensors_of(source).items():
            assert repr(loaded[name]) == repr(tensor)
            if tensor.is_sparse:
                assert loaded[name].is_coalesced() == tensor.is_coalesced()


def train(torch, name: str, options: dict):
    torch.manual_seed(0)
    left = torch.nn.Embedding(20, 4, sparse=True)
    right = torch.nn.EmbeddingBag(20, 4, sparse=True, mode="sum")
    optimiser = getattr(torch.optim, name)(
        [*left.parameters(), *right.parameters()], lr=0.05, **options
    )
    losses = []
    for _ in range(6):
        first = torch.randint(0, 20, (8,))
        second = torch.randint(0, 20, (8, 3))
        target = torch.randint(0, 2, (8,)).float()
        scores = (left(first) * right(second)).sum(1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SparseAdam", {}),
        ("SGD", {}),
        ("SGD", {"momentum": 0.9}),
        ("Adagrad", {"lr_decay": 0.1}),
    ],
)
def test_training_with_sparse_gradients(name, options):
    import torch

    import jtorch

    np.testing.assert_allclose(train(jtorch, name, options), train(torch, name, options), rtol=1e-5)
