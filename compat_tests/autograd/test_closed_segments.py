"""What a stretch that was run before its gradient keeps, and what its gradient costs."""

from __future__ import annotations

import numpy as np

import jtorch as torch
from jtorch._engine.graph.values import Value
from jtorch._engine.recording.trace import local


def test_a_closed_segment_keeps_no_copies_of_transposed_weights():
    layers = [torch.nn.Linear(4, 4) for _ in range(3)]
    x = torch.ones(2, 4)
    for layer in layers:
        x = torch.tanh(layer(x))
    loss = x.sum()
    loss.item()
    saved = loss.grad_fn._segment.saved.values()
    weights = [each for each in saved if np.shape(getattr(each, "array", each)) == (4, 4)]
    assert len(weights) == 2
    assert all(each.__class__ is Value for each in weights)  # which the parameters hold, too
    weight = layers[1].weight
    assert layers[1](x).grad_fn._saved_mat2.tolist() == weight.t().tolist()
    loss.backward()
    found = weight.grad.clone()
    weight.grad = None
    x = torch.ones(2, 4)
    for layer in layers:
        x = torch.tanh(layer(x))
    x.sum().backward()
    np.testing.assert_allclose(found.numpy(), weight.grad.numpy(), rtol=1e-6)


def test_the_gradients_of_a_leaf_in_many_segments_are_one_operator():
    layer = torch.nn.Linear(4, 2)
    x = torch.ones(3, 4)
    kept = []
    for _ in range(5):
        result = torch.relu(layer(x))
        result.sum().item()
        kept.append(result.sum())
    total = torch.stack(kept).sum()
    before = local.trace.node.depth
    total.backward()
    assert local.trace.node.depth == before + 1  # not one more for each of the other segments
    alive = (layer(x) > 0).detach().float().sum(0)
    np.testing.assert_allclose(layer.bias.grad.numpy(), 5 * alive.numpy())
