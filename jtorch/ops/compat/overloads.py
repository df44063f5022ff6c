"""Operators of PyTorch as objects: one overload, and all overloads under a name.

``torch.ops.aten.add`` is a packet, ``torch.ops.aten.add.Tensor`` an overload of it. Called, they
are what the public function is, unless ``__torch_dispatch__`` of a mode or a class sees it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..._engine.recording import dispatch_modes
from . import schemas

_REDUCTIONS = ("none", "mean", "sum")


#: Losses that these operators average by default, and the public functions of the names do not;
#: where their argument ``reduction`` is.
AVERAGED = {
    **{"binary_cross_entropy_with_logits": 4, "kl_div": 2, "hinge_embedding_loss": 3},
    **{"margin_ranking_loss": 4, "cosine_embedding_loss": 4, "triplet_margin_loss": 7},
    "ctc_loss": 5,
}


class OperatorBase:
    """Base of what stands behind ``torch.ops``."""

    __module__ = "torch._ops"


class OpOverload(OperatorBase):
    """One overload of an operator of PyTorch.

    Args:
        name: of the operator.
        overload: ``"default"`` where PyTorch gives it no name.
        function: the function that has all of them.
        packet: the operator.
    """

    __module__ = "torch._ops"
    namespace = "aten"
    tags: tuple[Any, ...] = ()

    def __init__(self, name: str, overload: str, function: Callable, packet: Any = None):
        self._name, self._opname, self._overloadname = f"aten::{name}", name, overload
        self._function, self._packet = function, packet
        self.__name__ = f"{name}.{overload}"
        self.__module__ = f"torch._ops.{self.namespace}"
        self.__qualname__ = self._name if overload == "default" else f"aten::{name}.{overload}"

    @property
    def _schema(self) -> schemas.OperatorSchema:
        try:
            return schemas.schema_of(self._opname, self._overloadname)
        except KeyError:
            raise AttributeError(f"{self} has no schema that was recorded") from None

    @property
    def overloadpacket(self) -> Any:
        """The operator with all its overloads."""
        return self._packet

    @property
    def op(self) -> Callable:
        """The function that runs."""
        return self._function

    @property
    def is_view(self) -> bool:
        """Whether the result is a view of an argument."""
        infos = [result.alias_info for result in self._schema.results]
        return any(info is not None and not info.is_write for info in infos)

    def name(self) -> str:
        """Return the name with its namespace and overload."""
        return self.__qualname__

    def has_kernel_for_dispatch_key(self, key: Any) -> bool:
        """Tell whether PyTorch has a function of its own under a key.

        ``CompositeImplicitAutograd`` says whether it is made of other operators.
        """
        composite = schemas.is_composite(self._opname, self._overloadname)
        return composite == (getattr(key, "name", key) == "CompositeImplicitAutograd")

    def _can_decompose(self) -> bool:
        return schemas.is_composite(self._opname, self._overloadname)

    def decompose(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the operator gives as others make it; ``NotImplemented`` for one alone."""
        if not self._can_decompose():
            return NotImplemented
        return self._run(*args, **kwargs)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if dispatch_modes.is_seen((*args, *kwargs.values())):
            return dispatch_modes.ask(self, self._run, args, kwargs)
        return self._run(*args, **kwargs)

    def _run(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the function behind it, without being seen."""
        places = self._places
        if places is not None and len(args) > places:
            raise RuntimeError(
                f"{self._name}() takes {places} positional argument(s) but {len(args)} was/were "
                f"given.  Declaration: {self._schema}"
            )
        if len(args) <= AVERAGED.get(self._opname, -1) and "reduction" not in kwargs:
            kwargs = {**kwargs, "reduction": 1}
        with dispatch_modes.without_operators():
            try:
                return self._function(*args, **self._python_names(kwargs))
            except TypeError:
                self._refuse(args, kwargs)
                raise

    @functools.cached_property
    def _places(self) -> int | None:
        """How many arguments are given by place; ``None`` where that is not recorded."""
        try:
            return sum(not argument.by_name for argument in self._schema.arguments)
        except AttributeError:
            return None

    def _python_names(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        if "self" in kwargs:
            kwargs = dict(kwargs)
            kwargs["input"] = kwargs.pop("self")
        return kwargs

    def _refuse(self, args: tuple, kwargs: dict[str, Any]) -> None:
        """Raise PyTorch's words where the arguments do not fit the schema."""
        if self._places is None:
            return
        try:
            self._schema.bind(self._name, args, kwargs)
        except RuntimeError as error:
            head = f"{self._name}("
            raise RuntimeError(
                str(error).replace(f"Declaration: {head}", f"Declaration: {self.__qualname__}(")
            ) from None

    def __repr__(self) -> str:
        path = f"{self.namespace}.{self._opname}"
        return f"<OpOverload(op='{path}', overload='{self._overloadname}')>"

    def __str__(self) -> str:
        return f"{self.namespace}.{self._opname}.{self._overloadname}"

    def __deepcopy__(self, memo: dict) -> OpOverload:
        return self


class ReducingOverload(OpOverload):
    """One whose function names the reduction of a loss, where the schema numbers it."""

    def _run(self, /, *args: Any, **kwargs: Any) -> Any:
        by_place = [each.name for each in self._schema.arguments if not each.by_name]
        kwargs = dict(zip(by_place, args)) | kwargs
        if kwargs.get("reduction").__class__ is int:
            kwargs["reduction"] = _REDUCTIONS[kwargs["reduction"]]
        return super()._run(**kwargs)


class OpOverloadPacket(OperatorBase):
    """An operator of PyTorch with its overloads as attributes.

    Args:
        name: of the operator.
        function: what it is called as here.
        reduces: whether the function names the reduction of a loss, where PyTorch's operator
            numbers it.
    """

    __module__ = "torch._ops"

    def __init__(self, name: str, function: Callable, reduces: bool = False):
        self._qualified_op_name, self._function = f"aten::{name}", function
        self.__name__ = name
        self._reduces = reduces

    @property
    def op(self) -> Callable:
        """The function that runs."""
        return self._function

    def overloads(self) -> list[str]:
        """Return the names of the overloads that concern tensors."""
        return schemas.overload_names(self.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if dispatch_modes.is_seen((*args, *kwargs.values())):
            from .matching import match

            found = match(self, args, kwargs)
            if found is not None:
                overload, args, kwargs = found
                return getattr(self, overload)(*args, **kwargs)
        if self._reduces:
            return self.default(*args, **kwargs)
        return OpOverload(self.__name__, "default", self._function)._run(*args, **kwargs)

    def __getattr__(self, overload: str) -> OpOverload:
        if overload.startswith("__"):
            raise AttributeError(overload)
        known = self.overloads()
        if known and overload not in known:
            raise AttributeError(
                f"The underlying op of 'aten.{self.__name__}' has no overload name '{overload}'"
            )
        kind = ReducingOverload if self._reduces else OpOverload
        function = kind(self.__name__, overload, self._function, self)
        setattr(self, overload, function)
        return function

    def __iter__(self) -> Any:
        return iter(self.overloads())

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='aten.{self.__name__}')>"

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    def __deepcopy__(self, memo: dict) -> OpOverloadPacket:
        return self
