"""Hold the stubs' names of parameters and types of results to those of PyTorch's own stubs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from compat_tests.helpers.paths import ROOT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

THEIRS = Path(torch.__file__).parent / "_C"

# Every function lacks these: layouts and pinned memory are PyTorch's defaults or not there, names
# are deprecated, and out_dtype is for CUDA alone.
EVERYWHERE = {"layout", "pin_memory", "names", "out_dtype"}
# PyTorch's stubs are wrong, or looser than what PyTorch accepts; jtorch follows PyTorch itself.
PARAMETERS_DIFFER = {
    # out= of these methods stands in the stub only.
    *("Tensor.add", "Tensor.sub", "Tensor.mul", "Tensor.true_divide", "Tensor.floor_divide"),
    # Conversions take memory_format.
    *("Tensor.bfloat16", "Tensor.bool", "Tensor.byte", "Tensor.char", "Tensor.double"),
    *("Tensor.float", "Tensor.half", "Tensor.int", "Tensor.long", "Tensor.short", "Tensor.type"),
    # The first parameter has no name in the stub, or another one than at run time.
    *("torch.detach_", "torch.resize_as_", "torch.numel", "Tensor.to", "Tensor.requires_grad_"),
    "Tensor.map_",
    # Refuses whatever it gets: there is no such device.
    *("Tensor.xpu", "Tensor.ipu"),
    # Takes anything, as torch.Tensor(...) does.
    "Tensor.new",
}
RESULTS_DIFFER = {
    *("Tensor.as_subclass", "Tensor.item", "Tensor.new", "Tensor.numpy", "Tensor.split"),
    *("Tensor.storage_offset", "Tensor.tolist"),
}


def functions(path, cls=None):
    """Return the definitions in a stub by name; of a class's methods where one is named."""
    body = ast.parse(path.read_text()).body
    if cls is not None:
        (body,) = (n.body for n in body if isinstance(n, ast.ClassDef) and n.name == cls)
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found.setdefault(node.name, []).append(node)
    return found


def parameter_names(overloads):
    """Return the names of the parameters of all overloads."""
    found = set()
    for each in (overload.args for overload in overloads):
        varargs = [each.vararg] if each.vararg else []
        for argument in (*each.posonlyargs, *each.args, *each.kwonlyargs, *varargs):
            found.add(argument.arg.rstrip("_"))
    return found - {"self"} - EVERYWHERE


def results(overloads):
    """Return the types of the results of all overloads, in one spelling."""
    found = set()
    for each in overloads:
        text = ast.unparse(each.returns) if each.returns else "Any"
        for word in ("torch.", "numpy.", "np.", "_", "[Any, Any]"):
            text = text.replace(word, "")
        found.add(text)
    return found


def pairs(label):
    """Return ours and PyTorch's definitions of what both have."""
    if label == "torch":
        ours = functions(ROOT / "jtorch/__init__.pyi")
        theirs = functions(THEIRS / "_VariableFunctions.pyi")
    else:
        ours = functions(ROOT / "jtorch/_tensor/tensor.pyi", "Tensor")
        theirs = functions(THEIRS / "__init__.pyi", "TensorBase")
    both = {f"{label}.{name}": (ours[name], theirs[name]) for name in sorted(ours.keys() & theirs)}
    assert len(both) > 200
    return both


@pytest.mark.parametrize("label", ["torch", "Tensor"])
def test_parameters_have_the_same_names(label):
    differing = {}
    for name, (ours, theirs) in pairs(label).items():
        mine, its = parameter_names(ours), parameter_names(theirs)
        if mine != its and name not in PARAMETERS_DIFFER:
            differing[name] = {"more": sorted(mine - its), "less": sorted(its - mine)}
    assert differing == {}


@pytest.mark.parametrize("label", ["torch", "Tensor"])
def test_results_have_the_same_types(label):
    differing = {}
    for name, (ours, theirs) in pairs(label).items():
        mine, its = results(ours), results(theirs)
        if mine != its and name not in RESULTS_DIFFER:
            differing[name] = (sorted(mine), sorted(its))
    assert differing == {}
