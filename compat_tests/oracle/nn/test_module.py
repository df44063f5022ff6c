"""Modules and their parameters: every line that a program prints, against PyTorch."""

from __future__ import annotations

import copy
import io
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest


class Lines:
    """What a program says: its results as text, exceptions with their type and words."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, *values: Any) -> None:
        text = " ".join(map(str, values))
        self.lines.append(re.sub("0x[0-9a-f]+", "0x", text))

    def error(self, function: Callable[[], Any]) -> None:
        try:
            self("returned", function())
        except Exception as error:
            self(type(error).__name__, error)


def registration(torch: Any, say: Lines) -> None:
    nn = torch.nn
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    say.error(lambda: layer.foo)
    say.error(lambda: setattr(layer, "weight", torch.ones(2, 3)))
    say.error(lambda: setattr(nn.Sequential(layer), "0", 3))
    say.error(lambda: setattr(nn.BatchNorm1d(2), "running_mean", 3))
    for name in ("weight", "a.b", "", 3):
        say.error(lambda name=name: layer.register_buffer(name, None))
        say.error(lambda name=name: layer.register_parameter(name, None))
        say.error(lambda name=name: layer.add_module(name, layer))
    say.error(lambda: layer.register_buffer("x", 3))
    say.error(lambda: layer.register_parameter("x", torch.ones(1)))
    say.error(lambda: layer.register_parameter("x", nn.Parameter(torch.ones(1)) * 2))
    say.error(lambda: layer.add_module("x", 3))

    class Early(nn.Module):
        def __init__(self, what: str) -> None:
            value = {"p": nn.Parameter(torch.ones(1)), "m": layer, "b": nn.Buffer(torch.ones(1))}
            if what == "r":
                self.register_parameter("x", None)
            self.x = value[what]

    for what in "pmbr":
        say.error(lambda what=what: Early(what))
    layer.extra = 3
    layer.extra = nn.Parameter(torch.ones(1))
    say("extra" in layer.__dict__, list(layer._parameters))
    layer.extra = None
    say(layer.extra, list(layer._parameters))
    del layer.extra
    say.error(lambda: layer.extra)
    layer.register_buffer("kept", torch.arange(2), persistent=False)
    layer.kept = torch.ones(1)
    say(layer.state_dict(), layer.kept, list(layer.named_buffers()))
    layer.kept = nn.Buffer(torch.ones(3))
    say(list(layer.state_dict()), layer.kept.persistent)
    say([name for name in dir(layer) if "we" in name or "kept" in name])
    say.error(lambda: nn.Module(3))
    say.error(lambda: nn.Module(a=3))
    say.error(lambda: nn.Module()(3))
    say.error(lambda: layer.train(3))


def paths(torch: Any, say: Lines) -> None:
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 2, bias=False)))
    say(net, net.get_submodule("1.1"), net.get_parameter("1.1.weight"))
    for path in ("1.5", "1.1.weight", "", "0.weight.x"):
        say.error(lambda path=path: net.get_submodule(path))
        say.error(lambda path=path: net.get_parameter(path))
        say.error(lambda path=path: net.get_buffer(path))
        say.error(lambda path=path: net.set_submodule(path, nn.ReLU(), strict=True))
    say.error(lambda: net.set_submodule("1.0", 3))
    net.set_submodule("1.0", nn.Tanh())
    shared = nn.ModuleList([net[0], net[0]])
    for duplicates in (True, False):
        say([name for name, _ in shared.named_parameters(remove_duplicate=duplicates)])
        say([name for name, _ in shared.named_modules(remove_duplicate=duplicates, prefix="p")])
    say([name for name, _ in net.named_parameters(prefix="x", recurse=False)])
    say([name for name, _ in net.named_children()], len(list(net.modules())))
    net.apply(lambda module: say(type(module).__name__))
    say([module.training for module in net.eval().modules()])
    say([p.requires_grad for p in net.requires_grad_(False).parameters()])


def state(torch: Any, say: Lines) -> None:
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    say(net.state_dict(), net.state_dict()._metadata, net.state_dict(prefix="a.", keep_vars=True))
    say.error(lambda: net.load_state_dict({}))
    say.error(lambda: net.load_state_dict(3))
    say.error(
        lambda: net.load_state_dict(
            {"0.weight": torch.ones(3, 3), "0.bias": torch.ones(4), "foo": 3, "1.weight": 4}
        )
    )
    say.error(lambda: net.load_state_dict({"0.weight": torch.ones(4, 3)}, strict=False))
    say.error(lambda: net.load_state_dict(net.state_dict()))
    weight = net[0].weight
    given = net.state_dict()
    given["0.weight"] = torch.zeros(4, 3)
    say(net.load_state_dict(given, assign=True), net[0].weight, net[0].weight is weight)

    class Extra(nn.Module):
        def get_extra_state(self) -> Any:
            return {"n": 3}

        def set_extra_state(self, state: Any) -> None:
            say("set", state)

    inner = nn.Sequential(Extra())
    say(inner.state_dict())
    inner.load_state_dict(inner.state_dict())
    say.error(lambda: inner.load_state_dict({}))
    say.error(lambda: net[0].load_state_dict({**net[0].state_dict(), "_extra_state": 3}))
    layer = nn.Linear(1, 1)
    layer.register_state_dict_pre_hook(lambda module, prefix, keep: say("pre", prefix, keep))
    layer.register_state_dict_post_hook(lambda module, state, prefix, meta: say("post", meta))
    layer._register_state_dict_hook(lambda module, state, prefix, meta: OrderedDict(a=1))
    layer.register_load_state_dict_pre_hook(lambda module, *args: say("load", args[1:]))
    layer.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    say(nn.Sequential(layer).state_dict(), layer.load_state_dict({}))
    layer.register_load_state_dict_post_hook(lambda module, keys: 3)
    say.error(lambda: layer.load_state_dict({}))


def hooks(torch: Any, say: Lines) -> None:
    nn = torch.nn
    torch.manual_seed(0)

    def hook(name: str, answer: Any = None) -> Callable[..., Any]:
        def call(module: Any, *args: Any) -> Any:
            say(name, type(module).__name__, args)
            return answer

        return call

    layer = nn.Linear(2, 2)
    handles = [
        layer.register_forward_pre_hook(hook("pre")),
        layer.register_forward_pre_hook(hook("kwargs"), with_kwargs=True, prepend=True),
        layer.register_forward_hook(hook("after")),
        layer.register_forward_hook(hook("after, kwargs"), with_kwargs=True, prepend=True),
        layer.register_full_backward_pre_hook(hook("backward pre")),
        layer.register_full_backward_hook(hook("backward")),
    ]
    x = torch.ones(1, 2, requires_grad=True)
    y = layer(x)
    say(y.grad_fn.name())
    y.sum().backward()
    say(x.grad, layer.weight.grad)
    for handle in handles:
        handle.remove()
    say(layer(x), [len(getattr(layer, name)) for name in ("_forward_hooks", "_backward_hooks")])
    layer.register_forward_hook(hook("always"), always_call=True)
    say.error(lambda: layer(torch.ones(1, 3)))
    changed = nn.Linear(2, 2)
    changed.register_forward_pre_hook(lambda module, args: args[0] * 0)
    changed.register_forward_hook(lambda module, args, result: result * 2)
    changed.register_full_backward_hook(lambda module, given, taken: (given[0] * 10,))
    changed.register_full_backward_pre_hook(lambda module, taken: (taken[0] * 10,))
    x.grad = None
    changed(x).sum().backward()
    say(changed(x), x.grad, changed.bias.grad)
    bad = nn.Linear(2, 2)
    bad.register_full_backward_hook(lambda module, given, taken: (None, None))
    say.error(lambda: bad(x).sum().backward())
    say.error(lambda: bad.register_backward_hook(hook("old")))
    wrong = nn.Linear(2, 2)
    wrong.register_forward_pre_hook(lambda module, args, kwargs: 3, with_kwargs=True)
    say.error(lambda: wrong(x))
    old = nn.Linear(2, 2)
    old.register_backward_hook(hook("old"))
    old(x).sum().backward()
    say.error(lambda: old.register_full_backward_hook(hook("full")))
    modules = torch.nn.modules.module
    handles = [
        modules.register_module_forward_pre_hook(hook("all pre")),
        modules.register_module_forward_hook(hook("all after")),
        modules.register_module_full_backward_hook(hook("all backward")),
        modules.register_module_parameter_registration_hook(hook("parameter")),
        modules.register_module_buffer_registration_hook(hook("buffer")),
        modules.register_module_module_registration_hook(hook("module")),
    ]
    made = nn.Sequential(nn.Identity())
    made.register_buffer("buffer", torch.ones(1))
    made.register_parameter("parameter", nn.Parameter(torch.ones(1)))
    (made(x) * made.parameter).sum().backward()
    say.error(lambda: modules.register_module_backward_hook(hook("x")))
    for handle in handles:
        handle.remove()
    modules._global_is_full_backward_hook = None
    made(torch.ones(2, 2))


def copies(torch: Any, say: Lines) -> None:
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    x = torch.ones(1, 2)
    net[0].weight.grad = torch.ones(3, 2)
    copied = copy.deepcopy(net)
    say(copied(x), copied[0].weight.grad, copied[0].weight is net[0].weight)
    say(pickle.loads(pickle.dumps(net))(x))
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    say(torch.load(file, weights_only=False), type(net[0]))
    parameter = nn.Parameter(torch.ones(2))
    parameter.note = "here"
    say(copy.deepcopy(parameter), hasattr(copy.deepcopy(parameter), "note"))
    say(pickle.loads(pickle.dumps(parameter)).note)
    y = torch.ones(2)
    shared = nn.Parameter(y)
    y.add_(1)
    say(shared, shared._version, y._version, shared.data_ptr() == y.data_ptr())
    with torch.no_grad():
        shared.add_(1)
    say(y, shared._version, y._version)

    class Named(nn.Parameter):
        pass

    class Other(torch.Tensor):
        pass

    other = nn.Parameter(torch.ones(2).as_subclass(Other))
    say(Named(torch.ones(2)), type(Named(torch.ones(2)) + 1), type(other).__name__)
    say(isinstance(other, nn.Parameter), other._is_param, other)
    say.error(lambda: nn.Parameter(torch.ones(2, dtype=torch.long)))
    say.error(lambda: nn.Parameter(3.0))
    say(nn.Parameter(), nn.Parameter(torch.ones(2), requires_grad=False))


def conversions(torch: Any, say: Lines) -> None:
    nn = torch.nn
    torch.manual_seed(0)
    layer = nn.Linear(2, 2)
    layer.register_buffer("count", torch.arange(2))
    layer(torch.ones(1, 2)).sum().backward()
    weight = layer.weight
    for name in ("double", "half", "bfloat16", "float"):
        getattr(layer, name)()
        say(layer.weight, layer.weight.grad, layer.count, layer.weight is weight)
    say(layer.type(torch.float64).count.dtype, layer.to(torch.float32).count.dtype)
    say(layer.to(torch.zeros(1, dtype=torch.float64)).weight.dtype)
    for wrong in ((torch.int32,), ("foo",), (torch.float32, torch.float32), (None,), ("cpu", 3)):
        say.error(lambda wrong=wrong: layer.to(*wrong))
    image = nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
    say(image.weight.stride(), image.bias.stride())
    meta = nn.Linear(2, 2, device="meta")
    say(meta.weight)
    say.error(lambda: meta.to("cpu"))
    say(meta.to_empty(device="cpu").weight.shape)
    layer.zero_grad(set_to_none=False)
    say(layer.weight.grad)
    layer.zero_grad()
    say(layer.weight.grad)


def containers(torch: Any, say: Lines) -> None:
    nn = torch.nn
    net = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    say(net[1:], net[-1], len(net), net * 2, net + net[:1], nn.Sequential(OrderedDict(a=net[0])))
    for wrong in (7, -4, "a"):
        say.error(lambda wrong=wrong: net[wrong])
    say.error(lambda: net + 3)
    say.error(lambda: net * 0)
    say.error(lambda: net * "a")
    say.error(lambda: net.insert(9, nn.ReLU()))
    say.error(lambda: net.insert(0, 3))
    del net[0]
    net.insert(0, nn.ELU())
    say(net, net.pop(1), net.extend([nn.GELU()]), net.append(nn.Mish()))
    net *= 2
    net += nn.Sequential(nn.SELU())
    say(net)
    modules = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])
    say(modules, modules[1:], nn.ModuleList(), modules + [nn.ELU()])
    modules.insert(1, nn.GELU())
    del modules[0]
    modules[0] = nn.Mish()
    say(modules, modules.pop(0))
    say.error(lambda: modules.extend(3))
    named = nn.ModuleDict({"b": nn.ReLU(), "a": nn.Tanh()})
    named.update([("c", nn.ELU())])
    say(named, list(named), "a" in named, named.pop("a"), len(named))
    for wrong in (3, [3], [(1, 2, 3)]):
        say.error(lambda wrong=wrong: named.update(wrong))
    values = nn.ParameterList([torch.ones(2), nn.Parameter(torch.ones(2, 3)), "a"])
    say(values, len(values), values[:1], values[-1])
    say.error(lambda: values(3))
    say.error(lambda: values.extend(torch.ones(2)))
    by_name = nn.ParameterDict({"b": torch.ones(2), "a": 3})
    by_name["c"] = torch.zeros(1)
    say(by_name, list(by_name), by_name.popitem(), by_name.get("x", 5), by_name.setdefault("y"))
    say(by_name | nn.ParameterDict({"z": torch.ones(1)}), list(reversed(by_name)))
    say.error(lambda: by_name[3])
    say.error(lambda: by_name(3))


def lazy(torch: Any, say: Lines) -> None:
    nn = torch.nn
    torch.manual_seed(0)
    layer = nn.LazyLinear(3)
    say(layer, layer.weight, layer.state_dict(), layer.weight.dtype, layer.weight.requires_grad)
    weight = layer.weight
    for use in (
        lambda: weight.shape,
        lambda: weight + 1,
        lambda: weight[0],
        lambda: weight.add_(1),
        lambda: weight.sum(),
        lambda: weight.dim(),
        lambda: weight.numel(),
        lambda: weight.share_memory_(),
    ):
        say.error(use)
    say(layer(torch.ones(1, 2)), layer, type(layer), type(layer.weight))
    say(nn.LazyLinear(3).double()(torch.ones(1, 2, dtype=torch.float64)).dtype)
    other = nn.LazyLinear(3)
    say(other.load_state_dict(layer.state_dict()), other.weight)
    say(copy.deepcopy(nn.LazyLinear(2)).weight, pickle.loads(pickle.dumps(nn.LazyLinear(2))).bias)
    say.error(lambda: nn.Linear(2, 3).load_state_dict(nn.LazyLinear(3).state_dict()))


PROGRAMS = [registration, paths, state, hooks, copies, conversions, containers, lazy]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_modules_say_what_pytorch_says(program):
    import torch

    import jtorch

    spoken, warned = [], []
    for library in (torch, jtorch):
        say = Lines()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            program(library, say)
        spoken.append(say.lines)
        warned.append(
            [
                (type(each.message).__name__, str(each.message))
                for each in caught
                if "complex" not in str(each.message)
            ]
        )
    assert spoken[1] == spoken[0]
    assert warned[1] == warned[0]
