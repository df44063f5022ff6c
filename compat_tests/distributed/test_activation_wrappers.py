"""Wrappers around modules and the policies that choose them: what PyTorch prints."""

from __future__ import annotations

import functools
import importlib

import pytest

from compat_tests.helpers.paths import ROOT

GOLDEN = ROOT / "compat_tests" / "golden" / "distributed" / "activation_wrappers.txt"


def said(action):
    try:
        return str(action())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def lines(library):
    torch = importlib.import_module(library)
    wrappers = importlib.import_module(
        f"{library}.distributed.algorithms._checkpoint.checkpoint_wrapper"
    )
    policies = importlib.import_module(f"{library}.distributed.fsdp.wrap")
    nn = torch.nn

    def build():
        torch.manual_seed(0)
        inner = nn.Sequential(nn.ReLU(), nn.Dropout(0.3), nn.Linear(4, 4))
        return nn.Sequential(nn.Linear(3, 4), inner, nn.Linear(4, 2))

    def is_sequential(module):
        return isinstance(module, nn.Sequential)

    chosen = (
        None,
        policies.ModuleWrapPolicy({nn.Linear}),
        policies.CustomPolicy(is_sequential),
        functools.partial(policies.size_based_auto_wrap_policy, min_num_params=15),
        functools.partial(
            policies.transformer_auto_wrap_policy, transformer_layer_cls={nn.Dropout}
        ),
    )
    reentrant = functools.partial(
        wrappers.checkpoint_wrapper, checkpoint_impl=wrappers.CheckpointImpl.REENTRANT
    )
    for policy in chosen:
        for wrap in (wrappers.checkpoint_wrapper, reentrant, wrappers.offload_wrapper):
            model = build()
            wrappers.apply_activation_checkpointing(
                model, wrap, check_fn=is_sequential, auto_wrap_policy=policy
            )
            yield str(model).replace("\n", "")
            yield f"{list(dict(model.named_parameters()))} {list(model.state_dict())}"
            x = torch.ones(2, 3, requires_grad=True)
            torch.manual_seed(1)
            model(x).sum().backward()
            gradients = [p.grad for p in (x, *model.parameters())]
            yield str([g if g is None else f"{g.sum().item():.5f}" for g in gradients])
            yield str(model.load_state_dict(build().state_dict()))
    wrapped = wrappers.checkpoint_wrapper(nn.Sequential(nn.Linear(2, 2)))
    yield f"{wrapped[0]} {len(wrapped._checkpoint_wrapped_module)} {callable(wrapped.append)}"
    with policies.enable_wrap(wrapper_cls=wrappers.offload_wrapper):
        yield str(policies.wrap(nn.Linear(1, 1))).replace("\n", "")
        yield said(policies.enable_wrap(wrapper_cls=wrappers.offload_wrapper).__enter__)
    yield str(policies.wrap(nn.Linear(1, 1)))
    yield said(lambda: policies.CustomPolicy(lambda m: 3)._run_policy(nn.Linear(1, 1), set(), {}))
    yield said(lambda: wrappers.apply_activation_checkpointing(nn.Sequential(), auto_wrap_policy=3))

    def call(module, *args, **kwargs):
        return module(*args, **kwargs) * 10

    own = wrappers.checkpoint_wrapper(nn.Identity(), checkpoint_fn=call)
    yield str(own(torch.ones(1)))


def test_wrappers():
    assert "\n".join(lines("jtorch")) + "\n" == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.oracle
def test_the_recorded_text_is_pytorchs():
    assert "\n".join(lines("torch")) + "\n" == GOLDEN.read_text(encoding="utf-8")
