"""Lists and dicts that cannot be changed: what the arguments of a node are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .._runtime import absent as _absent
from ..utils import _pytree

__all__ = ["immutable_dict", "immutable_list"]


def _refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
    raise TypeError(
        f"{type(self).__name__!r} object does not support mutation. If you are attempting to "
        "modify the kwargs or args of a torch.fx.Node object,\n"
        "instead create a new copy of it and assign the copy to the node:\n\n"
        "    new_args = ...  # copy and mutate args\n"
        "    node.args = new_args"
    )


class immutable_list(list):
    """A list that raises where it is to be changed."""

    append = clear = extend = insert = pop = remove = reverse = sort = _refuse
    __delitem__ = __iadd__ = __imul__ = __setitem__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __reduce__(self) -> Any:
        return immutable_list, (tuple(self),)


class immutable_dict(dict):
    """A dict that raises where it is to be changed."""

    clear = pop = popitem = setdefault = update = _refuse
    __delitem__ = __ior__ = __setitem__ = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> Any:
        return immutable_dict, (tuple(self.items()),)


def _register(cls: type, flatten: Callable, unflatten: Callable) -> None:
    _pytree.register_pytree_node(cls, flatten, unflatten)


def _flatten_list(values: Iterable[Any]) -> tuple[list[Any], Any]:
    return list(values), None


def _flatten_dict(values: dict[Any, Any]) -> tuple[list[Any], Any]:
    return list(values.values()), list(values)


_register(immutable_list, _flatten_list, lambda values, context: immutable_list(values))
_register(
    immutable_dict,
    _flatten_dict,
    lambda values, context: immutable_dict(zip(context, values, strict=True)),
)


__getattr__ = _absent.attributes(__name__)
