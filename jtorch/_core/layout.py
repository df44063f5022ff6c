"""``torch.layout``: how a tensor keeps its elements; everything here is strided."""

from __future__ import annotations

from inspect import Signature


class layout:
    """A memory layout, such as ``torch.strided``; compare with ``is`` or ``==``."""

    __slots__ = ("_name",)
    __module__ = "torch"

    __signature__ = Signature()
    _name: str

    def __new__(cls, *args: object, **kwargs: object) -> layout:
        raise TypeError("cannot create 'torch.layout' instances")

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name

    def __copy__(self) -> layout:
        return self

    def __deepcopy__(self, memo: dict) -> layout:
        return self


def _make(name: str) -> layout:
    made = object.__new__(layout)
    made._name = name
    return made


strided = _make("strided")
sparse_coo = _make("sparse_coo")
sparse_csr = _make("sparse_csr")
sparse_csc = _make("sparse_csc")
sparse_bsr = _make("sparse_bsr")
sparse_bsc = _make("sparse_bsc")
_mkldnn = _make("_mkldnn")
jagged = _make("jagged")

ALL = (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, _mkldnn, jagged)
