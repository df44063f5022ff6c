"""``torch.ops.NAMESPACE``: operators that programs define, by namespace."""

from __future__ import annotations

import importlib
import os
from typing import Any, NoReturn


class OpNamespace:
    """The operators of one namespace, as attributes.

    Args:
        name: of the namespace.
    """

    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, op_name: str) -> NoReturn:
        raise AttributeError(f"'_OpNamespace' '{self.name}' object has no attribute '{op_name}'")

    def __repr__(self) -> str:
        return f"<module 'torch.ops.{self.name}'>"


NAMESPACES: dict[str, OpNamespace] = {}
#: Extensions by where they lie, and the module that has their operators.
_EXTENSIONS = {
    "torchvision/_C": "_custom_operators.vision",
    "torchaudio/lib/_torchaudio": "_custom_operators.audio",
    "torchaudio/lib/libtorchaudio": "_custom_operators.audio",
}
#: Paths of extensions that were asked for.
loaded_libraries: set[str] = set()


def namespace(name: str) -> OpNamespace:
    """Return a namespace, made where it is new."""
    return NAMESPACES.setdefault(name, OpNamespace(name))


def load_library(path: Any) -> None:
    """Load an extension that jtorch has the operators of; refuse others.

    Compiled ones are written for PyTorch's own memory, and none is loaded.

    Args:
        path: of a shared library.
    Raises:
        OSError: the extension is another one; PyTorch's words for a library that cannot be loaded.
    """
    real = os.path.realpath(path)
    folder, file = os.path.split(real)
    place = os.path.join(folder, file.partition(".")[0]).replace(os.sep, "/")
    module = next((_EXTENSIONS[end] for end in _EXTENSIONS if place.endswith(f"/{end}")), None)
    if module is None or not os.path.exists(real):
        raise OSError(f"Could not load this library: {real}")
    if real not in loaded_libraries:
        importlib.import_module(f"{__name__.partition('.')[0]}.{module}").define()
        loaded_libraries.add(real)
