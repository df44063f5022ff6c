"""Calls with their operands and PyTorch's answers, kept in one file of NumPy: ``golden/*.npz``.

A file holds one vector of elements for each dtype and a text of JSON, in which a tensor is
``{"tensor": [dtype, shape, first element, requires_grad]}``. Other values that JSON lacks are
written in the same way; what a file cannot hold is refused when it is recorded.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

#: NumPy has no such dtype: how the bits travel.
AS_BITS = {"bfloat16": "int16"}


class UnrecordableError(Exception):
    """A value that a file of cases cannot hold."""


class Writer:
    """Collects cases and writes them to one file.

    Args:
        library: PyTorch, whose values the cases hold.
    """

    def __init__(self, library: Any):
        self._library = library
        self._vectors: dict[str, list[np.ndarray]] = {}
        self._lengths: dict[str, int] = {}
        self.cases: list[dict[str, Any]] = []

    def encoded(self, value: Any) -> Any:
        """Return a value as JSON has it, with the elements of its tensors put away.

        Raises:
            UnrecordableError: it holds what a file cannot.
        """
        library = self._library
        if isinstance(value, library.Tensor):
            return {"tensor": self._put_away(value)}
        if value is None or isinstance(value, bool | int | str | float):
            return value
        if isinstance(value, complex):
            return {"complex": [value.real, value.imag]}
        if isinstance(value, library.dtype | library.memory_format | library.layout):
            return {"constant": str(value).removeprefix("torch.")}
        if isinstance(value, slice):
            return {"slice": [self.encoded(each) for each in (value.start, value.stop, value.step)]}
        if isinstance(value, list):
            return [self.encoded(each) for each in value]
        if isinstance(value, tuple):
            return {"tuple": [self.encoded(each) for each in value]}
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {"dict": {key: self.encoded(each) for key, each in value.items()}}
        if value is Ellipsis:
            return {"ellipsis": True}
        raise UnrecordableError(f"a {type(value).__name__}")

    def _put_away(self, tensor: Any) -> list[Any]:
        if str(tensor.layout) != "torch.strided" or tensor.is_quantized:
            raise UnrecordableError(f"a tensor with layout {tensor.layout}")
        name = str(tensor.dtype).removeprefix("torch.")
        plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
        if name in AS_BITS:
            plain = plain.view(getattr(self._library, AS_BITS[name]))
        try:
            array = plain.numpy().reshape(-1).copy()
        except TypeError:
            raise UnrecordableError(f"a tensor of {name}") from None
        first = self._lengths.get(name, 0)
        self._vectors.setdefault(name, []).append(array)
        self._lengths[name] = first + array.size
        return [name, list(tensor.shape), first, tensor.requires_grad]

    def write(self, path: Path) -> None:
        """Write what was collected."""
        vectors = {name: np.concatenate(parts) for name, parts in self._vectors.items()}
        text = json.dumps(self.cases, separators=(",", ":"))
        np.savez_compressed(path, cases=np.frombuffer(text.encode(), np.uint8), **vectors)


class Reader:
    """The cases of one file.

    Attributes:
        cases: what ``Writer`` was given, tensors still encoded.
    """

    def __init__(self, path: Path):
        with np.load(path) as stored:
            self.vectors = {name: stored[name] for name in stored.files if name != "cases"}
            self.cases: list[dict[str, Any]] = json.loads(stored["cases"].tobytes())

    def array(self, described: list[Any]) -> np.ndarray:
        """Return the elements of a tensor; those of a dtype that NumPy lacks as their bits."""
        name, shape, first, _ = described
        return self.vectors[name][first : first + math.prod(shape)].reshape(shape)

    def decoded(self, value: Any, torch: Any, device: Any) -> Any:
        """Return a value of a library with its tensors, leaves of their own, on a device."""
        if isinstance(value, list):
            return [self.decoded(each, torch, device) for each in value]
        if not isinstance(value, dict):
            return value
        ((kind, content),) = value.items()
        if kind == "tensor":
            return self._tensor(content, torch, device)
        if kind == "complex":
            return complex(*content)
        if kind == "constant":
            return getattr(torch, content)
        if kind == "ellipsis":
            return Ellipsis
        if kind == "dict":
            return {key: self.decoded(each, torch, device) for key, each in content.items()}
        items = [self.decoded(each, torch, device) for each in content]
        return slice(*items) if kind == "slice" else tuple(items)

    def _tensor(self, described: list[Any], torch: Any, device: Any) -> Any:
        name, _, _, requires_grad = described
        made = torch.from_numpy(self.array(described).copy())
        if name in AS_BITS:
            made = made.view(getattr(torch, name))
        return made.to(device).requires_grad_(requires_grad)


def cotangent(number: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return what the gradient of the ``number``-th result of a case begins with, in float64."""
    return np.cos(np.arange(1 + number, 1 + number + math.prod(shape))).reshape(shape)


def tensors_of(value: Any, torch: Any) -> list[Any]:
    """Return the tensors in a value, in order, those in containers too."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for each in value for tensor in tensors_of(each, torch)]
    return []
