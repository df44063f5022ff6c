"""PyTorch's modules and names, recorded: each is here, refuses when called, or stands in a list.

The lists are ``compat_tests/absent_names.toml``. No PyTorch is needed; the oracle's
``compat_tests/oracle/runtime/test_names.py`` holds the record itself against PyTorch.
"""

from __future__ import annotations

import fnmatch
import importlib
import json
import subprocess
import sys
import textwrap
import tomllib
import warnings

import pytest

import jtorch
from compat_tests.helpers.paths import GOLDEN, ROOT
from jtorch._runtime import absent
from jtorch._runtime.absent import stand_ins

RECORDED = json.loads((GOLDEN / "public_names.json").read_text(encoding="utf-8"))
LISTS = tomllib.loads((ROOT / "compat_tests" / "absent_names.toml").read_text(encoding="utf-8"))
MOST_ENTRIES = 40


def is_listed(sort: str, name: str) -> bool:
    """Tell whether a name stands in one of the lists; ``*`` there stands for anything."""
    return any(fnmatch.fnmatchcase(name, each) for entry in LISTS[sort] for each in entry["names"])


def present_modules() -> list[str]:
    """Return the recorded modules that are to be importable."""
    return [name for name in RECORDED if not is_listed("module", name)]


def module_of(name: str):
    """Import one of PyTorch's modules from jtorch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(jtorch.__name__ + name.removeprefix("torch"))


def lacking(name: str, entries: dict[str, str]) -> list[str]:
    """Return the recorded names of a module that are neither there nor listed."""
    module = module_of(name)
    return [
        f"{name}.{key}"
        for key in entries
        if not hasattr(module, key) and not is_listed("name", f"{name}.{key}")
    ]


def test_every_public_module_is_importable_and_has_its_names() -> None:
    missing = [each for name in present_modules() for each in lacking(name, RECORDED[name])]
    assert missing == []


def test_a_missing_name_is_noticed() -> None:
    assert lacking("torch.optim", {"Adam": "class", "Eve": "class"}) == ["torch.optim.Eve"]


def test_the_lists_are_short_and_say_why() -> None:
    assert len(LISTS["module"]) <= MOST_ENTRIES
    entries = [*LISTS["module"], *LISTS["name"], *LISTS["home"]]
    assert all(entry["names"] and len(entry["reason"].split()) > 3 for entry in entries)


@pytest.mark.parametrize(
    ("sort", "known"),
    [
        ("module", list(RECORDED)),
        ("name", [f"{m}.{key}" for m, found in RECORDED.items() for key in found]),
        ("home", [f"{m}.{key}" for m, found in RECORDED.items() for key in found]),
    ],
)
def test_each_entry_of_a_list_matches_something(sort: str, known: list[str]) -> None:
    patterns = [pattern for entry in LISTS[sort] for pattern in entry["names"]]
    assert [p for p in patterns if not fnmatch.filter(known, p)] == []


NAMED = """
    import importlib, json, sys, warnings
    warnings.simplefilter("ignore")
    import torch
    wrong = []
    for module_name, entries in json.load(sys.stdin).items():
        module = importlib.import_module(module_name)
        for key, (kind, home, name) in entries.items():
            value = getattr(module, key)
            if kind == "function":
                if not (getattr(value, "__module__", None) or "torch").startswith("torch"):
                    wrong.append((module_name, key, value.__module__))
            elif (value.__module__, value.__qualname__) != (home, name):
                wrong.append((module_name, key, value.__module__, value.__qualname__))
    print(json.dumps(wrong))
"""


def homes() -> dict[str, dict[str, list[str]]]:
    """Return (kind, module, name) of each recorded class and function that is held here."""
    found: dict[str, dict[str, list[str]]] = {}
    for module in present_modules():
        for key, entry in RECORDED[module].items():
            kind, _, home = entry.partition("@")
            kind = kind.partition(":")[0]
            path = f"{module}.{key}"
            if kind not in ("class", "exception", "enum", "function"):
                continue
            if not is_listed("name", path) and not is_listed("home", path):
                place, _, name = home.partition("#")
                found.setdefault(module, {})[key] = [kind, place or module, name or key]
    return found


def test_under_the_hook_everything_has_the_name_that_pytorch_has() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jtorch", "-c", textwrap.dedent(NAMED)],
        input=json.dumps(homes()),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert json.loads(done.stdout) == []


HOOKED = """
    import jtorch
    ours = jtorch.optim.Adam.__module__
    with jtorch.installed():
        import torch
        theirs = torch.optim.Adam.__module__, torch.optim.lr_scheduler.StepLR.__module__
        import pickle
        for each in (torch.optim.Adam, torch.optim.lr_scheduler.StepLR, torch.masked.sum,
                     torch.cuda.amp.GradScaler, torch.einsum, torch.compile):
            assert pickle.loads(pickle.dumps(each)) is each
    after = jtorch.optim.Adam.__module__, jtorch.optim.lr_scheduler.StepLR.__module__
    print(ours, *theirs, *after)
