"""The operators that the engine itself records; the package that declares them names them here.

The engine is imported before the operators are declared, and imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .op import Op

#: Accumulates gradients.
add: Op
#: Copies a gradient that can be differentiated.
copy: Op
#: Yields a tensor in the same storage that is not part of the gradient graph.
detach: Op
#: The same, with a version counter of its own.
data: Op
#: Yields a leaf that requires grad.
as_leaf: Op
#: Reduces a tensor to a shape that broadcasts to its own.
sum_to_size: Callable[..., Any]
#: Converts a tensor to a dtype.
to: Callable[..., Any]


def set_primitives(
    *,
    add: Op,
    copy: Op,
    detach: Op,
    data: Op,
    as_leaf: Op,
    sum_to_size: Callable[..., Any],
    to: Callable[..., Any],
) -> None:
    """Tell the engine which operators it records.

    Args:
        add: adds two tensors.
        copy: copies one, with the node that ``.grad`` shows after ``create_graph=True``.
        detach, data, as_leaf: operators of a tensor in the same storage: two without gradients, of
            which ``data`` gives it a version counter of its own, and one with gradients.
        sum_to_size, to: methods of a tensor that take a shape and a dtype.
    """
    globals().update(add=add, copy=copy, detach=detach, data=data, as_leaf=as_leaf)
    globals().update(sum_to_size=sum_to_size, to=to)
