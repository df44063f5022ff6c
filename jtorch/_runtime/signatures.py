"""Signatures of the public functions that take ``*args`` and bind them themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from .._core.schema.schema import Schema
from .._engine.declare import FUNCTIONS, METHODS, NN_FUNCTIONS
from .._engine.graph.op import REGISTRY
from .._engine.recording.signatures import CallSignature

_SECTIONS = "(Tensor input, int64_t sections)", "(Tensor input, IntArrayRef indices)"
_PUT = "(Tensor input, TensorList indices, Tensor values, bool accumulate=False)"

#: By name, in PyTorch's argument language; others of this kind have an operator of their name.
SIGNATURES: dict[str, tuple[str, ...]] = {
    "absolute_": ("(Tensor input)",),
    "as_strided": (
        "(Tensor input, SymIntArrayRef size, SymIntArrayRef stride, SymInt? storage_offset=None)",
    ),
    "as_strided_": (
        "(Tensor input, SymIntArrayRef size, SymIntArrayRef stride, SymInt? storage_offset=None)",
    ),
    "dsplit": _SECTIONS,
    "from_numpy": ("(PyObject* ndarray)",),
    "hsplit": _SECTIONS,
    "index_put": (_PUT,),
    "index_put_": (_PUT,),
    "linear": ("(Tensor input, Tensor weight, Tensor? bias=None)",),
    "matmul": ("(Tensor input, Tensor other, *, Tensor out=None)",),
    "nonzero": ("(Tensor input, *, bool as_tuple=False, Tensor out=None)",),
    "reshape": ("(Tensor input, SymIntArrayRef shape)",),
    "resize_": ("(Tensor input, SymIntArrayRef size, *, MemoryFormat? memory_format=None)",),
    "squeeze_": (
        "(Tensor input)",
        "(Tensor input, int64_t dim)",
        "(Tensor input, IntArrayRef dim)",
    ),
    "swapaxes_": ("(Tensor input, int64_t axis0, int64_t axis1)",),
    "swapdims_": ("(Tensor input, int64_t dim0, int64_t dim1)",),
    "t_": ("(Tensor input)",),
    "tensor_split": (
        "(Tensor input, SymInt sections, int64_t dim=0)",
        "(Tensor input, SymIntArrayRef indices, int64_t dim=0)",
        "(Tensor input, Tensor tensor_indices_or_sections, int64_t dim=0)",
    ),
    "transpose_": ("(Tensor input, int64_t dim0, int64_t dim1)",),
    "unsqueeze_": ("(Tensor input, int64_t dim)",),
    "view": ("(Tensor input, ScalarType dtype)", "(Tensor input, SymIntArrayRef size)"),
    "vsplit": _SECTIONS,
}


def attach() -> None:
    """Give these functions what ``inspect.signature`` and ``help`` show."""
    for table, method in ((FUNCTIONS, False), (NN_FUNCTIONS, False), (METHODS, True)):
        for name, function in table.items():
            namespace = getattr(function, "__dict__", None)
            if namespace is None or "__signature__" in namespace:
                continue
            schema = _schema(name, function)
            if schema is not None:
                namespace["__signature__"] = CallSignature(schema, method)


def _schema(name: str, function: Callable) -> Schema | None:
    texts = SIGNATURES.get(name)
    if texts is not None:
        return Schema(*(name + text for text in texts))
    code = getattr(function, "__code__", None)
    if code is None or not code.co_flags & inspect.CO_VARKEYWORDS:
        return None
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    used = [function.__globals__.get(each) for each in code.co_names]
    for schema in (*cells, *used):  # the one that the function itself binds its arguments with
        if isinstance(schema, Schema) and (schema in cells or schema.name == name):
            return schema
    entry = REGISTRY.get(name) or REGISTRY.get(name.removesuffix("_"))
    return None if entry is None else entry.schema
