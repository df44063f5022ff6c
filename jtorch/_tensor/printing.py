"""How a tensor prints: PyTorch's characters, made by NumPy from an array that is on the host.

The rules were observed in PyTorch 2.13.  One format (fixed point, whole numbers, or scientific)
is chosen for all elements of a tensor; it, and the width that they are padded to, follow from the
elements that are shown, and of those only from the finite ones that are not zero.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Any

import numpy as np

from .._core.dtypes import (
    COMPLEX,
    FLOATING,
    bool_,
    complex64,
    complex128,
    dtype,
    float8_e8m0fnu,
    float32,
    float64,
    int64,
)

#: Scientific notation is used beyond these magnitudes, or where the largest is this many times
#: the smallest.
_SCI_ABOVE, _SCI_BELOW, _SCI_RATIO = 1.0e8, 1.0e-4, 1000.0

#: float8_e8m0fnu has no zero.  Asked which elements are zero, PyTorch 2.13 converts 0 to that
#: dtype, which gives its smallest number; and it takes the dtype's NaN for a finite number.
_E8M0_ZERO = 2.0**-127


@dataclasses.dataclass
class _PrintOptions:
    """What ``set_printoptions`` sets; PyTorch keeps one for the process."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PRINT_OPTS = _PrintOptions()

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print from now on.

    Args:
        precision: digits after the decimal point.
        threshold: number of elements above which only the edges are shown.
        edgeitems: elements shown at each end of a dimension that is cut.
        linewidth: characters of a line; a line of one element may be longer.
        profile: ``"default"``, ``"short"`` or ``"full"``: values for all of the above, which they
            then override.  An unknown name is ignored, as PyTorch ignores it.
        sci_mode: whether to use scientific notation; ``None`` decides for each tensor.  A call
            that does not name it resets it to ``None``.
    """
    for name, values in _PROFILES.items():
        if profile == name:
            for option, value in values.items():
                setattr(PRINT_OPTS, option, value)
    if precision is not None:
        PRINT_OPTS.precision = precision
    if threshold is not None:
        PRINT_OPTS.threshold = threshold
    if edgeitems is not None:
        PRINT_OPTS.edgeitems = edgeitems
    if linewidth is not None:
        PRINT_OPTS.linewidth = linewidth
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the current options, as keyword arguments of ``set_printoptions``."""
    return dataclasses.asdict(PRINT_OPTS)


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Set the options within a ``with`` block.

    Args:
        options: as of ``set_printoptions``.
    """
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


def _float_strings(elements: np.ndarray, of: dtype) -> tuple[list[str], int]:
    """Return the strings of 1-d real floating-point elements, and the width to pad them to."""
    # float64 holds the elements of every smaller dtype exactly.
    with np.errstate(invalid="ignore"):  # a signalling NaN
        values = elements.astype(np.float64)
    numbers = values.tolist()
    if of is float8_e8m0fnu:
        counts = values != _E8M0_ZERO
    else:
        counts = np.isfinite(values) & (values != 0)
    deciding = values[counts]
    every = deciding.size == values.size
    if deciding.size == 0:
        return [f"{number:.0f}." if math.isfinite(number) else str(number) for number in numbers], 1

    sci_mode = PRINT_OPTS.sci_mode
    if sci_mode is None:
        magnitudes = np.abs(deciding)
        smallest, largest = float(magnitudes.min()), float(magnitudes.max())
        sci_mode = largest / smallest > _SCI_RATIO or largest > _SCI_ABOVE or smallest < _SCI_BELOW
    if sci_mode:
        template = f"{{:.{PRINT_OPTS.precision}e}}"
    elif (np.ceil(deciding) == deciding).all():
        template = "{:.0f}."
    else:
        template = f"{{:.{PRINT_OPTS.precision}f}}"
    strings = list(map(template.format, numbers))
    if template[-1] == "." and not every:
        # Infinities and NaN get no decimal point.
        strings = [string.rstrip(".") if string[-2] in "nf" else string for string in strings]
    width = max(map(len, strings if every else compress(strings, counts.tolist())))
    return strings, width


def _element_strings(array: np.ndarray, of: dtype) -> tuple[list[str], int]:
    """Return the padded strings of all elements, and the width that lines are filled by."""
    if of._kind == COMPLEX:
        flat = np.ravel(array)
        real, real_width = _float_strings(flat.real, of)
        imaginary, imaginary_width = _float_strings(flat.imag, of)
        strings = [
            f"{left:>{real_width}}{right}j" if right[0] == "-" else f"{left:>{real_width}}+{right}j"
            for left, right in zip(real, imaginary)
        ]
        # The imaginary part is not padded, yet PyTorch fills its lines as if it were.
        return strings, real_width + imaginary_width + 1
    if of._kind == FLOATING:
        strings, width = _float_strings(np.ravel(array), of)
    else:
        strings = list(map(str, np.ravel(array).tolist()))
        width = max(map(len, strings))
    return [string.rjust(width) for string in strings], width


def _edges(array: np.ndarray, edge: int) -> np.ndarray:
    """Return the elements that a summary shows: ``edge`` at each end of every long dimension."""
    for dim, size in enumerate(array.shape):
        if size > 2 * edge:
            front = (slice(None),) * dim
            ends = (array[(*front, slice(edge))], array[(*front, slice(-edge, None))])
            array = np.concatenate(ends, axis=dim)
    return array


class _Layout:
    """Puts the strings of the elements that are shown into lines and brackets."""

    def __init__(self, strings: Sequence[str], width: int, shape: tuple, cut: Sequence[bool]):
        self._strings = strings
        self._element_length = width + len(", ")
        self._shape = shape
        self._cut = cut
        self._next = 0

    def block(self, dim: int, indent: int) -> str:
        """Return the text of the next block, whose first dimension is ``dim``."""
        size = self._shape[dim]
        if dim == len(self._shape) - 1:
            return self._vector(size, self._cut[dim], indent)
        blocks = [self.block(dim + 1, indent + 1) for _ in range(size)]
        if self._cut[dim]:
            blocks.insert(size // 2, "...")
        newlines = "\n" * (len(self._shape) - dim - 1)
        return "[" + ("," + newlines + " " * (indent + 1)).join(blocks) + "]"

    def _vector(self, size: int, cut: bool, indent: int) -> str:
        items = list(self._strings[self._next : self._next + size])
        self._next += size
        if cut:
            items.insert(size // 2, " ...")
        per_line = max(1, math.floor((PRINT_OPTS.linewidth - indent) / self._element_length))
        if len(items) <= per_line:
            return "[" + ", ".join(items) + "]"
        lines = [
            ", ".join(items[start : start + per_line]) for start in range(0, len(items), per_line)
        ]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def format_elements(array: np.ndarray, of: dtype, indent: int) -> str:
    """Return the elements of a tensor, in brackets, as they stand inside ``tensor(...)``.

    Args:
        array: the elements on the host.
        of: dtype of the tensor.
        indent: the column that the text starts at; lines after the first are indented to it.
    Returns:
        The text, without prefix and suffixes.
    """
    if array.size == 0:
        return "[]"
    if array.ndim == 0:
        return _element_strings(array, of)[0][0]
    edge = PRINT_OPTS.edgeitems
    cut: Sequence[bool] = (False,) * array.ndim
    if array.size > PRINT_OPTS.threshold:
        if not edge:
            return "[...]"
        cut = [size > 2 * edge for size in array.shape]
        array = _edges(array, edge)
    strings, width = _element_strings(array, of)
    return _Layout(strings, width, array.shape, cut).block(0, indent)


def _with_suffixes(
    text: str, suffixes: Sequence[str], indent: int, on_new_line: bool = False
) -> str:
    parts = [text]
    # One more than the length where the text is one line: PyTorch counts so.
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if on_new_line or column + len(suffix) + 2 > PRINT_OPTS.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            column = indent + len(suffix)
            on_new_line = False
        else:
            parts.append(", " + suffix)
            column += len(suffix) + 2
    parts.append(")")
    return "".join(parts)


def _shows_device(device: str, default_device_type: str, current_device_index: int) -> bool:
    kind, _, index = device.partition(":")
    if kind != default_device_type:
        return True
    return kind == "cuda" and int(index or 0) != current_device_index


def is_shown_without_dtype(of: dtype, default_dtype: dtype) -> bool:
    """Tell whether elements alone tell a dtype: the default ones, int64 and bool."""
    default_complex = complex128 if default_dtype is float64 else complex64
    return of in (default_dtype, default_complex, int64, bool_)


def format_tensor(
    array: np.ndarray | None,
    *,
    dtype: dtype,
    shape: Sequence[int] | None = None,
    device: str = "cpu",
    default_dtype: dtype = float32,
    default_device_type: str = "cpu",
    current_device_index: int = 0,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    tangent: str | None = None,
    class_name: str = "tensor",
    is_parameter: bool = False,
    tensor_contents: str | None = None,
    indent: int | None = None,
) -> str:
    """Return what ``repr`` gives for a tensor.

    Args:
        array: the elements on the host, in NumPy's form of ``dtype``; ``None`` for a tensor
            without data (device ``meta``), whose ``shape`` must then be given.
        dtype: dtype of the tensor.
        shape: shape of the tensor, by default that of ``array``.
        device: where the tensor is; shown unless it is the default device.
        default_dtype: the default dtype, which is not shown.
        default_device_type: the type of the default *tensor type* (``torch.set_default_device``
            does not change what is shown).
        current_device_index: index of the current CUDA device.
        requires_grad: whether the tensor requires grad.
        grad_fn_name: name of the function that made it, ``None`` for a leaf; ``"Invalid"`` where
            asking for it raises.
        tangent: ``repr`` of the tangent of a dual number.
        class_name: ``"tensor"`` (or ``"Tensor"``) for a plain tensor, ``"Parameter"`` for a plain
            parameter, else the name of the subclass.
        is_parameter: whether it is a parameter, of the class ``class_name``.
        tensor_contents: text to show in the place of the elements.
        indent: the column of the lines after the first, by default the length of the prefix.
    Returns:
        PyTorch's text for it.
    """
    is_parameter = is_parameter or class_name == "Parameter"
    is_plain = class_name in ("tensor", "Tensor", "Parameter")
    prefix = "tensor(" if is_plain else f"{class_name}("
    if indent is None:
        indent = len(prefix)
    sizes = tuple(array.shape if shape is None else shape)  # type: ignore[union-attr]

    suffixes = []
    if _shows_device(device, default_device_type, current_device_index):
        suffixes.append(f"device='{device}'")
    if array is None or 0 in sizes:
        # There is no element that a dtype could be told from: the default one alone is not shown.
        if array is None or len(sizes) != 1:
            suffixes.append(f"size={sizes}")
        if dtype is not default_dtype:
            suffixes.append(f"dtype={dtype!r}")
    else:
        if not PRINT_OPTS.edgeitems:
            suffixes.append(f"size={sizes}")
        if not is_shown_without_dtype(dtype, default_dtype):
            suffixes.append(f"dtype={dtype!r}")
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")

    if tensor_contents is None:
        tensor_contents = "..." if array is None else format_elements(array, dtype, indent)
    text = _with_suffixes(prefix + tensor_contents, suffixes, indent)
    if is_parameter:
        return f"Parameter containing:\n{text if is_plain else f'Parameter({text})'}"
    return text


def _indented(text: str) -> str:
    """Return ``text`` with its lines four columns further right, but for blank ones."""
    return "\n".join("    " + line if line.strip() else line for line in text.split("\n"))


def format_batched(value: str, level: int, batch_dim: int) -> str:
    """Return what a tensor inside ``vmap`` prints.

    Args:
        value: ``repr`` of the tensor with its batch dimension.
        level: how many transforms deep it is, from one.
        batch_dim: the dimension that is mapped over.
    """
    return f"BatchedTensor(lvl={level}, bdim={batch_dim}, value=\n{_indented(value)}\n)"


def format_grad_tracking(value: str, level: int) -> str:
    """Return what a tensor inside ``torch.func.grad`` and related transforms prints.

    Args:
        value: ``repr`` of the tensor inside.
        level: how many transforms deep it is, from one.
    """
    return f"GradTrackingTensor(lvl={level}, value=\n{_indented(value)}\n)"
