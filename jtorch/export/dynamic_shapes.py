"""Which sizes of an exported program may vary: ``torch.export.Dim``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from .._runtime import absent as _absent
from .._tensor.tensor import Tensor
from ..func._trees import children


class _DimHint:
    """What is known of a size without a name."""

    def __init__(self, kind: str, min: int | None = None, max: int | None = None):
        self.kind, self.min, self.max = kind, min, max

    def __call__(self, min: int | None = None, max: int | None = None) -> _DimHint:
        if self.kind == "STATIC":
            raise TypeError(f"'{type(self).__name__}' object is not callable")
        if min is not None and min < 0:
            raise AssertionError(f"min must be non-negative, got {min}")
        return _DimHint(self.kind, min, max)

    def __repr__(self) -> str:
        parts = [self.kind]
        parts += [
            f"{name}={value}" for name, value in (("min", self.min), ("max", self.max)) if value
        ]
        return f"DimHint({', '.join(parts)})"


class Dim:
    """A size that may vary: sizes of one name are equal.

    Args:
        name: an identifier.
        min, max: the smallest and the largest that it may be, both included.
    """

    AUTO = _DimHint("AUTO")
    DYNAMIC = _DimHint("DYNAMIC")
    STATIC = _DimHint("STATIC")

    def __init__(self, name: str, *, min: int | None = None, max: int | None = None):
        least = 0 if min is None else min
        if not name.isidentifier():
            raise AssertionError(f"Dim name must be a valid identifier, got {name}")
        if max is not None and max <= least:
            raise AssertionError(f"Cannot create Dim with inconsistent min={min}, max={max}")
        self.__name__, self.min, self.max = name, least, max

    def __repr__(self) -> str:
        parts = [repr(self.__name__)]
        if self.min != 2:
            parts.append(f"min={self.min}")
        if self.max is not None:
            parts.append(f"max={self.max}")
        return f"Dim({', '.join(parts)})"

    def __mul__(self, other: Any) -> Any:
        raise NotImplementedError("torch.export.Dim: jtorch has no sizes derived from others")

    __add__ = __sub__ = __rmul__ = __radd__ = __mul__


def dims(*names: str, min: int | None = None, max: int | None = None) -> tuple[Dim, ...]:
    """Return several sizes that may vary, of the same bounds."""
    return tuple([Dim(name, min=min, max=max) for name in names])


class Varying:
    """The sizes of the arguments of an export that may vary.

    Attributes:
        names: for each argument that is a tensor, the name of each size, ``None`` for a number.
        bounds: the least and the largest of each name.
        optional: the names that may become numbers, where the program needs that.
    """

    def __init__(self) -> None:
        self.names: list[list[str | None]] = []
        self.bounds: dict[str, tuple[int, int | None]] = {}
        self.optional: set[str] = set()

    def add(self, tensor: Tensor, spec: Any, where: str) -> None:
        """Note the sizes of one tensor."""
        names: list[str | None] = [None] * tensor.ndim
        self.names.append(names)
        if spec is None:
            return
        if isinstance(spec, dict):
            items = list(spec.items())
        elif isinstance(spec, (tuple, list)):
            if len(spec) != tensor.ndim:
                raise user_error(
                    f"Expected dynamic shape spec {spec} specified at `dynamic_shapes{where}` to "
                    f"have the same length as the actual tensor shape {tensor.shape} (expected "
                    f"{tensor.ndim}, but got {len(spec)} instead)"
                )
            items = list(enumerate(spec))
        else:
            raise user_error(
                f"Unexpected input tensor shape {spec} specified at `dynamic_shapes{where}` "
                "(expected either a list/tuple of dimensions, or a dict mapping indices to "
                "dimensions, where each dimension is an int, a Dim, Dim.AUTO, Dim.STATIC, or "
                "Dim.DYNAMIC)"
            )
        for place, dim in items:
            names[place] = self._named(dim, place, spec, where)

    def _named(self, dim: Any, place: int, spec: Any, where: str) -> str | None:
        if dim is None or isinstance(dim, int):
            return None
        if isinstance(dim, Dim):
            self.bounds[dim.__name__] = (dim.min, dim.max)
            return dim.__name__
        if isinstance(dim, _DimHint):
            if dim.kind == "STATIC":
                return None
            name = f"s{len(self.bounds)}_{place}"
            self.bounds[name] = (dim.min or 0, dim.max)
            if dim.kind == "AUTO":
                self.optional.add(name)
            return name
        raise user_error(
            f"Unexpected dimension mapped to index {place} in input tensor shape {spec} specified "
            f"at `dynamic_shapes{where}` (expected None, an int, a Dim, Dim.AUTO, Dim.STATIC, or "
            f"Dim.DYNAMIC,  but got {dim!r} instead)"
        )

    def fixed(self) -> Varying:
        """Return the same with a number for the last size that may be one."""
        last = [name for name in self.bounds if name in self.optional][-1]
        other = Varying()
        other.names = [[None if name == last else name for name in names] for names in self.names]
        other.bounds = {name: each for name, each in self.bounds.items() if name != last}
        other.optional = self.optional - {last}
        return other

    def constraints(self) -> list[str]:
        """Return what is known of the sizes, in JAX's language."""
        found = []
        for name, (least, most) in self.bounds.items():
            if least > 1:
                found.append(f"{name} >= {least}")
            if most is not None:
                found.append(f"{name} <= {most}")
        return found


def user_error(text: str) -> Exception:
    """What the arguments of an export are refused by."""
    from .._dynamo import exc  # imports modules that do not exist, while this one may be half there

    return exc.UserError(text)


def varying(forward: Callable, args: tuple, kwargs: dict[str, Any], spec: Any) -> Varying:
    """Return which sizes may vary, in the order of the tensors in the arguments.

    Args:
        forward: the method that takes the arguments, whose names ``spec`` may use.
        args, kwargs: the arguments.
        spec: ``dynamic_shapes``: by name, or in the order of the arguments.
    """
    found = Varying()
    bound = inspect.signature(forward).bind(*args, **kwargs)
    given = list(bound.arguments)
    if spec is not None and not isinstance(spec, (dict, tuple, list)):
        raise user_error(f"Expected dynamic_shapes to be a dict, list or tuple, got {type(spec)}")
    if isinstance(spec, (tuple, list)):
        if len(spec) != len(given):
            raise user_error(
                "When `dynamic_shapes` is specified as a tuple or list, it needs one element for "
                f"each of the arguments {given}, got {len(spec)}"
            )
        spec = dict(zip(given, spec, strict=True))
    if spec is not None and set(spec) != set(given):
        raise user_error(
            "When `dynamic_shapes` is specified as a dict, its top-level keys must be the arg "
            f"names {given} of `inputs`, but here they are {list(spec)}."
        )
    for name in given:
        _walk(found, bound.arguments[name], None if spec is None else spec[name], f"['{name}']")
    return found


def _walk(found: Varying, value: Any, spec: Any, where: str) -> None:
    if isinstance(value, Tensor):
        found.add(value, spec, where)
        return
    node = children(value)
    if node is None:
        return
    (_, keys), parts = node
    names: Sequence[Any] = keys if isinstance(keys, tuple) else range(len(parts))
    for key, part in zip(names, parts, strict=True):
        inner = None if spec is None else spec[key]
        _walk(found, part, inner, f"{where}[{key!r}]")


__getattr__ = _absent.attributes(__name__)
