"""Floating point operations of matrix products and convolutions: ``torch.utils.flop_counter``.

A product of an addition counts two. What a backward pass adds is known in the forward pass: it is
counted when the gradient of a result arrives there.
"""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from .._engine.backward.seen import running
from ._python_dispatch import TorchDispatchMode
from ._pytree import tree_map
from .module_tracker import ModuleTracker

__all__ = ["FlopCounterMode", "register_flop_formula"]

aten = torch.ops.aten
#: From an operator to its formula, which takes shapes, and the result's as ``out_shape``.
flop_registry: dict[Any, Callable[..., int]] = {}


def get_shape(i: Any) -> Any:
    """Return the shape of a tensor, and what is none as it is."""
    return i.shape if isinstance(i, torch.Tensor) else i


def shape_wrapper(f: Callable) -> Callable:
    """Return a formula over tensors, of one over their shapes."""

    def over_tensors(*args: Any, out_val: Any = None, **kwargs: Any) -> int:
        args, kwargs, out_shape = tree_map(get_shape, (args, kwargs, out_val))
        return f(*args, out_shape=out_shape, **kwargs)

    over_tensors._get_raw = False  # type: ignore[attr-defined]
    return over_tensors


def register_flop_formula(targets: Any, get_raw: bool = False) -> Callable[[Callable], Callable]:
    """Return a decorator that gives operators a formula.

    Args:
        targets: an operator such as ``torch.ops.aten.mm``, or several.
        get_raw: whether the formula takes tensors, and the result as ``out_val``, instead of
            shapes and ``out_shape``.
    """

    def decorate(formula: Callable) -> Callable:
        counted = formula if get_raw else shape_wrapper(formula)
        for target in targets if isinstance(targets, (list, tuple)) else [targets]:
            if target in flop_registry:
                raise RuntimeError(f"duplicate registrations for {target}")
            flop_registry[target] = counted
        return formula

    return decorate


@register_flop_formula(aten.mm)
def mm_flop(a_shape: Any, b_shape: Any, *args: Any, out_shape: Any = None, **kwargs: Any) -> int:
    """Count a product of matrices: ``2 m n k``."""
    (rows, inner), (_, columns) = a_shape, b_shape
    return rows * columns * 2 * inner


@register_flop_formula(aten.addmm)
def addmm_flop(
    self_shape: Any, a_shape: Any, b_shape: Any, out_shape: Any = None, **kwargs: Any
) -> int:
    """Count a product of matrices that is added to something."""
    return mm_flop(a_shape, b_shape)


@register_flop_formula(aten.bmm)
def bmm_flop(a_shape: Any, b_shape: Any, out_shape: Any = None, **kwargs: Any) -> int:
    """Count a batch of products of matrices."""
    return a_shape[0] * mm_flop(a_shape[1:], b_shape[1:])


@register_flop_formula(aten.baddbmm)
def baddbmm_flop(
    self_shape: Any, a_shape: Any, b_shape: Any, out_shape: Any = None, **kwargs: Any
) -> int:
    """Count a batch of products of matrices that is added to something."""
    return bmm_flop(a_shape, b_shape)


def conv_flop_count(
    x_shape: list[int], w_shape: list[int], out_shape: list[int], transposed: bool = False
) -> int:
    """Count a convolution: two for each element of the filter and each place.

    Args:
        x_shape, w_shape, out_shape: of the input, the filter and the result.
        transposed: whether the filter is laid over the places of the result, not of the input.
    """
    out_channels, in_channels, *filter_size = w_shape
    places = (x_shape if transposed else out_shape)[2:]
    per_place = math.prod(filter_size) * out_channels * in_channels * 2
    return math.prod(places) * per_place * x_shape[0]


@register_flop_formula(aten.convolution)
def conv_flop(
    x_shape: Any, w_shape: Any, _bias: Any, _stride: Any, _padding: Any, _dilation: Any,
    transposed: bool, *args: Any, out_shape: Any = None, **kwargs: Any,
) -> int:  # fmt: skip
    """Count a convolution."""
    return conv_flop_count(x_shape, w_shape, out_shape, transposed=transposed)


