"""Newer ways to use DTensors: ``torch.distributed.tensor.experimental``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from ...._runtime import absent as _absent
from .. import _dispatch
from .._rules import table
from .._rules.call import Call, Rule, Strategy
from ..placement_types import Replicate
from ._func_map import local_map

__all__ = ["context_parallel", "implicit_replication", "local_map", "register_sharding"]


@contextlib.contextmanager
def implicit_replication() -> Iterator[None]:
    """Let plain tensors stand for replicated ones where an operator meets DTensors, too."""
    before = _dispatch.state.implicit_replication
    _dispatch.state.implicit_replication = True
    try:
        yield
    finally:
        _dispatch.state.implicit_replication = before


def context_parallel(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse: attention over a sequence that is cut is not there.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        "torch.distributed.tensor.experimental.context_parallel: jtorch cuts attention by heads"
    )


def register_sharding(op: Any) -> Callable[[Callable], Callable]:
    """Return a decorator of a function that says how an operator may be cut.

    The function gets the operator's arguments, with a spec in the place of each DTensor, and
    returns pairs of placements: of the results and of the arguments, ``None`` for what is no
    tensor. That everything is replicated is always a way.

    Args:
        op: an overload, or a list of them.
    """

    def register(function: Callable) -> Callable:
        def strategies(call: Call) -> list[Strategy]:
            found = [call.replicated()]
            for outs, ins in function(*call.args, **call.kwargs):
                given = tuple([each for each in ins if each is not None])
                results = outs if isinstance(outs, (list, tuple)) else [outs]
                found.append(Strategy(tuple([each or Replicate() for each in results]), given))
            return found

        for each in op if isinstance(op, list) else [op]:
            table.RULES[each._opname] = Rule(strategies)
        _dispatch.forget_plans()
        return function

    return register


for _public in (implicit_replication, context_parallel, register_sharding):
    _public.__module__ = "torch.distributed.tensor.experimental"

__getattr__ = _absent.attributes(__name__)
