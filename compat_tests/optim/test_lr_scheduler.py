"""Schedulers and averaged weights: rates recorded from PyTorch 2.13."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import jtorch as torch

#: Rates after each of 6 steps from 0.5 (a plateau sees a metric that never changes).
RECORDED: list[tuple[str, dict[str, Any], list[float]]] = [
    (
        "StepLR",
        {"step_size": 2},
        [0.5, 0.05, 0.05, 0.005000000000000001, 0.005000000000000001, 0.0005000000000000001],
    ),
    (
        "MultiStepLR",
        {"milestones": [1, 3, 3]},
        [
            0.05,
            0.05,
            0.0005000000000000001,
            0.0005000000000000001,
            0.0005000000000000001,
            0.0005000000000000001,
        ],
    ),
    (
        "ConstantLR",
        {"total_iters": 3},
        [0.16666666666666666, 0.16666666666666666, 0.5, 0.5, 0.5, 0.5],
    ),
    (
        "LinearLR",
        {},
        [
            0.23333333333333334,
            0.30000000000000004,
            0.36666666666666675,
            0.43333333333333346,
            0.5000000000000001,
            0.5000000000000001,
        ],
    ),
    (
        "ExponentialLR",
        {"gamma": 0.9},
        [
            0.45,
            0.405,
            0.36450000000000005,
            0.32805000000000006,
            0.2952450000000001,
            0.2657205000000001,
        ],
    ),
    (
        "PolynomialLR",
        {"power": 2.0},
        [0.32000000000000006, 0.18, 0.08000000000000002, 0.019999999999999993, 0.0, 0.0],
    ),
    (
        "CosineAnnealingLR",
        {"T_max": 4},
        [
            0.42677669529663687,
            0.25,
            0.07322330470336313,
            0.0,
            0.0732233047033631,
            0.25000000000000006,
        ],
    ),
    (
        "CosineAnnealingWarmRestarts",
        {"T_0": 2, "T_mult": 2},
        [0.25, 0.5, 0.42677669529663687, 0.25, 0.07322330470336313, 0.5],
    ),
    (
        "CyclicLR",
        {"base_lr": 0.1, "max_lr": 0.4, "mode": "triangular2", "step_size_up": 2},
        [0.25, 0.4, 0.25, 0.1, 0.17500000000000002, 0.25],
    ),
    (
        "OneCycleLR",
        {"max_lr": 0.5, "total_steps": 7},
        [
            0.4902783136674793,
            0.4595221881348553,
            0.33634191824027254,
            0.17886938786982853,
            0.0496483959466328,
            2e-06,
        ],
    ),
    (
        "OneCycleLR",
        {"anneal_strategy": "linear", "max_lr": 0.5, "three_phase": True, "total_steps": 10},
        [0.26, 0.5, 0.26, 0.020000000000000018, 0.016000399999999998, 0.012000799999999999],
    ),
    (
        "ReduceLROnPlateau",
        {"patience": 1},
        [0.5, 0.5, 0.05, 0.05, 0.005000000000000001, 0.005000000000000001],
    ),
]


def _optimizer() -> Any:
    return torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.5, momentum=0.9)


@pytest.mark.parametrize("case", range(len(RECORDED)))
def test_rates(case: int) -> None:
    name, options, expected = RECORDED[case]
    optimizer = _optimizer()
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = []
    for _ in range(6):
        optimizer.step()
        scheduler.step(*((1.0,) if name == "ReduceLROnPlateau" else ()))
        rates.append(scheduler.get_last_lr()[0])
    assert rates == expected


def test_one_after_the_other() -> None:
    optimizer = _optimizer()
    module = torch.optim.lr_scheduler
    first = module.ConstantLR(optimizer, factor=0.5, total_iters=2)
    scheduler = module.SequentialLR(optimizer, [first, module.ExponentialLR(optimizer, 0.5)], [2])
    rates = []
    for _ in range(4):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert rates == [0.25, 0.25, 0.5, 0.25]
    other = _optimizer()
    module.ExponentialLR(other, 0.5)
    with pytest.raises(ValueError, match="belong to the same optimizer"):
        module.SequentialLR(other, [first], [])


def test_a_state_goes_on() -> None:
    optimizer = _optimizer()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    again = _optimizer()
    loaded = torch.optim.lr_scheduler.CosineAnnealingLR(again, 10)
    loaded.load_state_dict(scheduler.state_dict())
    again.load_state_dict(optimizer.state_dict())
    optimizer.step()
    again.step()
    scheduler.step()
    loaded.step()
    assert loaded.get_last_lr() == scheduler.get_last_lr() and loaded.last_epoch == 4


def test_a_tensor_as_rate_is_written_in_place() -> None:
    rate = torch.tensor(0.5)
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=rate)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate and rate.item() == 0.25


def test_the_wrong_order_is_warned_of() -> None:
    scheduler = torch.optim.lr_scheduler.StepLR(_optimizer(), 1)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step"):
        scheduler.step()
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        scheduler.get_lr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()


def test_averaged_models() -> None:
    swa_utils = torch.optim.swa_utils
    model = torch.nn.Linear(1, 1, bias=False)
    average = swa_utils.AveragedModel(model)
    moving = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.5))
    for number in (1.0, 2.0, 4.0):
        with torch.no_grad():
            model.weight.fill_(number)
        average.update_parameters(model)
        moving.update_parameters(model)
    assert average.n_averaged.item() == 3
    assert average.module.weight.item() == pytest.approx(7 / 3)
    assert moving.module.weight.item() == 2.75
    assert average(torch.ones(1, 1)).item() == pytest.approx(7 / 3)


def test_statistics_of_averaged_models() -> None:
    model = torch.nn.BatchNorm1d(2, momentum=0.3)
    batches = [torch.ones(4, 2), torch.ones(4, 2) * 3]
    torch.optim.swa_utils.update_bn(batches, model)
    assert model.running_mean.tolist() == [2.0, 2.0] and model.momentum == 0.3