def _swapped(shape: Sequence[int]) -> list[int]:
    return [shape[1], shape[0], *shape[2:]]


@register_flop_formula(aten.convolution_backward)
def conv_backward_flop(
    grad_out_shape: Any, x_shape: Any, w_shape: Any, _bias: Any, _stride: Any, _padding: Any,
    _dilation: Any, transposed: bool, _output_padding: Any, _groups: Any, output_mask: Any,
    out_shape: Any = None, **kwargs: Any,
) -> int:  # fmt: skip
    """Count the gradients of a convolution: of the input a convolution with the filter, of the
    filter one of the input with the gradient of the result."""
    count = 0
    if output_mask[0]:
        count += conv_flop_count(grad_out_shape, w_shape, x_shape, not transposed)
    if output_mask[1]:
        pair = (grad_out_shape, x_shape) if transposed else (x_shape, grad_out_shape)
        first, second = (_swapped(shape) for shape in pair)
        count += conv_flop_count(first, second, _swapped(w_shape), transposed=False)
    return count


def sdpa_flop_count(query_shape: Any, key_shape: Any, value_shape: Any) -> int:
    """Count attention: the products of queries and keys, and of weights and values."""
    batch, heads, queries, width = query_shape
    keys, value_width = key_shape[-2], value_shape[-1]
    scores = bmm_flop((batch * heads, queries, width), (batch * heads, width, keys))
    return scores + bmm_flop((batch * heads, queries, keys), (batch * heads, keys, value_width))


def sdpa_backward_flop_count(
    grad_out_shape: Any, query_shape: Any, key_shape: Any, value_shape: Any
) -> int:
    """Count the gradient of attention: five products, the scores among them once more."""
    batch, heads, queries, width = query_shape
    keys, value_width = key_shape[-2], value_shape[-1]
    scores = bmm_flop((batch * heads, queries, width), (batch * heads, width, keys))
    values = bmm_flop((batch * heads, queries, value_width), (batch * heads, value_width, keys))
    return 3 * scores + 2 * values


_SUFFIXES = ("", "K", "M", "B", "T")


def get_suffix_str(number: int) -> str:
    """Return the suffix under which a number has three to five digits."""
    place = max(0, min(len(_SUFFIXES) - 1, (len(str(number)) - 2) // 3))
    return _SUFFIXES[place]


def convert_num_with_suffix(number: int, suffix: str) -> str:
    """Return a number in thousands, millions and so on."""
    place = _SUFFIXES.index(suffix)
    return f"{number / 1000**place:.3f}{suffix}" if place else str(number)


def convert_to_percent_str(num: int, denom: int) -> str:
    """Return a share in percent."""
    return f"{num / denom:.2%}" if denom else "0%"


def _table(rows: list[tuple[str, str, str]]) -> str:
    """Return rows below a header, the first column to the left and the others to the right."""
    header = ("Module", "FLOP", "% Total")
    widths = [
        max([len(name) + 2, *[len(row[place]) for row in rows]])
        for place, name in enumerate(header)
    ]

    def line(cells: tuple[str, str, str]) -> str:
        return "  ".join(
            [cells[0].ljust(widths[0]), *[c.rjust(w) for c, w in zip(cells[1:], widths[1:])]]
        )

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(header), rule, *map(line, rows)])


