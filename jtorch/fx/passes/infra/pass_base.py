"""A pass: something that changes a graph and says whether it did."""

from __future__ import annotations

import abc
from collections import namedtuple
from typing import Any

from ...graph_module import GraphModule

__all__ = ["PassBase", "PassResult"]


class PassResult(namedtuple("PassResult", ["graph_module", "modified"])):
    """What a pass returns.

    Attributes:
        graph_module: the module as the pass leaves it.
        modified: whether it is another than before.
    """

    __slots__ = ()


class PassBase(abc.ABC):
    """A pass with conditions before and behind it; subclasses have ``call``."""

    def __call__(self, graph_module: GraphModule) -> PassResult | None:
        """Check what the pass requires, run it, check what it ensures."""
        self.requires(graph_module)
        result = self.call(graph_module)
        self.ensures(graph_module)
        return result

    @abc.abstractmethod
    def call(self, graph_module: GraphModule) -> PassResult | None:
        """Change the graph."""

    def requires(self, graph_module: GraphModule) -> Any:  # noqa: B027  a subclass may say more
        """Raise where the graph is not one that the pass can change."""

    def ensures(self, graph_module: GraphModule) -> Any:  # noqa: B027  a subclass may say more
        """Raise where the graph is not what the pass should have left."""
