"""``import torch`` that gives jtorch, for as long as it is wanted.

While the hook is installed, ``torch`` and every ``torch.x.y`` are the same module objects as
``jtorch`` and ``jtorch.x.y``, ``functorch`` is one of jtorch's, too, and ``importlib.metadata``
knows a distribution ``torch``. A PyTorch
that is merely installed on the disk is not touched and not imported.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

from .._version import TORCH_VERSION
from .pytorch_names import name_as_ours, name_as_pytorch

_OURS = __name__.partition(".")[0]
_THEIRS = "torch"
#: A package that PyTorch brings beside its own, and the module that has its names here.
_FUNCTORCH, _OLDER_NAMES = "functorch", f"{_OURS}.func._functorch"
_ABSENT = object()


def _real_name(name: str) -> str:
    if name == _FUNCTORCH:
        return _OLDER_NAMES
    return _OURS + name[len(_THEIRS) :]


class _AliasLoader:
    """Loads ``torch.x`` by importing ``jtorch.x`` and handing over that very module."""

    def __init__(self, real: str, spec: ModuleSpec):
        self._real = real
        self._real_spec = spec
        self._own_spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._real)
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just marked the module as torch's; its relative imports need its
        # own spec back.
        module.__spec__ = self._own_spec
        _alias_loaded_modules()

    # What runpy and the like ask a loader for:
    def get_code(self, name: str) -> CodeType | None:
        return self._real_spec.loader.get_code(self._real)  # type: ignore[union-attr]

    def get_source(self, name: str) -> str | None:
        return self._real_spec.loader.get_source(self._real)  # type: ignore[union-attr]

    def get_filename(self, name: str) -> str:
        return self._real_spec.loader.get_filename(self._real)  # type: ignore[union-attr]

    def is_package(self, name: str) -> bool:
        return self._real_spec.submodule_search_locations is not None


class _TorchFinder:
    """Finds ``torch`` and its submodules among jtorch's, and the metadata of ``torch``."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in (_THEIRS, _FUNCTORCH) and not name.startswith(_THEIRS + "."):
            return None
        real = _real_name(name)
        spec = _find_spec(real)
        if spec is None:
            # Whoever is asked next looks where jtorch lies, and does not find it either.
            return None
        alias = ModuleSpec(
            name,
            _AliasLoader(real, spec),  # type: ignore[arg-type]
            origin=spec.origin,
            is_package=spec.submodule_search_locations is not None,
        )
        if spec.submodule_search_locations is not None:
            alias.submodule_search_locations = list(spec.submodule_search_locations)
        return alias

    def find_distributions(self, context: Any = None) -> Iterable[Any]:
        name = getattr(context, "name", None)
        if name is None or re.sub(r"[-_.]+", "-", name).lower() == _THEIRS:
            yield _distribution()


def _find_spec(name: str) -> ModuleSpec | None:
    module = sys.modules.get(name)
    if module is not None and module.__spec__ is not None:
        return module.__spec__
    if module is not None:  # made by hand, and registered under its name
        return ModuleSpec(name, None, is_package=hasattr(module, "__path__"))
    parent = name.rpartition(".")[0]
    path = None
    if parent:
        path = getattr(importlib.import_module(parent), "__path__", None)
        if path is None:
            return None
    for finder in sys.meta_path:
        if not isinstance(finder, (_TorchFinder, _DistutilsFinder)):
            spec = finder.find_spec(name, path)
            if spec is not None:
                return spec
    return None


def _distribution() -> Any:
    """Return the distribution that ``importlib.metadata`` shows for torch.

    The class is made here because importing ``importlib.metadata`` takes longer than everything
    else in this module; whoever asks for a distribution has it already.
    """
    from importlib.metadata import Distribution

    class TorchDistribution(Distribution):
        """jtorch, presented as the distribution ``torch``."""

        def read_text(self, filename: str) -> str | None:
            if filename in ("METADATA", "PKG-INFO"):
                return (
                    f"Metadata-Version: 2.1\nName: {_THEIRS}\nVersion: {TORCH_VERSION}\n"
                    "Summary: PyTorch's public face over JAX, given by jtorch.\n"
                )
            return f"{_THEIRS}\n" if filename == "top_level.txt" else None

        def locate_file(self, path: Any) -> Any:
            import pathlib

            return pathlib.Path(__file__).parents[2] / path

        @property
        def requires(self) -> list[str]:
            return []

        @property
        def files(self) -> list[Any]:
            return []

    return TorchDistribution()


class _DistutilsFinder:
    """Finds ``distutils.version`` where nothing else does, as after Python 3.11."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name == "distutils":
            return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        if name == "distutils.version" and isinstance(
            getattr(sys.modules.get("distutils"), "__loader__", None), _DistutilsFinder
        ):
            return ModuleSpec(name, self)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "distutils.version":
            from .distutils import LooseVersion

            module.LooseVersion = LooseVersion  # type: ignore[attr-defined]


_finder = _TorchFinder()
_fallback = _DistutilsFinder()
_blocked = False
#: What has PyTorch's names while the hook is installed, and the modules that were looked through.
_renamed: list[tuple[Any, str, str]] = []
_named: set[str] = set()


def _is_installed() -> bool:
    return any(finder is _finder for finder in sys.meta_path)


def _is_loading(module: ModuleType) -> bool:
    """Tell whether a module's code still runs, so that some of its classes may be to come."""
    return getattr(getattr(module, "__spec__", None), "_initializing", False)


