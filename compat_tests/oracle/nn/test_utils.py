"""``torch.nn.utils`` and ``torch.nn.init``: every line that a program prints, against PyTorch."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings
from typing import Any

import pytest

from .test_module import Lines


def _network(torch: Any) -> Any:
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    (net(torch.randn(5, 3)) ** 2).sum().backward()
    return net


def _gradients(net: Any) -> list[Any]:
    return [parameter.grad for parameter in net.parameters()]


def clipping(torch: Any, say: Lines) -> None:
    utils = torch.nn.utils
    for order in (2.0, 1, 3.0, float("inf"), 0):
        net = _network(torch)
        say(utils.clip_grad_norm_(net.parameters(), 0.5, norm_type=order), _gradients(net))
    net = _network(torch)
    say(utils.clip_grad_norm_(net.double().parameters(), 100.0), _gradients(net))
    say(utils.get_total_norm(_gradients(net)), utils.get_total_norm([]))
    utils.clip_grads_with_norm_(net.parameters(), 1.0, torch.tensor(4.0))
    say(_gradients(net))
    utils.clip_grad_value_(net.parameters(), 0.1)
    say(_gradients(net))
    say(utils.clip_grad_norm_([], 1.0), utils.clip_grad_norm_((p for p in []), 1.0))
    say.error(lambda: utils.clip_grad_norm(net[2].bias, 1.0))
    net[0].weight.grad.fill_(float("nan"))
    say.error(lambda: utils.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True))
    one = torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    one.grad = torch.full((2,), 3.0, dtype=torch.bfloat16)
    say(utils.clip_grad_norm_(one, 1.0), one.grad)


def vectors(torch: Any, say: Lines) -> None:
    utils = torch.nn.utils
    net = _network(torch)
    vector = utils.parameters_to_vector(net.parameters())
    say(vector)
    utils.vector_to_parameters(torch.arange(float(vector.numel())), net.parameters())
    say(net.state_dict())
    say.error(lambda: utils.vector_to_parameters(3, net.parameters()))
    say(utils.skip_init(torch.nn.Linear, 3, 2).weight.shape)
    say.error(lambda: utils.skip_init(torch.nn.ReLU))
    say.error(lambda: utils.skip_init(int))


def norms_by_hooks(torch: Any, say: Lines) -> None:
    nn, utils = torch.nn, torch.nn.utils
    torch.manual_seed(1)
    x = torch.randn(2, 3)
    for dim in (0, 1, None):
        layer = utils.weight_norm(nn.Linear(3, 2), dim=dim)
        say(layer, layer.state_dict(), layer(x), layer.weight.grad_fn)
        layer(x).sum().backward()
        say(layer.weight_g.grad, layer.weight_v.grad)
    say.error(lambda: utils.weight_norm(layer))
    utils.remove_weight_norm(layer)
    say(layer.state_dict())
    say.error(lambda: utils.remove_weight_norm(layer))
    layer = utils.spectral_norm(nn.Linear(3, 2))
    say(layer.state_dict(), layer.state_dict()._metadata, layer(x), layer.weight)
    layer(x).sum().backward()
    say(layer.weight_orig.grad, layer.eval()(x))
    say.error(lambda: utils.spectral_norm(layer))
    utils.remove_spectral_norm(layer)
    say(layer.state_dict())
    say.error(lambda: utils.remove_spectral_norm(layer))
    say.error(lambda: utils.spectral_norm(nn.Linear(3, 2), n_power_iterations=0))


def parametrisations(torch: Any, say: Lines) -> None:
    nn, parametrize = torch.nn, torch.nn.utils.parametrize
    ready = torch.nn.utils.parametrizations
    torch.manual_seed(1)
    x = torch.randn(2, 3)
    layer = ready.weight_norm(nn.Linear(3, 2))
    say(layer, layer.state_dict(), layer.weight, layer(x), type(layer).__name__)
    layer(x).sum().backward()
    say(_gradients(layer))
    parametrize.remove_parametrizations(layer, "weight")
    say(layer, layer.weight)
    layer = ready.spectral_norm(nn.Linear(3, 2))
    say(layer, layer.state_dict(), layer(x), layer.eval().weight, copy.deepcopy(layer).weight)
    say.error(lambda: pickle.dumps(layer))
    say.error(lambda: ready.spectral_norm(nn.ReLU()))
    say.error(lambda: ready.spectral_norm(nn.Linear(2, 2), dim=5))
    for name in ("matrix_exp", "cayley", "householder"):
        for shape in ((3, 3), (4, 3), (3, 4)):
            torch.manual_seed(4)
            made = ready.orthogonal(nn.Linear(*shape), orthogonal_map=name)
            say(torch.round(made.weight, decimals=3) + 0.0)
    say.error(lambda: ready.orthogonal(nn.Linear(4, 3), orthogonal_map="x"))

    class Symmetric(nn.Module):
        def forward(self, value: Any) -> Any:
            return value.triu() + value.triu(1).transpose(-1, -2)

    class Sum(nn.Module):
        def forward(self, value: Any) -> Any:
            return value.sum()

    class Exponential(nn.Module):
        def forward(self, value: Any) -> Any:
            return value.exp()

        def right_inverse(self, value: Any) -> Any:
            return value.log()

    torch.manual_seed(1)
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    say(layer.weight, layer, layer.state_dict(), parametrize.type_before_parametrizations(layer))
    say(parametrize.is_parametrized(layer), parametrize.is_parametrized(layer, "bias"))
    say.error(lambda: setattr(layer, "weight", torch.ones(3, 3)))
    say.error(lambda: parametrize.register_parametrization(layer, "weight", Sum()))
    say.error(lambda: parametrize.register_parametrization(nn.Linear(2, 2), "weight", Sum()))
    say.error(lambda: parametrize.register_parametrization(layer, "foo", Sum()))
    other = nn.Linear(3, 3)
    parametrize.transfer_parametrizations_and_params(layer, other)
    say(other.weight, other)
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    say(layer.weight, layer)
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.fill_(2.0)
    parametrize.register_parametrization(layer, "weight", Exponential())
    layer.weight = torch.full((2, 2), 3.0)
    say(layer.weight, layer.parametrizations.weight.original)
    with parametrize.cached():
        say(layer.weight is layer.weight)
    say(layer.weight is layer.weight)
    say.error(lambda: parametrize.remove_parametrizations(nn.Linear(1, 1), "weight"))


def pruning(torch: Any, say: Lines) -> None:
    nn = torch.nn
    prune = importlib.import_module(f"{torch.__name__}.nn.utils.prune")
    torch.manual_seed(1)
    layer = nn.Linear(4, 3)
    prune.l1_unstructured(layer, "weight", amount=5)
    say(layer.weight_mask, layer.weight, layer.state_dict().keys(), layer(torch.ones(1, 4)))
    prune.l1_unstructured(layer, "weight", amount=0.2)
    prune.ln_structured(layer, "weight", amount=1, n=2, dim=0)
    say(layer.weight_mask, prune.is_pruned(layer))
    prune.remove(layer, "weight")
    say(layer.weight, layer.state_dict().keys(), prune.is_pruned(layer))
    say.error(lambda: prune.remove(layer, "weight"))
    layer = nn.Linear(4, 3)
    prune.random_unstructured(layer, "weight", amount=0.3)
    prune.random_structured(layer, "weight", amount=1, dim=1)
    prune.identity(layer, "bias")
    say(layer.weight_mask, layer.bias_mask)
    prune.custom_from_mask(layer, "bias", torch.tensor([1, 0, 1]))
    say(layer.bias)
    first, second = nn.Linear(3, 2), nn.Linear(2, 3)
    pairs = [(first, "weight"), (second, "weight")]
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=0.4)
    say(first.weight, second.weight)
    for amount in (-1, 10, "a", 1.5):
        say.error(lambda a=amount: prune.l1_unstructured(nn.Linear(2, 2), "weight", amount=a))
    say.error(lambda: prune.random_structured(nn.Linear(2, 2), "bias", amount=1, dim=0))
    say.error(lambda: prune.ln_structured(nn.Linear(2, 2), "weight", amount=1, n=2, dim=4))


def fused_and_stateless(torch: Any, say: Lines) -> None:
    nn, utils = torch.nn, torch.nn.utils
    torch.manual_seed(3)
    linear, norm = nn.Linear(3, 4).eval(), nn.BatchNorm1d(4).eval()
    norm.running_mean.uniform_()
    norm.running_var.uniform_()
    say(utils.fuse_linear_bn_eval(linear, norm).state_dict())
    convolution, norm = nn.Conv2d(2, 4, 3).eval(), nn.BatchNorm2d(4).eval()
    norm.running_mean.uniform_()
    say(utils.fuse_conv_bn_eval(convolution, norm).state_dict())
    say.error(lambda: utils.fuse_conv_bn_eval(convolution.train(), norm))
    say.error(lambda: utils.fuse_linear_bn_eval(linear, nn.BatchNorm1d(3).eval()))
    net = nn.Sequential(nn.Conv2d(2, 3, 3))
    utils.convert_conv2d_weight_memory_format(net, torch.channels_last)
    say(net[0].weight.stride())
    net = _network(torch)
    ones = {name: torch.ones_like(each) for name, each in net.named_parameters()}
    call = utils.stateless.functional_call
    say.error(lambda: call(net, ones, torch.ones(1, 3)))
    say.error(lambda: call(net, {"foo": torch.ones(1)}, torch.ones(1, 3), strict=True))
    say(net[0].weight)
    tied = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    say.error(lambda: call(tied, {"0.weight": torch.ones(2, 2)}, torch.ones(1, 2)))
    both = {"0.weight": torch.ones(2, 2), "1.weight": torch.zeros(2, 2)}
    say.error(lambda: call(tied, both, torch.ones(1, 2)))


def initial_values(torch: Any, say: Lines) -> None:
    init = torch.nn.init
    names = "uniform normal trunc_normal ones zeros xavier_uniform xavier_normal kaiming_uniform"
    for name in (*names.split(), "kaiming_normal", "eye", "orthogonal"):
        for shape in ((4, 3), (3, 5), (2, 3, 2), (3,), (0, 2)):
            torch.manual_seed(3)
            say.error(lambda n=name, s=shape: getattr(init, f"{n}_")(torch.empty(s)))
    torch.manual_seed(3)
    say(init.sparse_(torch.empty(4, 3), 0.5), init.constant_(torch.empty(2), 3.0))
    say(init.dirac_(torch.empty(3, 2, 3)), init.dirac_(torch.empty(4, 2, 3, 3), 2))
    say.error(lambda: init.dirac_(torch.empty(3, 2, 3), 2))
    say.error(lambda: init.dirac_(torch.empty(3, 2)))
    for interval in ((1.5, 2.0), (-1.0, 0.5), (4.0, 5.0)):
        say(init.trunc_normal_(torch.empty(5), 0, 1, *interval))
    say(init.normal_(torch.empty(3), generator=torch.Generator().manual_seed(1)))
    say.error(lambda: init.kaiming_uniform_(torch.empty(3, 3), mode="x"))
    say.error(lambda: init.kaiming_uniform_(torch.empty(3, 3), mode="FAN_OUT"))
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "x"):
        say.error(lambda n=name: init.calculate_gain(n))
    say.error(lambda: init.calculate_gain("leaky_relu", True))
    say.error(lambda: init.uniform(torch.empty(0)))


PROGRAMS = [
    clipping,
    vectors,
    norms_by_hooks,
    parametrisations,
    pruning,
    fused_and_stateless,
    initial_values,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_utilities_say_what_pytorch_says(program):
    import torch

    import jtorch

    spoken, warned = [], []
    for library in (torch, jtorch):
        say = Lines()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            program(library, say)
        spoken.append(say.lines)
        warned.append([(type(each.message).__name__, str(each.message)) for each in caught])
    assert spoken[1] == spoken[0]
    assert warned[1] == warned[0]