"""


def test_names_are_given_back_when_the_hook_goes() -> None:
    code = textwrap.dedent(HOOKED)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.split() == [
        "jtorch.optim.adam",
        *("torch.optim.adam", "torch.optim.lr_scheduler"),
        *("jtorch.optim.adam", "jtorch.optim._scheduler_formulas"),
    ]


def test_files_name_pytorchs_modules() -> None:
    import io
    import zipfile

    optimizer = jtorch.optim.SGD([jtorch.zeros(1, requires_grad=True)], lr=0.1)
    file = io.BytesIO()
    jtorch.save(jtorch.optim.lr_scheduler.StepLR(optimizer, 2), file)
    with zipfile.ZipFile(file) as archive:
        pickled = archive.read(next(n for n in archive.namelist() if n.endswith("data.pkl")))
    assert b"torch.optim.lr_scheduler" in pickled and b"_scheduler_formulas" not in pickled


def test_a_name_without_meaning_refuses_when_it_is_called() -> None:
    quantization = module_of("torch.ao.quantization")
    words = "torch.ao.quantization.*: jtorch has no quantised tensors; use a floating point module"
    with pytest.raises(NotImplementedError, match=words):
        quantization.quantize_dynamic(None)
    with pytest.raises(NotImplementedError, match=words):
        quantization.QuantStub()

    class Own(quantization.QuantStub):
        def __init__(self) -> None:
            self.made = True

    assert Own().made and not isinstance(3, quantization.QuantStub)


def test_a_question_is_answered() -> None:
    assert module_of("torch.xpu").is_available() is False
    assert module_of("torch.mtia").is_available() is False
    assert module_of("torch.onnx").is_in_onnx_export() is False
    assert module_of("torch.package").is_from_package(3) is False


def test_what_another_package_decorates_with_is_no_refusal() -> None:
    def function() -> int:
        return 1

    assert module_of("torch.distributed.rpc.api")._require_initialized(function) is function


def test_a_name_is_one_object_wherever_it_is_read() -> None:
    outer, inner = module_of("torch.ao.quantization"), module_of("torch.ao.quantization.qconfig")
    assert outer.QConfig is inner.QConfig and outer.QConfig is outer.QConfig
    assert module_of("torch.jit._script").ScriptModule is jtorch.jit.ScriptModule


def test_what_pytorch_has_not_is_not_made_up() -> None:
    assert not hasattr(jtorch, "no_such_name") and not hasattr(jtorch.ao, "no_such_name")
    with pytest.raises(AttributeError, match=r"module 'torch.ao' has no attribute 'nothing'"):
        _ = jtorch.ao.nothing
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("jtorch.ao.nothing")


def test_the_table_of_refusals_matches_what_is_recorded() -> None:
    table = stand_ins._reasons()
    paths = {f"{module}.{name}" for module, found in absent.names().items() for name in found}
    for sort in ("answers", "decorators", "contexts", "nothing"):
        assert set(table[sort]) <= paths, sort
    tops = [*absent.names(), *absent._packages(), *paths]
    for subtree in table["reasons"]:
        assert any(each == subtree or each.startswith(f"{subtree}.") for each in tops), subtree


#: Attributes after ``import torch`` alone.
LOADED = [
    *("distributed.algorithms.join", "distributed.device_mesh", "fx.passes.graph_drawer"),
    *("fx.passes.infra.pass_base", "fx.passes.infra.pass_manager", "fx.passes.operator_support"),
    *("fx.passes.tools_common", "fx.passes.utils.common", "utils.weak"),
]


def test_modules_are_attributes_before_they_are_imported() -> None:
    lines = ["import jtorch", *(f"jtorch.{path}" for path in LOADED)]
    lines.append(
        "print(hasattr(jtorch.fx.passes, 'nothing'), hasattr(jtorch.distributed, '_work_'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("False False\n", "")