class FlopCounterMode(TorchDispatchMode):
    """Counts floating point operations while it is active, by module and by operator.

    Args:
        mods: no longer of use.
        depth: how many levels of modules the table shows.
        display: whether the table is printed at the end.
        custom_mapping: formulas of other operators, over shapes.
    """

    def __init__(
        self,
        mods: Any = None,
        depth: int = 2,
        display: bool = True,
        custom_mapping: dict[Any, Any] | None = None,
    ):
        super().__init__()
        if mods is not None:
            warnings.warn(
                "mods argument is not needed anymore, you can stop passing it", stacklevel=2
            )
        self.depth, self.display = depth, display
        given = (custom_mapping or {}).items()
        self.flop_registry = {
            **flop_registry,
            **{k: v if getattr(v, "_get_raw", False) else shape_wrapper(v) for k, v in given},
        }
        self.flop_counts: dict[str, dict[Any, int]] = defaultdict(lambda: defaultdict(int))
        self.mod_tracker = ModuleTracker()
        self._active = False

    def get_total_flops(self) -> int:
        """Return how many were counted."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self) -> dict[str, dict[Any, int]]:
        """Return the counts by module and operator."""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """Return the counts as a table.

        Args:
            depth: how many levels of modules it shows.
        """
        levels = self.depth if depth is None else depth
        total = self.get_total_flops()
        suffix = get_suffix_str(total)
        names = sorted(name for name in self.flop_counts if name.count(".") + 1 <= levels)
        whole = any(
            sum(self.flop_counts[name].values()) >= total for name in names if name != "Global"
        )
        names.remove("Global")
        shown = names if whole else ["Global", *names]

        def row(name: str, count: int) -> tuple[str, str, str]:
            share = convert_to_percent_str(count, total)
            return name, convert_num_with_suffix(count, suffix), share

        rows = []
        for name in shown:
            counts = self.flop_counts[name]
            rows.append(row(name, sum(counts.values())))
            rows += [row(f"- {operator}", count) for operator, count in counts.items()]
        return _table(rows)

    def __enter__(self) -> Any:
        self.flop_counts.clear()
        self._active = True
        self.mod_tracker.__enter__()
        return super().__enter__()

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        self.mod_tracker.__exit__(*exception)
        self._active = False
        if self.display:
            print(self.get_table(self.depth))

    def __torch_dispatch__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if running.formula:
            return result  # counted when its gradient arrived
        operator = func.overloadpacket  # type: ignore[attr-defined]
        parents = set(self.mod_tracker.parents)
        if operator in self.flop_registry:
            count = self.flop_registry[operator](*args, **kwargs, out_val=result)
            self._add(operator, count, parents)
        backward = _BACKWARD.get(operator)
        if backward is not None and torch.is_grad_enabled() and result.requires_grad:
            backward(self, args, parents, result)
        return result

    def _add(self, operator: Any, count: int, parents: set[str]) -> None:
        for parent in parents:
            self.flop_counts[parent][operator] += count

    def _at_backward(self, result: Any, operator: Any, count: int, parents: set[str]) -> None:
        """Count an operator of the backward pass, when it comes to a result."""

        def arrived(gradient: Any) -> None:
            if self._active:
                self._add(operator, count, parents)

        if count:
            result.register_hook(arrived)


def _products(operator: Any, of_forward: Callable, first: int) -> Callable:
    """Return what the gradient of a product adds: one product for each differentiable factor."""

    def backward(mode: FlopCounterMode, args: tuple, parents: set[str], result: Any) -> None:
        factors = args[first : first + 2]
        count = of_forward(*map(get_shape, factors)) * sum(f.requires_grad for f in factors)
        mode._at_backward(result, operator, count, parents)

    return backward


def _convolution(mode: FlopCounterMode, args: tuple, parents: set[str], result: Any) -> None:
    image, weight = args[:2]
    mask = [image.requires_grad, weight.requires_grad]
    shapes = [get_shape(each) for each in (result, image, weight)]
    count = conv_backward_flop(*shapes, None, *args[3:6], args[6], args[7], args[8], mask)
    mode._at_backward(result, aten.convolution_backward, count, parents)


_BACKWARD: dict[Any, Callable] = {
    aten.mm: _products(aten.mm, mm_flop, 0),
    aten.addmm: _products(aten.mm, mm_flop, 1),
    aten.bmm: _products(aten.bmm, bmm_flop, 0),
    aten.baddbmm: _products(aten.bmm, bmm_flop, 1),
    aten.convolution: _convolution,
}
