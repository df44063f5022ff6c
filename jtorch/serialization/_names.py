"""Which object a name in a file means, and under which name an object is written.

Files name PyTorch's modules, whatever library wrote them.
"""

from __future__ import annotations

import importlib
from collections import Counter, OrderedDict
from typing import Any

from .._core import dtypes
from .._core.device import Device
from .._core.size import Size
from .._launch.pytorch_names import pytorch_name
from . import _adapter, _rebuild
from ._storage import DTYPE_OF_CLASS, StorageType

_STORAGE_MODULES = ("torch", "torch.cuda", "torch.storage")
#: Dtypes that PyTorch names and JAX arrays do not have.
_FOREIGN_DTYPES = (
    "complex32", "qint8", "qint32", "quint8", "quint4x2", "quint2x4", "bits8", "bits16",
    "bits1x8", "bits2x4", "bits4x2", "float4_e2m1fn_x2",
    *(f"uint{n}" for n in range(1, 8)), *(f"int{n}" for n in range(1, 8)),
)  # fmt: skip
_QSCHEMES = (
    "per_tensor_affine", "per_tensor_symmetric", "per_channel_affine", "per_channel_symmetric",
    "per_channel_affine_float_qparams",
)  # fmt: skip
_TENSOR_CLASSES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte",
                   "Bool")  # fmt: skip


class Foreign:
    """A value that PyTorch has and this library has not; it may be read, not used.

    Args:
        name: as PyTorch prints it.
    """

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return self._name


def _storage_types() -> dict[str, StorageType]:
    table = {}
    for name in DTYPE_OF_CLASS:
        storage_type = StorageType(name)
        table[f"torch.{name}"] = table[f"torch.cuda.{name}"] = storage_type
    table["torch.storage.UntypedStorage"] = table["torch.UntypedStorage"] = StorageType(
        "UntypedStorage"
    )
    table["torch.storage.TypedStorage"] = StorageType("TypedStorage")
    return table


#: Storage classes by the names that files use.
STORAGE_TYPES = _storage_types()

#: What ``torch`` names and is not found in a module of this library under the same name.
_SPECIAL: dict[str, Any] = {
    "torch.serialization._get_layout": _rebuild._get_layout,
    "torch._tensor._rebuild_from_type_v2": _rebuild._rebuild_from_type_v2,
    **{f"torch._utils.{name}": function for name, function in _rebuild.FUNCTIONS.items()},
}


def default_globals() -> dict[str, Any]:
    """Return what a file may name when only weights are allowed, by PyTorch's full names."""
    import _codecs

    table: dict[str, Any] = {
        "collections.OrderedDict": OrderedDict,
        "collections.Counter": Counter,
        "torch.nn.parameter.Parameter": _adapter.parameter_type(),
        "torch.Size": Size,
        "torch.Tensor": _adapter.tensor_type(),
        "torch.device": Device,
        "_codecs.encode": _codecs.encode,
        "builtins.bytearray": bytearray,
        "builtins.set": set,
        "builtins.complex": complex,
        **STORAGE_TYPES,
        **_SPECIAL,
    }
    table.update((f"torch.{dtype._name}", dtype) for dtype in dtypes.ALL)
    table.update((f"torch.{name}", Foreign(f"torch.{name}")) for name in _FOREIGN_DTYPES)
    table.update((f"torch.{name}", Foreign(f"torch.{name}")) for name in _QSCHEMES)
    for module in ("torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse"):
        for kind in _TENSOR_CLASSES:
            path = f"{module}.{kind}Tensor"
            table[path] = Foreign(path)
    return table


def resolve(module: str, name: str) -> Any:
    """Return this library's object for one of PyTorch's names.

    Args:
        module: such as ``"torch.nn.modules.linear"``.
        name: such as ``"Linear"``; dots lead into classes.
    Raises:
        AttributeError: if there is no such object.
    """
    # Files of PyTorch 1.x may name the module before it was renamed.
    module = "torch._tensor" if module == "torch.tensor" else module
    path = f"{module}.{name}"
    if path in _SPECIAL:
        return _SPECIAL[path]
    if module in _STORAGE_MODULES and path in STORAGE_TYPES:
        return STORAGE_TYPES[path]
    if module == "torch" and name in dtypes.BY_NAME:
        return dtypes.BY_NAME[name]
    if path == "torch.nn.parameter.Parameter":
        return _adapter.parameter_type()
    # PyTorch keeps a class in a module of its own and shows it in the package above.
    parts = module.split(".")
    for length in range(len(parts), min(len(parts), 2) - 1, -1):
        try:
            found: Any = importlib.import_module(".".join([_PACKAGE, *parts[1:length]]))
        except ModuleNotFoundError:
            continue
        try:
            for step in name.split("."):
                found = getattr(found, step)
        except AttributeError:
            continue
        return found
    raise AttributeError(f"the file names {path}, which jtorch does not have")


_PACKAGE = __name__.partition(".")[0]


def written_name(obj: Any, name: str) -> tuple[str, str] | None:
    """Return the module and the name under which PyTorch knows a class or a function of ours.

    Args:
        obj: the class or function.
        name: its qualified name.
    Returns:
        ``None`` for what does not belong to this library.
    """
    for path, special in _SPECIAL.items():
        if special is obj:
            return tuple(path.rpartition(".")[::2])  # type: ignore[return-value]
    module = getattr(obj, "__module__", None)
    if not isinstance(module, str):
        return None
    package = module.partition(".")[0]
    if package not in ("torch", _PACKAGE):
        return None
    written = pytorch_name(module, name) if package == _PACKAGE else (module, name)
    try:
        return written if resolve(*written) is obj else None
    except AttributeError:
        return None
