"""The names of PyTorch's dispatch keys and sets of them: ``torch._C.DispatchKey``.

jtorch has no dispatcher. The names are there for libraries that build sets of keys when they are
imported, to exclude them around extensions of their own.
"""

from __future__ import annotations

import enum
from typing import Any

#: Keys without a backend, with their numbers.
_PLAIN = {
    "Undefined": 0, "Dense": 1, "Quantized": 5, "Sparse": 8, "SparseCsr": 9, "NestedTensor": 10,
    "BackendSelect": 11, "Python": 13, "FuncTorchDynamicLayerBackMode": 14, "Functionalize": 15,
    "Conjugate": 16, "Negative": 17, "ZeroTensor": 18, "ADInplaceOrView": 19, "AutogradOther": 20,
    "AutogradFunctionality": 21, "AutogradNestedTensor": 22, "AutocastCPU": 24, "AutocastXPU": 27,
    "AutocastIPU": 28, "AutocastHPU": 29, "AutocastMPS": 31, "AutocastCUDA": 32,
    "AutocastPrivateUse1": 33, "FuncTorchBatched": 34, "FuncTorchVmapMode": 36,
    "FuncTorchGradWrapper": 39, "PythonTLSSnapshot": 41, "FuncTorchDynamicLayerFrontMode": 42,
    "PreDispatch": 45, "PythonDispatcher": 46, "Autograd": 150, "CompositeImplicitAutograd": 151,
    "FuncTorchBatchedDecomposition": 152, "CompositeImplicitAutogradNestedTensor": 153,
    "CompositeExplicitAutograd": 154, "CompositeExplicitAutogradNonFunctional": 155,
}  # fmt: skip
_BACKENDS = (
    "CPU", "CUDA", "HIP", "XLA", "MPS", "IPU", "XPU", "HPU", "VE", "Lazy", "MTIA", "MAIA",
    "PrivateUse1", "PrivateUse2", "PrivateUse3", "Meta",
)  # fmt: skip
#: The number before the first backend's, and what stands before the backend's name.
_PER_BACKEND = {
    "": 48, "Quantized": 65, "Sparse": 82, "SparseCsr": 99, "NestedTensor": 116, "Autograd": 133,
}  # fmt: skip
#: The sorts of kernels that each backend has its own of, and what their keys begin with.
_PREFIXES = {
    "Dense": "", "Quantized": "Quantized", "Sparse": "Sparse", "SparseCsr": "SparseCsr",
    "NestedTensor": "NestedTensor", "AutogradFunctionality": "Autograd",
}  # fmt: skip
#: Names for several keys at once, which no set holds.
_ALIASES_FROM = 150


def _numbers() -> dict[str, int]:
    numbers = dict(_PLAIN)
    for sort, prefix in _PREFIXES.items():
        before = _PER_BACKEND[prefix]
        for number, backend in enumerate(_BACKENDS, before + 1):
            numbers[prefix + backend] = number
        numbers[f"StartOf{sort}Backends"] = before
        numbers[f"EndOf{sort}Backends"] = before + len(_BACKENDS)
    return numbers


DispatchKey = enum.Enum("DispatchKey", _numbers(), module=__name__)  # type: ignore[misc]
DispatchKey.__doc__ = """A name that PyTorch's dispatcher knows kernels by."""


class DispatchKeySet:
    """A set of keys: sorts of kernels, and the backends that all of them are for.

    Args:
        key: the one that it holds, or its name.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, key: Any):
        found = DispatchKey[key] if isinstance(key, str) else DispatchKey(key)
        self._sorts, self._backends = _parts(found)

    @classmethod
    def _of(cls, sorts: frozenset[str], backends: frozenset[str]) -> DispatchKeySet:
        made = cls("Undefined")
        made._sorts, made._backends = sorts, backends
        return made

    def has(self, key: DispatchKey) -> bool:
        """Tell whether a key is in the set."""
        sorts, backends = _parts(key)
        return sorts <= self._sorts and backends <= self._backends

    def add(self, key: DispatchKey) -> DispatchKeySet:
        """Return the set with one more key."""
        return self | DispatchKeySet(key)

    def remove(self, key: DispatchKey) -> DispatchKeySet:
        """Return the set without the sort of a key, on every backend."""
        return self - DispatchKeySet(key)

    def __or__(self, other: DispatchKeySet) -> DispatchKeySet:
        return self._of(self._sorts | other._sorts, self._backends | other._backends)

    def __and__(self, other: DispatchKeySet) -> DispatchKeySet:
        return self._of(self._sorts & other._sorts, self._backends & other._backends)

    def __sub__(self, other: DispatchKeySet) -> DispatchKeySet:
        return self._of(self._sorts - other._sorts, self._backends)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DispatchKeySet):
            return NotImplemented
        return (self._sorts, self._backends) == (other._sorts, other._backends)

    def __repr__(self) -> str:
        names = []
        for sort in sorted(self._sorts, key=_PLAIN.__getitem__):
            prefix = _PREFIXES.get(sort)
            backends = [name for name in _BACKENDS if name in self._backends]
            names += [sort] if prefix is None else [prefix + backend for backend in backends]
        return f"DispatchKeySet({', '.join(names)})"


def _parts(key: DispatchKey) -> tuple[frozenset[str], frozenset[str]]:
    """Return the sort of kernel that a key names, and the backend, where it names one."""
    if key.value == 0 or key.value >= _ALIASES_FROM:
        return frozenset(), frozenset()
    for sort, prefix in _PREFIXES.items():
        number = key.value - _PER_BACKEND[prefix]
        if 0 < number <= len(_BACKENDS):
            return frozenset({sort}), frozenset({_BACKENDS[number - 1]})
    return frozenset({key.name}), frozenset()
