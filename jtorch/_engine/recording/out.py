"""Rules of the ``out=`` form that differ from operator to operator."""

from __future__ import annotations

from collections.abc import Callable

from ..._core.dtypes import dtype as DType

#: ``(operator, dtype of the result, dtype of out) -> what PyTorch raises``.
DtypeRule = Callable[[str, DType, DType], Exception]


class Out:
    """How an operator treats the tensor given as ``out``, where that is not the general way.

    The general way: ``out`` is resized, the result is cast to its dtype where that is safe, and it
    may share memory with an operand.

    Args:
        dtype: what is raised where the dtypes differ at all.
        uncastable: what is raised where the result cannot be cast safely.
        any_dtype: whether every dtype is taken, cast or not.
        decides_dtype: whether the dtype of ``out`` is the one computed in.
        overlap: ``"refuse"``: ``out`` may share memory neither with an operand nor with itself;
            ``"refuse operands"``: not with an operand.
        layout: whether a tensor of another shape is given the result's strides too.
    """

    __slots__ = ("dtype", "uncastable", "any_dtype", "decides_dtype", "overlap", "layout")

    def __init__(
        self,
        *,
        dtype: DtypeRule | None = None,
        uncastable: DtypeRule | None = None,
        any_dtype: bool = False,
        decides_dtype: bool = False,
        overlap: str | None = None,
        layout: bool = True,
    ):
        self.dtype = dtype
        self.uncastable = uncastable
        self.any_dtype = any_dtype
        self.decides_dtype = decides_dtype
        self.overlap = overlap
        self.layout = layout

    def dtype_error(self, name: str, result: DType, out: DType, castable: bool) -> Exception | None:
        """Return what PyTorch raises for a result of one dtype to be written to another.

        Args:
            name: the operator.
            result, out: the dtypes, which differ.
            castable: whether the one can be cast to the other by the general rule.
        Returns:
            The exception; None where the general rule decides.
        """
        rule = self.dtype
        if rule is None and not castable:
            rule = self.uncastable
        return None if rule is None else rule(name, result, out)


#: The rules of each operator that has some, by name; filled by the declarations.
POLICIES: dict[str, Out] = {}
GENERAL = Out()
