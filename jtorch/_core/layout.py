"""``torch.layout``: how a tensor keeps its elements; everything here is strided."""

from __future__ import annotations


class layout:
    """A memory layout, such as ``torch.strided``; compare with ``is`` or ``==``."""

    __slots__ = ("_name",)
    __module__ = "torch"

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name

    def __copy__(self) -> layout:
        return self

    def __deepcopy__(self, memo: dict) -> layout:
        return self


strided = layout("strided")
sparse_coo = layout("sparse_coo")
sparse_csr = layout("sparse_csr")
sparse_csc = layout("sparse_csc")
sparse_bsr = layout("sparse_bsr")
sparse_bsc = layout("sparse_bsc")
_mkldnn = layout("_mkldnn")
jagged = layout("jagged")

ALL = (strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, _mkldnn, jagged)
