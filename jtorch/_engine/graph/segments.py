"""What all segments have: the results that gradients flow through and what hangs on them."""

from __future__ import annotations

import math
from typing import Any


class SegmentBase:
    """Results that were recorded together, as differentiation and ``grad_fn`` know them.

    Attributes:
        sequence: when it was closed: results of one segment feed only segments closed later.
        before: when the first segment was closed that depends on it while it was not closed itself.
        freed: slots whose saved elements a backward pass has given up.
        stale: slots whose saved elements were overwritten since.
        rewritten: what became of the memory of results that was written to (``memory.Memory``), by
            slot.
        renewed: whether memory was written while this was recorded, see ``overwritten``.
        nodes: the ``grad_fn`` objects that were asked for, by slot.
        hooks, retained: what ``register_hook`` and ``retain_grad`` left on results, by slot.
        node_hooks: what ``grad_fn.register_hook`` left, by slot.
        remakes: whether views of inputs are made again and not kept (see ``cones.Cone``).
    """

    __slots__ = (
        "sequence",
        "before",
        "freed",
        "stale",
        "rewritten",
        "renewed",
        "nodes",
        "hooks",
        "retained",
        "node_hooks",
        "remakes",
        "__weakref__",
    )

    def __init__(self, sequence: float):
        self.sequence = sequence
        self.before = math.inf
        self.freed: frozenset[int] = frozenset()
        self.stale: set[int] = set()
        self.rewritten: dict[int, Any] | None = None
        self.renewed = False
        self.nodes: dict[int, Any] | None = None
        self.hooks: dict[int, Any] | None = None
        self.retained: dict[int, Any] | None = None
        self.node_hooks: dict[int, Any] | None = None
        self.remakes = False
