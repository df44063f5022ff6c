"""Types of values, said while a module is traced."""

from __future__ import annotations

from typing import Any

from .proxy import Proxy


def annotate(val: Any, type: Any) -> Any:
    """Give the node of a traced value a type, which the code of the graph then shows.

    Args:
        val: a value; only a proxy is changed.
        type: the type.
    Returns:
        The value itself.
    Raises:
        RuntimeError: its node has a type already.
    """
    if isinstance(val, Proxy):
        if val.node.type:
            raise RuntimeError(
                "Tried to annotate a value that already had a type on it! Existing type is "
                f"{val.node.type} and new type is {type}. This could happen if you tried to "
                "annotate a function parameter value (in which case you should use the type slot "
                "on the function signature) or you called annotate on the same value twice"
            )
        val.node.type = type
    return val
