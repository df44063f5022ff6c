"""Learning rate schedulers beside PyTorch's: equal floats, states, warnings and errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.oracle

#: name, keyword arguments, whether the optimiser is Adam.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.9**epoch}),
    ("LambdaLR", {"lr_lambda": [lambda epoch: 0.9**epoch, lambda epoch: 1 / (epoch + 1)]}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.95}),
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 2, "gamma": 0.7}),
    ("MultiStepLR", {"milestones": [2, 2, 5], "gamma": 0.3}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 3}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.9, "end_factor": 0.1, "total_iters": 7}),
    ("ExponentialLR", {"gamma": 0.87}),
    ("PolynomialLR", {"total_iters": 8, "power": 1.7}),
    ("CosineAnnealingLR", {"T_max": 4, "eta_min": 1e-3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 1e-4}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3}),
    (
        "CyclicLR",
        {
            "base_lr": [0.01, 0.02],
            "max_lr": [0.1, 0.3],
            "step_size_up": 2,
            "step_size_down": 5,
            "mode": "triangular2",
        },
    ),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "mode": "exp_range", "gamma": 0.9}),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.2, "scale_fn": lambda x: 0.5**x, "cycle_momentum": False},
    ),
    ("OneCycleLR", {"max_lr": 0.1, "total_steps": 12}),
    ("OneCycleLR", {"max_lr": [0.1, 0.3], "epochs": 3, "steps_per_epoch": 4, "three_phase": True}),
    (
        "OneCycleLR",
        {"max_lr": 0.1, "total_steps": 12, "anneal_strategy": "linear", "cycle_momentum": False},
    ),
]


def _optimizer(torch: Any, name: str = "SGD", tensor_lr: bool = False) -> Any:
    first = torch.ones(2, requires_grad=True)
    second = torch.ones(3, requires_grad=True)
    lr = torch.tensor(0.05) if tensor_lr else 0.05
    groups = [{"params": [first]}, {"params": [second], "lr": 0.2}]
    options = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(torch.optim, name)(groups, lr=lr, **options)


def _group_numbers(optimizer: Any) -> list[dict]:
    return [
        {key: value for key, value in group.items() if key != "params"}
        for group in optimizer.param_groups
    ]


def _states(state: Any) -> Any:
    if isinstance(state, dict):
        return {k: _states(v) for k, v in state.items() if not callable(v)}
    if isinstance(state, (list, tuple)):
        return [None if callable(each) else _states(each) for each in state]
    return state


@pytest.mark.parametrize("optimizer_name", ["SGD", "Adam"])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_rates_and_states(both: Callable, case: int, optimizer_name: str) -> None:
    name, options = CASES[case]

    def run(torch: Any) -> Any:
        optimizer = _optimizer(torch, optimizer_name)
        scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
        seen = [_group_numbers(optimizer)]
        for _ in range(11):
            optimizer.step()
            scheduler.step()
            seen.append((scheduler.get_last_lr(), _group_numbers(optimizer)))
        return repr(seen), repr(_states(scheduler.state_dict()))

    both(run)


@pytest.mark.parametrize("case", [3, 5, 6, 8, 10, 11, 12])
def test_going_on_from_a_state(both: Callable, case: int) -> None:
    name, options = CASES[case]

    def run(torch: Any) -> Any:
        optimizer = _optimizer(torch)
        scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
        for _ in range(3):
            optimizer.step()
            scheduler.step()
        other = _optimizer(torch)
        loaded = getattr(torch.optim.lr_scheduler, name)(other, **options)
        loaded.load_state_dict(scheduler.state_dict())
        other.load_state_dict(optimizer.state_dict())
        seen = []
        for _ in range(4):
            other.step()
            loaded.step()
            seen.append(loaded.get_last_lr())
        resumed = getattr(torch.optim.lr_scheduler, name)(other, **options, last_epoch=2)
        return repr(seen), repr(resumed.get_last_lr())

    both(run)


@pytest.mark.parametrize("case", [3, 6, 8, 10, 11])
def test_tensor_rates(both: Callable, case: int) -> None:
    name, options = CASES[case]

    def run(torch: Any) -> Any:
        optimizer = _optimizer(torch, tensor_lr=True)
        rate = optimizer.param_groups[0]["lr"]
        scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
        for _ in range(4):
            optimizer.step()
            scheduler.step()
        return optimizer.param_groups[0]["lr"] is rate, f"{rate.item():.6g}"

    both(run)


def _plateau(**options: Any) -> Callable[[Any], Any]:
    metrics = [1.0, 0.9, 0.9, 0.9, 0.95, 0.89995, 0.9, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]

    def run(torch: Any) -> Any:
        optimizer = _optimizer(torch)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        seen = []
        for metric in metrics:
            scheduler.step(torch.tensor(metric))
            seen.append((scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.in_cooldown))
        return repr(seen), repr(_states(scheduler.state_dict()))

    return run


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"patience": 0, "mode": "max", "threshold_mode": "abs", "factor": 0.5},
        {"patience": 0, "cooldown": 2, "min_lr": [0.01, 0.1]},
        {"patience": 1, "threshold": 0.1, "threshold_mode": "abs", "min_lr": 0.02},
    ],
)
def test_plateau(both: Callable, options: dict) -> None:
    both(_plateau(**options))


def test_sequential_and_chained(both: Callable) -> None:
    def run(torch: Any) -> Any:
        module = torch.optim.lr_scheduler
        seen = []
        optimizer = _optimizer(torch)
        first = module.ConstantLR(optimizer, factor=0.1, total_iters=2)
        second = module.ExponentialLR(optimizer, gamma=0.9)
        sequential = module.SequentialLR(optimizer, [first, second], milestones=[3])
        for _ in range(6):
            optimizer.step()
            sequential.step()
            seen.append(sequential.get_last_lr())
        seen.append(_states(sequential.state_dict()))
        optimizer = _optimizer(torch)
        chained = module.ChainedScheduler(
            [module.LinearLR(optimizer), module.StepLR(optimizer, 2)], optimizer=optimizer
        )
        for _ in range(6):
            optimizer.step()
            chained.step()
            seen.append(chained.get_last_lr())
        seen.append(_states(chained.state_dict()))
        return repr(seen)

    both(run)


def test_averaging_rates(both: Callable) -> None:
    def run(torch: Any) -> Any:
        seen = []
        for strategy in ("cos", "linear"):
            for epochs in (0, 1, 5):
                optimizer = _optimizer(torch)
                scheduler = torch.optim.swa_utils.SWALR(
                    optimizer, swa_lr=0.01, anneal_epochs=epochs, anneal_strategy=strategy
                )
                for _ in range(7):
                    optimizer.step()
                    scheduler.step()
                    seen.append(scheduler.get_last_lr())
                seen.append(_states(scheduler.state_dict()))
        return repr(seen)

    both(run)


ERRORS: list[Callable[[Any], Any]] = [
    lambda torch: torch.optim.lr_scheduler.StepLR(3, 2),
    lambda torch: torch.optim.lr_scheduler.StepLR(_optimizer(torch), 2, last_epoch=3),
    lambda torch: torch.optim.lr_scheduler.LambdaLR(_optimizer(torch), [len]),
    lambda torch: torch.optim.lr_scheduler.MultiplicativeLR(_optimizer(torch), [1, 2]),
    lambda torch: torch.optim.lr_scheduler.ConstantLR(_optimizer(torch), factor=2),
    lambda torch: torch.optim.lr_scheduler.LinearLR(_optimizer(torch), start_factor=0),
    lambda torch: torch.optim.lr_scheduler.LinearLR(_optimizer(torch), end_factor=2),
    lambda torch: torch.optim.lr_scheduler.SequentialLR(_optimizer(torch), [], []),
    lambda torch: torch.optim.lr_scheduler.SequentialLR(_optimizer(torch), [3], []),
    lambda torch: torch.optim.lr_scheduler.ChainedScheduler([]),
    lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(_optimizer(torch), factor=1.0),
    lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(_optimizer(torch), mode="x"),
    lambda torch: torch.optim.lr_scheduler.ReduceLROnPlateau(_optimizer(torch), min_lr=[1]),
    lambda torch: torch.optim.lr_scheduler.CyclicLR(_optimizer(torch), [1], 2),
    lambda torch: torch.optim.lr_scheduler.CyclicLR(_optimizer(torch), 1, 2, mode="x"),
    lambda torch: torch.optim.lr_scheduler.CyclicLR(_optimizer(torch, "Adagrad"), 1, 2),
    lambda torch: torch.optim.lr_scheduler.OneCycleLR(_optimizer(torch), 1),
    lambda torch: torch.optim.lr_scheduler.OneCycleLR(_optimizer(torch), 1, total_steps=0),
    lambda torch: torch.optim.lr_scheduler.OneCycleLR(
        _optimizer(torch), 1, epochs=-1, steps_per_epoch=1
    ),
    lambda torch: torch.optim.lr_scheduler.OneCycleLR(_optimizer(torch), 1, 5, pct_start=2),
    lambda torch: torch.optim.lr_scheduler.OneCycleLR(_optimizer(torch), 1, 5, anneal_strategy="x"),
    lambda torch: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(_optimizer(torch), 0),
    lambda torch: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(_optimizer(torch), 1, 0),
    lambda torch: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(
        _optimizer(torch), 1, 1, "x"
    ),
    lambda torch: torch.optim.swa_utils.SWALR(_optimizer(torch), 0.1, anneal_epochs=-1),
    lambda torch: torch.optim.swa_utils.get_ema_avg_fn(2.0),
]


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(both: Callable, case: int) -> None:
    def run(torch: Any) -> Any:
        try:
            ERRORS[case](torch)
        except Exception as error:
            return type(error).__name__, str(error)
        return "nothing"

    both(run)


def test_warnings(both: Callable) -> None:
    def run(torch: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            scheduler = torch.optim.lr_scheduler.StepLR(_optimizer(torch), 2)
            scheduler.step()
            scheduler.step(5)
            scheduler.get_lr()
            overridden = _optimizer(torch)
            scheduler = torch.optim.lr_scheduler.ExponentialLR(overridden, 0.5)
            overridden.step = lambda: None
            scheduler.step()
        return [(each.category.__name__, str(each.message)) for each in caught]

    both(run)
