"""Named results: what PyTorch's operators of several results return (``torch.return_types``)."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any


def _check_length(cls: type, values: Iterable[Any]) -> tuple:
    try:
        found = tuple(values)
    except TypeError:
        raise TypeError("constructor requires a sequence") from None
    count = len(cls.__match_args__)  # type: ignore[attr-defined]
    if len(found) != count:
        raise TypeError(
            f"torch.return_types.{cls.__name__}() takes a {count}-sequence "
            f"({len(found)}-sequence given)"
        )
    return found


def _new(cls: type, sequence: Iterable[Any], dict: Any = None) -> tuple:
    return tuple.__new__(cls, _check_length(cls, sequence))


def _repr(self: tuple) -> str:
    names = type(self).__match_args__  # type: ignore[attr-defined]
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(names, self, strict=True))
    return f"torch.return_types.{type(self).__name__}(\n{fields})"


def _reduce(self: tuple) -> tuple:
    return type(self), (tuple(self), {})


def structseq(name: str, fields: str) -> type:
    """Return a class of named results.

    Args:
        name: of the operator.
        fields: names separated by blanks.
    """
    names = tuple(fields.split())
    body: dict[str, Any] = {
        "__slots__": (),
        "__module__": "torch.return_types",
        "__match_args__": names,
        "__new__": _new,
        "__repr__": _repr,
        "__reduce__": _reduce,
        "n_fields": len(names),
        "n_sequence_fields": len(names),
        "n_unnamed_fields": 0,
    }
    for position, field in enumerate(names):
        body[field] = property(itemgetter(position))
    return type(name, (tuple,), body)


_SHAPES = {
    "values indices": (
        "cummax", "cummin", "kthvalue", "max", "median", "min", "mode", "nanmedian", "sort", "topk",
    ),
    "min max": ("aminmax",),
    "hist bin_edges": ("histogram", "histogramdd"),
    "mantissa exponent": ("frexp",),
    "a tau": ("geqrf",),
    "sign logabsdet": ("slogdet", "linalg_slogdet"),
    "Q R": ("qr", "linalg_qr"),
    "U S V": ("svd",),
    "U S Vh": ("linalg_svd",),
    "P L U": ("lu_unpack", "linalg_lu"),
    "eigenvalues eigenvectors": ("linalg_eig", "linalg_eigh"),
    "solution residuals rank singular_values": ("linalg_lstsq",),
    "L info": ("linalg_cholesky_ex",),
    "inverse info": ("linalg_inv_ex",),
    "LU pivots": ("linalg_lu_factor",),
    "LU pivots info": ("linalg_lu_factor_ex", "_lu_with_info"),
    "LD pivots": ("linalg_ldl_factor",),
    "LD pivots info": ("linalg_ldl_factor_ex",),
    "result info": ("linalg_solve_ex",),
    "solution cloned_coefficient": ("triangular_solve",),
}  # fmt: skip

_WITHOUT_OUT = ("histogramdd", "_lu_with_info")

#: The classes by the name of their operator; the form with ``out=`` returns a class of its own.
RETURN_TYPES: dict[str, type] = {
    each: structseq(each, fields)
    for fields, names in _SHAPES.items()
    for name in names
    for each in ((name,) if name in _WITHOUT_OUT else (name, f"{name}_out"))
}
