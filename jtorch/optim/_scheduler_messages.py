"""Every message of ``torch.optim.lr_scheduler``, in PyTorch's words."""

from __future__ import annotations

from typing import Any

EPOCH_DEPRECATED = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being "
    "deprecated where possible. Please use `scheduler.step()` to step the "
    "scheduler. During the deprecation, if epoch is different from None, the "
    "closed form is used instead of the new chainable form, where available. "
    "Please open an issue if you are unable to replicate your use case: "
    "https://github.com/pytorch/pytorch/issues/new/choose."
)
STEP_OVERRIDDEN = (
    "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
    "initialization. Please, make sure to call `optimizer.step()` before "
    "`lr_scheduler.step()`. See more details at "
    "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
)
WRONG_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. "
    "In PyTorch 1.1.0 and later, you should call them in the opposite order: "
    "`optimizer.step()` before `lr_scheduler.step()`.  Failure to do this "
    "will result in PyTorch skipping the first value of the learning rate schedule. "
    "See more details at "
    "https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"
)
GET_LR = "To get the last learning rate computed by the scheduler, please use `get_last_lr()`."


def option_length(name: str, given: int, groups: int) -> ValueError:
    return ValueError(
        f"{name} must have the same length as optimizer.param_groups. "
        f"{name} has {given} values, param_groups has {groups}."
    )


def no_initial_lr(index: int) -> KeyError:
    return KeyError(
        f"param 'initial_lr' is not specified in param_groups[{index}] when resuming scheduler "
        "with last_epoch >= 0.\nThis typically happens when:\n1. You're trying to resume training "
        "from a checkpoint but haven't properly loaded the optimizer state\n2. You're using "
        "last_epoch >= 0 for a fresh training run (not recommended)"
    )


def lambda_count(groups: int, given: int) -> ValueError:
    return ValueError(f"Expected {groups} lr_lambdas, but got {given}")


def not_a_function(kind: str) -> TypeError:
    return TypeError(f"lr_lambda should be a function, but got {kind}")


def constant_factor() -> ValueError:
    return ValueError("Constant multiplicative factor expected to be between 0 and 1.")


def start_factor() -> ValueError:
    return ValueError(
        "Starting multiplicative factor expected to be greater than 0 and less or equal to 1."
    )


def end_factor() -> ValueError:
    return ValueError("Ending multiplicative factor expected to be between 0 and 1.")


def no_scheduler(name: str, chained: bool) -> ValueError:
    return ValueError(
        f"{name} expects at least one scheduler{' to be chained' if chained else ''}, but got no "
        "scheduler."
    )


def no_optimizer(name: str, index: int) -> TypeError:
    return TypeError(f"{name} at index {index} should have `optimizer` as its attribute.")


def no_plateau(name: str, index: int) -> ValueError:
    return ValueError(
        f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs "
        f"to be specified when calling `step`, but got one at index {index} in the given "
        "schedulers sequence."
    )


def other_optimizer(name: str, index: int, scheduler: Any, optimizer: Any) -> ValueError:
    return ValueError(
        f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
        f"{type(scheduler).__name__} at index {index} has {scheduler.optimizer}, which is "
        f"different from {type(optimizer).__name__}."
    )


def milestone_count(schedulers: int, milestones: int) -> ValueError:
    return ValueError(
        "Sequential Schedulers expects number of schedulers provided to be one more than the "
        f"number of milestone points, but got number of schedulers {schedulers} and the number of "
        f"milestones to be equal to {milestones}"
    )


def plateau_factor() -> ValueError:
    return ValueError("Factor should be < 1.0.")


def plateau_min_lrs(groups: int, given: int) -> ValueError:
    return ValueError(f"expected {groups} min_lrs, got {given}")


def plateau_groups(groups: int, then: int) -> RuntimeError:
    return RuntimeError(
        f"The number of param groups in the `optimizer` ({groups}) differs from when "
        f"`ReduceLROnPlateau` was initialized ({then}), usually due to a new param group being "
        "added to the optimizer. Please modify the `min_lrs` field to match the length of the "
        "`optimizer` param groups."
    )


def unknown_mode(what: str, mode: str) -> ValueError:
    return ValueError(f"{what} {mode} is unknown!")


def cyclic_mode() -> ValueError:
    return ValueError("mode is invalid and scale_fn is None")


def no_momentum() -> ValueError:
    return ValueError(
        "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
    )


def expected(what: str, given: Any) -> ValueError:
    return ValueError(f"Expected {what}, but got {given}")


def steps_unknown() -> ValueError:
    return ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")


def anneal_strategy(names: str, given: str) -> ValueError:
    return ValueError(f"anneal_strategy must {names}, instead got {given}")


def too_many_steps(step: int, total: int) -> ValueError:
    return ValueError(f"Tried to step {step} times. The specified number of total steps is {total}")
