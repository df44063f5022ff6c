"""``rearrange``: permute, split, merge and add dimensions that a pattern names."""

from __future__ import annotations

import keyword
import math
import warnings
from collections.abc import Iterator
from typing import Any

from ..ops.shape.joining import stack

#: Stands for what ``...`` does, in a side and among the names.
_DOTS = "\N{HORIZONTAL ELLIPSIS}"

#: A dimension of a side: the names that it is composed of; none of a dimension of size 1.
_Group = tuple[str, ...]
#: The dimensions of dots that stand in no parentheses.
_ALONE: _Group = (_DOTS, _DOTS)


class DimensionBindError(Exception):
    """The sizes of named dimensions do not fit those of the tensor."""

    __module__ = "functorch.dim"


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Rearrange dimensions by a pattern of names: ``"b (h s) c -> b s (h c)"``.

    Both sides name the same dimensions. Those in parentheses are one dimension, the first varying
    slowest; ``...`` stands for any number of dimensions, ``1`` or ``()`` for one of size 1.

    Args:
        tensor: a tensor, or a list or tuple of tensors, which are stacked first.
        pattern: the names before and after.
        axes_lengths: sizes; of each group of the left side, at most one may be left out.
    Returns:
        Tensor with the dimensions of the right side; a view where one is possible.
    Raises:
        ValueError: the pattern is none, or has another number of dimensions than the tensor.
        DimensionBindError: the sizes do not fit.
    """
    if not hasattr(tensor, "shape"):
        tensor = stack.call(tensor)
    left, right = _sides(pattern)
    _check_names(pattern, left, right, axes_lengths)
    count = tensor.dim()
    named = len(left) - (_ALONE in left)
    if _ALONE in left and count < named:
        raise ValueError(
            f"Number of dimensions in pattern ({named}) must be less than or equal to the number "
            f"of dimensions in the tensor ({count})"
        )
    if _ALONE not in left and count != named:
        raise ValueError(
            f"Number of dimensions in pattern ({named}) must be equal to the number of dimensions "
            f"in the tensor ({count})"
        )
    if count == 0:
        return tensor
    dotted = [f"{_DOTS}{place}" for place in range(count - named)]
    left, right = (_without_dots(side, dotted) for side in (left, right))
    for place in reversed([place for place, group in enumerate(left) if not group]):
        tensor = tensor.select(place, 0)
    left = [group for group in left if group]
    sizes = _sizes(left, tensor.shape, axes_lengths)
    names = [name for group in left for name in group]
    order = [names.index(name) for group in right for name in group]
    whole = tensor.reshape([sizes[name] for name in names]).permute(order)
    return whole.reshape([math.prod(sizes[name] for name in group) for group in right])


def _sides(pattern: str) -> tuple[list[_Group], list[_Group]]:
    if pattern.count("->") != 1:
        raise ValueError("Pattern must contain a single '->' separator")
    left, right = (_parsed(side) for side in pattern.split("->"))
    if any(_DOTS in group and group != _ALONE for group in left):
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    return left, right


def _parsed(side: str) -> list[_Group]:
    """Return the dimensions of one side of a pattern."""
    text = side
    if "." in side:
        if "..." not in side:
            raise ValueError("Expression may contain dots only inside ellipsis (...)")
        if side.count("...") != 1 or side.count(".") != 3:
            raise ValueError(
                "Expression may contain dots only inside ellipsis (...); only one ellipsis for "
                "tensor "
            )
        text = side.replace("...", f" {_DOTS} ")
    groups: list[_Group] = []
    inside: list[str] | None = None
    seen: set[str] = set()
    for word in _words(text):
        if word == "(":
            if inside is not None:
                raise ValueError(
                    "Axis composition is one-level (brackets inside brackets not allowed)"
                )
            inside = []
        elif word == ")":
            if inside is None:
                raise ValueError("Brackets are not balanced")
            groups.append(tuple(inside))
            inside = None
        else:
            names = _named(word)
            if seen.intersection(names):
                raise ValueError(f"Indexing expression contains duplicate dimension '{word}'")
            seen.update(names)
            if inside is None:
                groups.append(_ALONE if word == _DOTS else names)
            else:
                inside.extend(names)
    if inside is not None:
        raise ValueError(f"Imbalanced parentheses in expression: '{side}'")
    return groups


def _words(text: str) -> Iterator[str]:
    word = ""
    for letter in f"{text} ":
        if letter in "() ":
            if word:
                yield word
            if letter != " ":
                yield letter
            word = ""
        elif letter.isalnum() or letter in f"_{_DOTS}":
            word += letter
        else:
            raise ValueError(f"Unknown character '{letter}'")


def _named(word: str) -> _Group:
    """Return the names that a word stands for: none where it is a size of 1."""
    if word == _DOTS:
        return (word,)
    if word.isdecimal():
        if word != "1":
            raise ValueError("rearrange only supports unnamed axes of size 1")
        return ()
    reason = ""
    if not word.isidentifier():
        reason = "not a valid python identifier"
    elif word.startswith("_") or word.endswith("_"):
        reason = "axis name should should not start or end with underscore"
    if reason:
        raise ValueError(f"Invalid axis identifier: {word}\n{reason}")
    if keyword.iskeyword(word):
        warnings.warn(
            f"It is discouraged to use axes names that are keywords: {word}",
            RuntimeWarning,
            stacklevel=6,
        )
    return (word,)


def _check_names(
    pattern: str, left: list[_Group], right: list[_Group], axes_lengths: dict[str, int]
) -> None:
    known, wanted = ({name for group in side for name in group} for side in (left, right))
    if _DOTS in wanted and _DOTS not in known:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    if known != wanted:
        raise ValueError(
            "Identifiers only on one side of rearrange expression (should be on both): "
            f"{known ^ wanted}"
        )
    if unknown := set(axes_lengths) - known:
        raise ValueError(f"Identifiers not found in rearrange expression: {unknown}")
    for length in axes_lengths.values():
        if not isinstance(length, int):
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(length)}")


def _without_dots(side: list[_Group], dotted: list[str]) -> list[_Group]:
    """Return a side that names each dimension which the dots stand for."""
    found: list[_Group] = []
    for group in side:
        if group == _ALONE:
            found += [(name,) for name in dotted]
        elif _DOTS in group:
            at = group.index(_DOTS)
            found.append((*group[:at], *dotted, *group[at + 1 :]))
        else:
            found.append(group)
    return found


def _sizes(left: list[_Group], shape: Any, given: dict[str, int]) -> dict[str, int]:
    """Return the size of each name of the left side."""
    numbers = {name: f"d{at}" for at, name in enumerate(n for group in left for n in group)}
    sizes = dict(given)
    for group, size in zip(left, shape, strict=True):
        open_names = [name for name in group if name not in given]
        product = math.prod(given[name] for name in group if name in given)
        if len(open_names) > 1:
            first, second = (numbers[name] for name in open_names[:2])
            raise DimensionBindError(
                f"cannot infer the sizes of two dimensions at once {first} and {second}"
            )
        if not open_names:
            if product != size:
                pack = ", ".join(numbers[name] for name in group) + "," * (len(group) == 1)
                raise DimensionBindError(
                    f"Dimension sizes to do not match ({size} != {product}) when matching "
                    f"dimension pack ({pack})"
                )
        elif product == 0 or size % product:
            shown = tuple([given.get(name, "?") for name in group])
            raise DimensionBindError(
                f"inferred dimension does not evenly fit into larger dimension: {size} vs {shown}"
            )
        else:
            sizes[open_names[0]] = size // product
    return sizes


rearrange.__module__ = "torch.func"
