"""Dimensions rearranged by a pattern of names; shapes and words are those of torch 2.13."""

from __future__ import annotations

import pytest

SHAPES = [
    ("a b c -> c b a", {}, (4, 3, 2), [0, 12, 4]),
    ("a b c -> (a b) c", {}, (6, 4), [0, 1, 2]),
    ("a b c -> a (c b) 1", {}, (2, 12, 1), [0, 4, 8]),
    ("a b (c d) -> b d (a c)", {"c": 2}, (3, 2, 4), [0, 2, 12]),
    ("a ... -> ... a", {}, (3, 4, 2), [0, 12, 1]),
    ("a ... -> a (...)", {}, (2, 12), [0, 1, 2]),
    ("... (c d) -> c d ...", {"d": 4}, (1, 4, 2, 3), [0, 4, 8]),
    ("(a b) ... -> a b ...", {"a": 2}, (2, 1, 3, 4), [0, 1, 2]),
    ("a b c -> () a b c", {}, (1, 2, 3, 4), [0, 1, 2]),
    ("a 1 c -> a c", {}, (2, 4), [0, 1, 2]),
]


@pytest.mark.parametrize(("pattern", "lengths", "shape", "first"), SHAPES)
def test_shape_and_elements(torch, pattern, lengths, shape, first):
    result = torch.func.rearrange(torch.arange(24).reshape(2, 3, 4), pattern, **lengths)
    assert tuple(result.shape) == shape
    assert result.flatten()[:3].tolist() == first


def test_a_list_is_stacked_and_gradients_flow(torch):
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    result = torch.func.rearrange([x, x * 2], "n a b -> (b n) a")
    assert result.tolist() == [[0, 3], [0, 6], [1, 4], [2, 8], [2, 5], [4, 10]]
    result.sum().backward()
    assert x.grad.tolist() == [[3.0] * 3] * 2


REFUSED = [
    ("a b c", {}, "Pattern must contain a single '->' separator"),
    (
        "a b -> b a",
        {},
        "Number of dimensions in pattern (2) must be equal to the number of dimensions in the "
        "tensor (3)",
    ),
    ("a a b -> b a", {}, "Indexing expression contains duplicate dimension 'a'"),
    (
        "a b c -> a b",
        {},
        "Identifiers only on one side of rearrange expression (should be on both): {'c'}",
    ),
    ("a b c -> a b c", {"z": 5}, "Identifiers not found in rearrange expression: {'z'}"),
    ("a b (c -> a b c", {}, "Imbalanced parentheses in expression: 'a b (c '"),
    ("a b c) -> a b c", {}, "Brackets are not balanced"),
    ("a b 2 -> a b", {}, "rearrange only supports unnamed axes of size 1"),
    ("a b .. -> a b", {}, "Expression may contain dots only inside ellipsis (...)"),
    ("a b$ c -> a b c", {}, "Unknown character '$'"),
    ("a b (c d) -> a b c d", {}, "cannot infer the sizes of two dimensions at once d2 and d3"),
    (
        "a b (c d) -> a b c d",
        {"c": 3},
        "inferred dimension does not evenly fit into larger dimension: 4 vs (3, '?')",
    ),
    (
        "a b c -> a b c",
        {"c": 5},
        "Dimension sizes to do not match (4 != 5) when matching dimension pack (d2,)",
    ),
]


@pytest.mark.parametrize(("pattern", "lengths", "words"), REFUSED)
def test_what_is_no_pattern_is_refused(torch, pattern, lengths, words):
    with pytest.raises(Exception) as caught:
        torch.func.rearrange(torch.zeros(2, 3, 4), pattern, **lengths)
    bind = ("dimension" in words and "d2" in words) or "inferred" in words
    assert type(caught.value).__name__ == ("DimensionBindError" if bind else "ValueError")
    assert str(caught.value) == words


def test_what_threads_and_layouts_ask_for(torch):
    generator = torch.random.thread_safe_generator()
    assert generator is None
    assert torch.randint(0, 10, (5,), generator=generator).shape == (5,)
    x = torch.zeros(2, 3, 4).permute(2, 0, 1).requires_grad_()
    with torch.autograd.enforce_grad_layout_policy(False):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [[[2.0] * 3] * 2] * 4
