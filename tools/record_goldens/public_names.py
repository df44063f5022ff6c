"""Record PyTorch's modules and their names, and which of them jtorch only refuses.

``python -m tools.record_goldens.public_names``, where PyTorch is installed. Three files are
written:
``compat_tests/golden/public_names.json`` holds every public name with where it is defined,
``jtorch/_runtime/absent/names.json`` what jtorch has no definition of, for its refusals, and
``jtorch/_launch/homes.json`` where PyTorch defines what jtorch defines elsewhere.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import os
import pkgutil
import sys
import types
import typing
import warnings
from collections.abc import Iterator
from typing import Any

from compat_tests.helpers.paths import GOLDEN, PACKAGE

NAMES = GOLDEN / "public_names.json"
ABSENT = PACKAGE / "_runtime" / "absent" / "names.json"
HOMES = PACKAGE / "_launch" / "homes.json"
#: Subtrees whose names jtorch does not refuse one by one.
LEFT_OUT = ("torch.overrides", "torch.testing")
#: Private modules that libraries import, with what lies below them.
PRIVATE = (
    "_appdirs", "_awaits", "_classes", "_compile", "_custom_op", "_custom_ops", "_decomp",
    "_deploy", "_dispatch", "_environment", "_export", "_functorch", "_guards",
    "_higher_order_ops", "_jit_internal", "_lazy", "_library", "_linalg_utils", "_logging",
    "_lowrank", "_meta_registrations", "_namedtensor_internals", "_ops", "_prims",
    "_prims_common", "_refs", "_sources", "_streambase", "_subclasses", "_tensor", "_tensor_str",
    "_thread_safe_fork", "_utils", "_utils_internal", "_vmap_internals",
    "_weights_only_unpickler", "_VF",
    "autograd._functions", "cuda._utils", "jit._async", "jit._await", "jit._check",
    "jit._decomposition_utils", "jit._freeze", "jit._fuser", "jit._recursive", "jit._script",
    "jit._serialization", "jit._state", "jit._trace", "masked._ops", "nn.utils._deprecation_utils",
    "nn.utils._expanded_weights", "optim._functional", "optim._multi_tensor",
    "utils._config_module", "utils._contextlib", "utils._cxx_pytree", "utils._device",
    "utils._exposed_in", "utils._foreach_utils", "utils._freeze", "utils._import_utils",
    "utils._mode_utils", "utils._ordered_set", "utils._python_dispatch", "utils._pytree",
    "utils._stats", "utils._traceback", "utils._triton", "utils._typing_utils", "utils._zip",
)  # fmt: skip
#: Private modules without what lies below them, which is much and is nobody's business.
PRIVATE_ALONE = (
    "_C._functorch",
    "_dynamo", "_dynamo.backends", "_dynamo.backends.common", "_dynamo.backends.registry",
    "_dynamo.config", "_dynamo.convert_frame", "_dynamo.decorators", "_dynamo.eval_frame",
    "_dynamo.exc", "_dynamo.external_utils", "_dynamo.mutation_guard", "_dynamo.testing",
    "_dynamo.trace_rules", "_dynamo.utils", "_dynamo._trace_wrapped_higher_order_op",
    "_inductor", "_inductor.compile_fx", "_inductor.config", "_inductor.utils",
    "compiler.config", "_inductor.custom_graph_pass", "_inductor.pattern_matcher",
    "fx.experimental.proxy_tensor", "distributed._composable.fsdp", "distributed._tensor",
    "distributed._tensor.experimental",
    "distributed.algorithms._checkpoint.checkpoint_wrapper", "distributed.checkpoint",
    "distributed.checkpoint.default_planner", "distributed.checkpoint.state_dict",
    "distributed.checkpoint._consolidate_hf_safetensors",
    "distributed.device_mesh", "distributed.fsdp", "distributed.fsdp.api",
    "distributed.fsdp.fully_sharded_data_parallel", "distributed.fsdp.sharded_grad_scaler",
    "distributed.fsdp.wrap",
    "distributed.autograd", "distributed.elastic", "distributed.elastic.multiprocessing",
    "distributed.elastic.multiprocessing.errors",
    "distributed.rpc", "distributed.tensor", "distributed.tensor.experimental",
    "distributed.tensor.experimental._attention",
    "distributed.tensor.parallel", "distributed.tensor.placement_types",
)  # fmt: skip
#: Names that libraries read when they are imported, and that no ``__all__`` lists.
BESIDES = {
    "torch._C._functorch": [
        *("_add_batch_dim", "_remove_batch_dim", "_unwrap_batched", "_unwrap_for_grad"),
        *("_vmap_increment_nesting", "_vmap_decrement_nesting", "_wrap_for_grad"),
        *("_grad_increment_nesting", "_grad_decrement_nesting"),
    ],
    "torch._functorch.vmap": [
        *("_add_batch_dim", "_broadcast_to_and_flatten", "_get_name", "_maybe_remove_batch_dim"),
        *("Tensor", "tree_flatten", "tree_unflatten"),
    ],
    "torch._tensor_str": ["_tensor_str"],
    "torch.distributed.autograd": ["DistAutogradContext", "get_gradients"],
    "torch.distributed.rpc.api": ["_require_initialized"],
    "torch.distributed.utils": ["_sync_module_states"],
    "torch.onnx": ["register_custom_op_symbolic", "unregister_custom_op_symbolic"],
    "torch.onnx.symbolic_helper": ["parse_args"],
}
NAMED_ALONE = tuple(f"torch.{name}" for name in PRIVATE_ALONE)
_PLAIN = (bool, int, float, str, type(None))


def walk(path: list[str], prefix: str, private: bool) -> Iterator[str]:
    """Yield the names of the modules below a package, public ones or all."""
    for module in pkgutil.iter_modules(path):
        if module.name.startswith("__") or (module.name.startswith("_") and not private):
            continue
        yield prefix + module.name
        if module.ispkg:
            below = [os.path.join(folder, module.name) for folder in path]
            yield from walk(below, f"{prefix}{module.name}.", private)


def public_modules() -> list[str]:
    """Return the names of all public modules below ``torch``."""
    import torch

    return list(walk(list(torch.__path__), "torch.", private=False))


def text_of(value: Any, attribute: str) -> str | None:
    """Return an attribute where it is a text; objects may answer any name, or fail."""
    try:
        found = getattr(value, attribute, None)
    except Exception:
        return None
    return found if isinstance(found, str) else None


def public(module: types.ModuleType, strictly: bool = True) -> list[str]:
    """Return a module's public names: ``__all__``, else those that are defined in it.

    Args:
        module: one of PyTorch's.
        strictly: leave out what a package without ``__all__`` has from other modules.
    """
    listed = getattr(module, "__all__", None)
    settings = getattr(module, "_config", None)  # of a module of settings
    if isinstance(settings, dict):
        return sorted(name for name in settings if not name.startswith("_") and "." not in name)
    if listed is not None:
        return sorted(set(listed))
    homes = {module.__name__}
    if hasattr(module, "__path__") and not strictly:
        homes = {home for home in sys.modules if home.startswith("torch.")}
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and text_of(value, "__module__") in homes
    )


def kind_of(value: Any) -> str:
    """Return in a word what sort of thing a name is, with what a stand-in needs to know of it."""
    if inspect.ismodule(value):
        return "module"
    if inspect.isclass(value) and not isinstance(value, types.GenericAlias):
        if issubclass(value, BaseException):
            base = next(b for b in value.__mro__ if b.__module__ == "builtins")
            return f"exception:{base.__name__}"
        if issubclass(value, enum.Enum) and value.__members__:
            return "enum:" + ",".join(value.__members__)
        return "class"
    if isinstance(value, _PLAIN):
        text = json.dumps(value).replace(os.getcwd() + os.sep, "")
        folder = os.path.dirname(os.path.dirname(str(sys.modules["torch"].__file__)))
        text = text.replace(folder, "")
        return f"value:{text}" if len(text) < 80 else "object"
    if type(value).__module__ in ("typing", "types") and not callable(value):
        return "alias"
    if typing.get_origin(value) is not None or isinstance(value, typing.TypeVar):
        return "alias"
    return "function" if callable(value) else "object"


def record(name: str, strictly: bool = True) -> dict[str, str] | None:
    """Return a module's names: ``kind``, ``kind@home`` or ``kind@home#qualified name``."""
    import torch

    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        print(f"{name}: {error!r}"[:120], file=sys.stderr)
        return None
    entries = {}
    for key in [*public(module, strictly), *BESIDES.get(name, ())]:
        value = getattr(module, key, None)
        kind = kind_of(value)
        home = text_of(value, "__module__")
        qualified = text_of(value, "__qualname__")
        entry = kind
        if kind.partition(":")[0] in ("class", "exception", "enum", "function") and home:
            if isinstance(value, (torch.nn.Module, torch.Tensor)):
                entry = "object"
            elif kind != "function" and qualified not in (None, key):
                entry = f"{kind}@{home}#{qualified}"
            elif home != name:
                entry = f"{kind}@{home}"
        entries[key] = entry
    return entries


