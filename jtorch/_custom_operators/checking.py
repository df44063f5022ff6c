"""``torch.library.opcheck``: whether an operator does what its parts say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..utils import _pytree
from .operators import Operator, find

DEFAULT_TEST_UTILS = (
    "test_schema",
    "test_autograd_registration",
    "test_faketensor",
    "test_aot_dispatch_dynamic",
)


class OpCheckError(Exception):
    """An operator does not do what its parts say."""


def _copies(tree: Any) -> Any:
    def copy(tensor: Tensor) -> Tensor:
        return tensor.detach().clone().requires_grad_(tensor.requires_grad)

    return _pytree.tree_map_only(Tensor, copy, tree)


def _schema(op: Operator, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise where an argument is overwritten that the schema does not say is."""
    args, kwargs = _copies((args, kwargs))
    values = op.schema.bind(op.name(), args, kwargs)
    with torch.no_grad():
        held = _pytree.tree_map_only(Tensor, lambda t: t.detach().clone(), values)
        op(*args, **kwargs)
    for argument in op.schema.arguments:
        before = _pytree.tree_leaves(held[argument.name])
        for old, new in zip(before, _pytree.tree_leaves(values[argument.name])):
            if not isinstance(new, Tensor) or argument.written:
                continue
            if not torch.equal(old, new.detach()):
                raise RuntimeError(
                    f"Argument {argument.name} is not defined as mutable but was mutated"
                )


def _autograd_registration(op: Operator, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise where an argument requires grad and a result does not."""
    tensors = [t for t in _pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
    if not any(t.requires_grad for t in tensors):
        return
    made = [t for t in _pytree.tree_leaves(op(*args, **kwargs)) if isinstance(t, Tensor)]
    if made and not any(t.requires_grad for t in made):
        raise AssertionError(
            "Expected at least one output of the operator to require grad, but none did."
        )


def _fake(op: Operator, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise where the results on the device meta have another shape or dtype."""
    on_meta = _pytree.tree_map_only(Tensor, lambda t: t.to("meta"), (args, kwargs))
    with torch.no_grad():
        said = _pytree.tree_leaves(op(*on_meta[0], **on_meta[1]))
        real = _pytree.tree_leaves(op(*_copies(args), **_copies(kwargs)))
    for one, other in zip(said, real, strict=True):
        if not isinstance(other, Tensor):
            continue
        if one.shape != other.shape or one.dtype != other.dtype:
            raise RuntimeError(
                f"the fake result has shape {tuple(one.shape)} and dtype {one.dtype}, the "
                f"real one {tuple(other.shape)} and {other.dtype}"
            )


def _gradients(op: Operator, args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise where the gradients cannot be computed."""
    args, kwargs = _copies((args, kwargs))
    leaves = [t for t in _pytree.tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
    wanted = [t for t in leaves if t.requires_grad]
    made = [t for t in _pytree.tree_leaves(op(*args, **kwargs)) if isinstance(t, Tensor)]
    sources = [t for t in made if t.requires_grad]
    if wanted and sources:
        torch.autograd.grad([t.sum() for t in sources], wanted, allow_unused=True)


_TESTS: dict[str, Callable] = {
    "test_schema": _schema,
    "test_autograd_registration": _autograd_registration,
    "test_faketensor": _fake,
    "test_aot_dispatch_dynamic": _gradients,
}


def opcheck(
    op: Any,
    args: tuple,
    kwargs: dict[str, Any] | None = None,
    *,
    test_utils: str | Sequence[str] = DEFAULT_TEST_UTILS,
    raise_exception: bool = True,
    atol: float | None = None,
    rtol: float | None = None,
) -> dict[str, Any]:
    """Return for each test whether an operator passes it.

    Args:
        op: an operator.
        args, kwargs: of a call.
        test_utils: which of the four tests.
        raise_exception: whether a failure is raised; it is part of the result otherwise.
        atol, rtol: accepted; both sides are computed by one library.
    Raises:
        OpCheckError: a test fails.
    """
    if isinstance(op, str):
        raise ValueError(
            "opcheck(op, ...): op must be instance of torch._ops.OpOverload, e.g. "
            f"torch.ops.aten.sin.default, got {type(op)}"
        )
    operator = find(op)
    chosen = [test_utils] if isinstance(test_utils, str) else list(test_utils)
    results: dict[str, Any] = {}
    for name in chosen:
        if name not in _TESTS:
            raise ValueError(f"unknown test {name}, expected one of {sorted(_TESTS)}")
        try:
            _TESTS[name](operator, args, kwargs or {})
        except Exception as error:
            if raise_exception:
                raise OpCheckError(f"opcheck(op, ...): {name} failed with {error}") from error
            results[name] = error
        else:
            results[name] = "SUCCESS"
    return results