def _alias_loaded_modules() -> None:
    for name, module in list(sys.modules.items()):
        if name == _OURS or name.startswith(_OURS + "."):
            alias = _THEIRS + name[len(_OURS) :]
            if sys.modules.get(alias) is not module:
                sys.modules[alias] = module
                _named.discard(name)
            if name not in _named and not _is_loading(module):
                _named.add(name)
                _renamed.extend(name_as_pytorch(module))
    sys.modules[_OURS].__name__ = _THEIRS  # which libraries compare (pyro does)


def _refuse_a_loaded_torch() -> None:
    for name in (_THEIRS, f"{_THEIRS}._C"):
        module = sys.modules.get(name)
        if module is not None and module is not sys.modules.get(_real_name(name)):
            where = getattr(module, "__file__", None) or "an unknown place"
            raise ImportError(
                f"PyTorch is already imported in this process (from {where}): start Python again "
                "and install jtorch's hook before anything imports torch.",
                name=_THEIRS,
            )


def install() -> None:
    """Make ``import torch`` give jtorch in this process.

    Installing twice is the same as once.

    Raises:
        ImportError: PyTorch itself is already imported.
    """
    _install()
    # Libraries that look for "torch" in sys.modules, as einops does, are to find it.
    _alias_loaded_modules()


def _install() -> None:
    """Register the finders, and leave ``sys.modules`` alone until the user imports torch."""
    global _blocked
    if _is_installed():
        return
    _refuse_a_loaded_torch()
    # A None there says "do not import", which would win over every finder.
    _blocked = sys.modules.get(_THEIRS, _ABSENT) is None
    if _blocked:
        del sys.modules[_THEIRS]
    sys.meta_path.insert(0, _finder)  # type: ignore[arg-type]
    sys.meta_path.append(_fallback)  # type: ignore[arg-type]
    warn_of_namesake()


def uninstall() -> None:
    """Undo ``install``: the next ``import torch`` is Python's own affair again.

    Names that are already bound keep what they are bound to.
    """
    if not _is_installed():
        return
    sys.meta_path[:] = [f for f in sys.meta_path if f is not _finder and f is not _fallback]
    sys.modules[_OURS].__name__ = _OURS
    name_as_ours(_renamed)
    _renamed.clear()
    _named.clear()
    for name, module in list(sys.modules.items()):
        if name in (_THEIRS, _FUNCTORCH) or name.startswith(_THEIRS + "."):
            if module is sys.modules.get(_real_name(name)):
                del sys.modules[name]
        elif name.partition(".")[0] == "distutils" and isinstance(
            getattr(module, "__loader__", None), _DistutilsFinder
        ):
            del sys.modules[name]
    if _blocked:
        sys.modules[_THEIRS] = None  # type: ignore[assignment]


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Install the hook for the length of a ``with`` block.

    Example:
        >>> import sys
        >>> import jtorch
        >>> with jtorch.installed():
        ...     import torch
        >>> torch is jtorch, "torch" in sys.modules
        (True, False)

    Raises:
        ImportError: PyTorch itself is already imported.
    """
    before = _is_installed()
    install()
    try:
        yield
    finally:
        if not before:
            uninstall()


def find_namesake() -> str | None:
    """Return the file name of the metadata of PyPI's ``jtorch`` where that is installed.

    That distribution belongs to another project, and its files lie in the same folder as ours.
    File names are looked at and nothing is imported: less than half a millisecond.
    """
    pattern = re.compile(r"jtorch-[^-]+(-.*)?\.(dist-info|egg-info)", re.IGNORECASE)
    for folder in dict.fromkeys(sys.path):
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name[:7].lower() == "jtorch-" and pattern.fullmatch(name):
                return os.path.join(folder, name)
    return None


def warn_of_namesake() -> None:
    """Warn where the other project that is called jtorch on PyPI is installed beside this one."""
    found = find_namesake()
    if found is not None:
        warnings.warn(
            f"the distribution 'jtorch' is another project's and shares a folder with this one "
            f"({found}): run `pip uninstall jtorch`, then reinstall jtorch-jax",
            RuntimeWarning,
            stacklevel=4,
        )


class _InstallWhenUnpickled:
    """Installs the hook in the process that unpickles it."""

    def __reduce__(self) -> tuple:
        return _install, ()


def follow_into_started_pythons() -> None:
    """Let ``torch`` be jtorch also in each Python of this environment that the program starts.

    Launchers start their workers so (``[sys.executable, script]``). The variables of the
    environment lead those to ``children/sitecustomize.py``.
    """
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "children")
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if folder not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, *paths]))
    os.environ["JTORCH_CHILDREN"] = sys.prefix


def follow_into_spawned_processes() -> None:
    """Install the hook also in the processes that ``multiprocessing`` starts afresh.

    A spawned child runs the user's script again (as ``__mp_main__``) before it is handed any work;
    what is unpickled with the instructions to do so is the only thing that comes earlier.
    """
    from multiprocessing import spawn

    prepare = spawn.get_preparation_data
    if getattr(prepare, "_installs_jtorch", False):
        return

    def get_preparation_data(name: str) -> dict[str, Any]:
        data = {"jtorch": _InstallWhenUnpickled(), **prepare(name)}
        return data if _is_installed() else prepare(name)

    get_preparation_data._installs_jtorch = True  # type: ignore[attr-defined]
    spawn.get_preparation_data = get_preparation_data