def defines(module: types.ModuleType, name: str) -> bool:
    """Return whether a module of jtorch's has a name; one that refuses to be read it has not."""
    try:
        return hasattr(module, name)
    except NotImplementedError:
        return False


def missing(recorded: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the part of what was recorded that jtorch does not define itself.

    What it defines in another module than PyTorch, is said to be the ``same`` as there.
    """
    import jtorch
    from jtorch._runtime import absent

    absent.enabled = False
    found, places = {}, {}
    for name, entries in recorded.items():
        if name.startswith(LEFT_OUT) and name not in NAMED_ALONE:
            continue
        try:
            module = importlib.import_module(jtorch.__name__ + name.removeprefix("torch"))
        except ModuleNotFoundError:
            found[name] = dict(entries)
            continue
        lacking = {key: entry for key, entry in entries.items() if not defines(module, key)}
        if lacking:
            found[name] = lacking
        for key in entries.keys() - lacking.keys():
            places.setdefault(home_of(name, key, entries[key]), (name, key))
    for name, entries in found.items():
        for key, entry in entries.items():
            place = places.get(home_of(name, key, entry))
            if place is not None and entry.partition(":")[0] not in ("value", "object", "alias"):
                entries[key] = "same@{}#{}".format(*place)
    return found


def homes(recorded: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return where PyTorch defines what jtorch defines elsewhere: our module, our name, its place.

    What carries PyTorch's name already is left out.
    """
    import jtorch

    found: dict[str, dict[str, str]] = {}
    for module_name, entries in recorded.items():
        if module_name.startswith(LEFT_OUT):
            continue
        try:
            module = importlib.import_module(jtorch.__name__ + module_name.removeprefix("torch"))
        except ModuleNotFoundError:
            continue
        for key, entry in entries.items():
            value = vars(module).get(key)
            if not isinstance(value, (type, types.FunctionType)):
                continue
            home, name = home_of(module_name, key, entry)
            ours, own = value.__module__, value.__qualname__
            package, dot, rest = ours.partition(".")
            if package != jtorch.__name__ or own not in (key, name) or "<" in name:
                continue
            private = "._" in ours or rest.startswith("ops.")
            if private or (f"torch{dot}{rest}", own) != (home, name):
                place = home if name == own else f"{home}#{name}"
                found.setdefault(ours, {}).setdefault(own, place)
    return found


def home_of(module: str, name: str, entry: str) -> tuple[str, str]:
    """Return the module that defines what an entry of another is, and its name there."""
    home, _, qualified = entry.partition("@")[2].partition("#")
    return home or module, qualified or name


def main() -> None:
    """Record both files."""
    import torch

    warnings.simplefilter("ignore")
    recorded = {name: record(name) for name in ["torch", *public_modules()]}
    held = {name: entries for name, entries in sorted(recorded.items()) if entries is not None}
    NAMES.write_text(json.dumps(held, indent=0, sort_keys=True) + "\n")
    more = list(NAMED_ALONE)
    for name in PRIVATE:
        more.append(f"torch.{name}")
        folder = os.path.join(torch.__path__[0], *name.split("."))
        if os.path.isdir(folder):
            more += walk([folder], f"torch.{name}.", private=True)
    packages = {name.rpartition(".")[0] for name in held}
    for name in [*more, *packages - {"torch", ""}]:
        entries = record(name, strictly=False)
        if entries is not None:
            held[name] = entries
    lacking = missing(held)
    ABSENT.parent.mkdir(exist_ok=True)
    ABSENT.write_text(json.dumps(lacking, indent=0, sort_keys=True) + "\n")
    HOMES.write_text(json.dumps(homes(held), indent=0, sort_keys=True) + "\n")
    print(len(held), "modules;", len(lacking), "with names that jtorch does not define")


if __name__ == "__main__":
    main()
