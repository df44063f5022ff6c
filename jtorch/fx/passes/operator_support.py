"""Which nodes of a graph a backend supports."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import Any

from ..._runtime import absent as _absent
from ..node import Node
from .tools_common import CALLABLE_NODE_OPS, get_node_target

__all__ = [
    "OpSupports",
    "OperatorSupport",
    "OperatorSupportBase",
    "any_chain",
    "chain",
    "create_op_support",
]


class OperatorSupportBase(abc.ABC):
    """Tells which nodes are supported."""

    @abc.abstractmethod
    def is_node_supported(self, submodules: Mapping[str, Any], node: Node) -> bool:
        """Tell whether a node is supported.

        Args:
            submodules: the modules by qualified name.
            node: the node.
        """
        raise NotImplementedError


class OperatorSupport(OperatorSupportBase):
    """Tells by a dict of targets, and of the dtypes of arguments where these matter.

    Args:
        support_dict: for each target ``None``, or the dtypes of arguments by position and by name.
    """

    _support_dict: Mapping[str, Any] = {}

    def __init__(self, support_dict: Mapping[str, Any] | None = None):
        self._support_dict = support_dict or self._support_dict

    def is_node_supported(self, submodules: Mapping[str, Any], node: Node) -> bool:
        """Tell whether a node is supported."""
        if node.op not in CALLABLE_NODE_OPS:
            return True
        target = get_node_target(submodules, node)
        if target not in self._support_dict:
            return False
        wanted = self._support_dict[target]
        if wanted is None:
            return True
        args, kwargs = wanted
        for index, dtypes in enumerate(args):
            if len(node.args) <= index or not isinstance(node.args[index], Node):
                continue
            if _dtype(node.args[index]) not in dtypes:
                return False
        for name, dtypes in kwargs.items():
            given = node.kwargs.get(name)
            if isinstance(given, Node) and _dtype(given) not in dtypes:
                return False
        return True


def _dtype(node: Node) -> Any:
    meta = node.meta.get("tensor_meta")
    return getattr(meta, "dtype", None)


class _Function(OperatorSupportBase):
    def __init__(self, function: Callable[[Mapping[str, Any], Node], bool]):
        self.function = function

    def is_node_supported(self, submodules: Mapping[str, Any], node: Node) -> bool:
        return self.function(submodules, node)


def create_op_support(
    is_node_supported: Callable[[Mapping[str, Any], Node], bool],
) -> OperatorSupportBase:
    """Return what tells by a function."""
    return _Function(is_node_supported)


def chain(*op_support: OperatorSupportBase) -> OperatorSupportBase:
    """Return what supports a node that all of several support."""
    return _Function(lambda m, n: all(each.is_node_supported(m, n) for each in op_support))


def any_chain(*op_support: OperatorSupportBase) -> OperatorSupportBase:
    """Return what supports a node that one of several supports."""
    return _Function(lambda m, n: any(each.is_node_supported(m, n) for each in op_support))


class OpSupports:
    """Frequent ones."""

    @classmethod
    def decline_if_input_dtype(cls, dtype: Any) -> OperatorSupportBase:
        """Return what declines nodes with an argument of a dtype, after ``ShapeProp``."""

        def supported(submodules: Mapping[str, Any], node: Node) -> bool:
            return all(_dtype(each) is not dtype for each in node.all_input_nodes)

        return _Function(supported)

    @classmethod
    def decline_if_node_in_names(cls, disallow_set: set[str]) -> OperatorSupportBase:
        """Return what declines nodes of some names."""
        return _Function(lambda submodules, node: node.name not in disallow_set)


__getattr__ = _absent.attributes(__name__)
