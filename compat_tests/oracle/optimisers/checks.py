"""What is checked of an optimiser of the database; each check returns what is wrong."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_optimizers import OptimizerErrorEnum, OptimizerInfo

import jtorch
from compat_tests.helpers.tolerances import (
    DIFFERENTIABLE_STEP,
    EXACT,
    MUON_TRAJECTORY,
    TRAJECTORY,
    TRAJECTORY_LOSS,
)

STEPS = 20


def converted(value: Any, library: Any) -> Any:
    """Return keyword arguments with tensors of the library that they are for."""
    if isinstance(value, torch.Tensor):
        if library is torch:
            return value.detach().clone().requires_grad_(value.requires_grad)
        array = value.detach().numpy().copy()
        return jtorch.tensor(array).requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {key: converted(each, library) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(converted(each, library) for each in value)
    return value


class Problem:
    """A small regression whose loss depends on parameters of several shapes."""

    def __init__(self, library: Any, dtype: str, matrices: bool, leaves: bool = True):
        rng = np.random.default_rng(7)
        shapes = [(3, 4), (4, 2), (2, 5)] if matrices else [(3, 4), (4,), (), (2, 2, 3)]
        self.library = library
        start = [rng.standard_normal(shape) for shape in shapes]
        if dtype.startswith("complex"):
            start = [each + 1j * rng.standard_normal(each.shape) for each in start]
        self.params = [
            library.tensor(each.astype(dtype) if each.ndim else np.asarray(each, dtype))
            for each in start
        ]
        for param in self.params:
            param.requires_grad_(True)
        if not leaves:
            self.params = [param.clone() for param in self.params]
            for param in self.params:
                param.retain_grad()
        self.targets = [library.tensor(np.asarray(each * 0.5 + 0.1, dtype)) for each in start]

    def loss(self) -> Any:
        total = None
        for index, (param, target) in enumerate(zip(self.params, self.targets, strict=True)):
            part = ((param - target).abs() ** 2).sum() * (index + 1)
            total = part if total is None else total + part
        return total

    def closure(self, optimizer: Any) -> Callable[[], Any]:
        def evaluate() -> Any:
            optimizer.zero_grad()
            loss = self.loss()
            loss.backward()
            return loss

        return evaluate

    def arrays(self) -> list[np.ndarray]:
        return [param.detach().numpy().copy() for param in self.params]


def make(
    info: OptimizerInfo, kwargs: dict, library: Any, dtype: str, matrices: bool
) -> tuple[Problem, Any]:
    """Return a problem and an optimiser of its parameters."""
    problem = Problem(library, dtype, matrices)
    cls = getattr(library.optim, info.name)
    return problem, cls(problem.params, **converted(kwargs, library))


def advance(problem: Problem, optimizer: Any, steps: int) -> list[float]:
    """Make steps and return the losses."""
    losses = []
    for _ in range(steps):
        closure = problem.closure(optimizer)
        loss = optimizer.step(closure)
        losses.append(float(loss.detach()))
    return losses


def differing(
    ours: list[np.ndarray], theirs: list[np.ndarray], tolerance: tuple[float, float]
) -> str | None:
    """Return how arrays differ, ``None`` where they agree."""
    rtol, atol = tolerance
    for index, (left, right) in enumerate(zip(ours, theirs, strict=True)):
        if left.dtype != right.dtype or left.shape != right.shape:
            return f"array {index}: {left.dtype}{left.shape} against {right.dtype}{right.shape}"
        if not np.allclose(left, right, rtol=rtol, atol=atol, equal_nan=True):
            worst = np.abs(np.asarray(left, complex) - right).max()
            return f"array {index} is off by {worst:.2e}"
    return None


def state_arrays(optimizer: Any) -> tuple[list[str], list[np.ndarray]]:
    """Return the tensors of the state in order, with their names."""
    names, arrays = [], []
    for key, state in optimizer.state_dict()["state"].items():
        for name, value in sorted(state.items()):
            if hasattr(value, "detach"):
                names.append(f"{key}.{name}")
                arrays.append(value.detach().numpy().copy())
    return names, arrays


def trajectory(info: OptimizerInfo, kwargs: dict, dtype: str, tolerance: Any) -> str | None:
    """Compare parameters, states and losses after some steps."""
    matrices = info.name == "Muon"
    steps = 4 if info.name == "LBFGS" else STEPS
    seen = []
    for library in (jtorch, torch):
        problem, optimizer = make(info, kwargs, library, dtype, matrices)
        losses = advance(problem, optimizer, steps)
        names, states = state_arrays(optimizer)
        seen.append((np.array(losses), problem.arrays(), names, states, repr(optimizer)))
    ours, theirs = seen
    if ours[2] != theirs[2]:
        return f"state {ours[2]} against {theirs[2]}"
    if ours[4] != theirs[4]:
        return f"repr {ours[4]!r} against {theirs[4]!r}"
    problem_found = differing(
        [ours[0]], [theirs[0]], (max(tolerance[0], TRAJECTORY_LOSS), tolerance[1])
    )
    if problem_found and dtype == "float32":
        return f"losses: {problem_found}"
    found = differing(ours[1], theirs[1], tolerance)
    if found:
        return f"parameters: {found}"
    if info.name == "LBFGS":
        return None
    found = differing(ours[3], theirs[3], tolerance)
    return f"state: {found}" if found else None


def exchange(info: OptimizerInfo, kwargs: dict, tolerance: Any) -> str | None:
    """Save in one library, load in the other, and go on; both ways."""
    matrices = info.name == "Muon"
    for source, target in ((torch, jtorch), (jtorch, torch)):
        problem, optimizer = make(info, kwargs, source, "float32", matrices)
        advance(problem, optimizer, 3)
        other, loaded = make(info, kwargs, target, "float32", matrices)
        with target.no_grad():
            for param, array in zip(other.params, problem.arrays(), strict=True):
                param.copy_(target.tensor(array))
        # As a file would carry it: a state is aliased by what it was loaded from.
        loaded.load_state_dict(_carried(optimizer.state_dict(), target))
        advance(problem, optimizer, 3)
        advance(other, loaded, 3)
        found = differing(other.arrays(), problem.arrays(), tolerance)
        if found:
            return f"{source.__name__} to {target.__name__}: {found}"
    return None


def _carried(value: Any, target: Any) -> Any:
    if hasattr(value, "detach"):
        return target.tensor(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {key: _carried(each, target) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_carried(each, target) for each in value)
    return value


def differentiable(info: OptimizerInfo, kwargs: dict) -> str | None:
    """Differentiate through two steps, or one where PyTorch refuses two."""
    for steps in (2, 1):
        try:
            theirs = _through(info, kwargs, torch, steps)
        except RuntimeError:
            continue
        return differing(_through(info, kwargs, jtorch, steps), theirs, DIFFERENTIABLE_STEP)
    return "PyTorch refuses"


def _through(info: OptimizerInfo, kwargs: dict, library: Any, steps: int) -> list[np.ndarray]:
    problem = Problem(library, "float64", False)
    leaves = problem.params
    problem.params = [leaf.clone() for leaf in leaves]
    cls = getattr(library.optim, info.name)
    optimizer = cls(problem.params, **converted(kwargs, library), differentiable=True)
    for _ in range(steps):
        grads = library.autograd.grad(problem.loss(), problem.params, create_graph=True)
        for param, grad in zip(problem.params, grads, strict=True):
            param.grad = grad
        optimizer.step()
    grads = library.autograd.grad(problem.loss(), leaves)
    return [grad.detach().numpy() for grad in grads]


def copies(info: OptimizerInfo, kwargs: dict) -> str | None:
    """Copy deeply and save: the copies go on as the original does."""
    matrices = info.name == "Muon"
    problem, optimizer = make(info, kwargs, jtorch, "float32", matrices)
    advance(problem, optimizer, 2)
    copied = copy.deepcopy(optimizer)
    if repr(copied) != repr(optimizer):
        return "the copy shows differently"
    before = state_arrays(copied)[1]
    advance(problem, optimizer, 1)
    if differing(state_arrays(copied)[1], before, EXACT):
        return "the copy shares its state"
    file = io.BytesIO()
    jtorch.save(optimizer.state_dict(), file)
    file.seek(0)
    read = torch.load(file, weights_only=False)
    _, theirs = make(info, kwargs, torch, "float32", matrices)
    theirs.load_state_dict(read)
    return differing(state_arrays(theirs)[1], state_arrays(optimizer)[1], EXACT)


def errors(info: OptimizerInfo) -> list[str]:
    """Raise what PyTorch raises for wrong arguments."""
    found = []
    for number, entry in enumerate(info.optim_error_inputs_func(device="cpu", dtype=torch.float32)):
        said = []
        for library in (jtorch, torch):
            said.append(_error_of(entry, info, library))
        if said[0] != said[1]:
            found.append(f"error {number}: {said[0]!r} against {said[1]!r}")
    return found


def _error_of(entry: Any, info: OptimizerInfo, library: Any) -> tuple[str, str]:
    given = entry.optimizer_error_input
    memo: dict[int, Any] = {}

    def params_of(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if id(value) not in memo:
                if library is torch:
                    memo[id(value)] = value
                else:
                    dense = value.detach().to_dense() if value.is_sparse else value.detach()
                    data = jtorch.tensor(dense.numpy().copy())
                    made = jtorch.nn.Parameter(data.to_sparse() if value.is_sparse else data)
                    if value.grad is not None and not value.grad.is_sparse:
                        made.grad = jtorch.tensor(value.grad.numpy().copy())
                    memo[id(value)] = made
            return memo[id(value)]
        if isinstance(value, dict):
            return {key: params_of(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(params_of(each) for each in value)
        return value

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            cls = getattr(library.optim, info.name)
            optimizer = cls(params_of(given.params), **converted(given.kwargs, library))
            if entry.error_on is OptimizerErrorEnum.STEP_ERROR:
                for param in optimizer.param_groups[0]["params"]:
                    param.grad = library.ones_like(param)
                optimizer.step()
        except Exception as error:
            return type(error).__name__, str(error).replace("torch.nn.parameter.", "")
    return "nothing", ""


def check(info: OptimizerInfo, full: bool) -> tuple[list[str], int, int]:
    """Return everything that is wrong, the trajectories compared, and how many there are.

    Unless all are asked for, a set of keyword arguments goes through one dtype and the next set
    through the other.
    """
    tolerances = MUON_TRAJECTORY if info.name == "Muon" else TRAJECTORY
    found = errors(info)
    if info.only_supports_sparse_grads:
        return found, 0, 0
    inputs = [
        (entry.desc, entry.kwargs)
        for entry in info.optim_inputs_func(device="cpu", dtype=torch.float32)
    ]
    for flag in ("foreach", "fused"):
        if flag in info.supported_impls:
            inputs.append((flag, {flag: True}))
    # What is capturable is refused on the CPU, which the errors show.
    inputs = [each for each in inputs if not each[1].get("capturable")]
    dtypes = ["float32", "float64"]
    for number, (description, kwargs) in enumerate(inputs):
        for dtype in dtypes if full else [dtypes[number % 2]]:
            wrong = _caught(trajectory, info, kwargs, dtype, tolerances[dtype])
            if wrong:
                found.append(f"{dtype} {description}: {wrong}")
    if info.supports_complex and info.name != "LBFGS":
        wrong = _caught(trajectory, info, {}, "complex64", TRAJECTORY["float32"])
        if wrong:
            found.append(f"complex64: {wrong}")
    wrong = _caught(exchange, info, {}, tolerances["float32"])
    if wrong:
        found.append(f"exchange: {wrong}")
    wrong = _caught(copies, info, {})
    if wrong:
        found.append(f"copies: {wrong}")
    if "differentiable" in info.supported_impls:
        wrong = _caught(differentiable, info, {})
        if wrong:
            found.append(f"differentiable: {wrong}")
    there = len(dtypes) * len(inputs)
    return found, there if full else len(inputs), there


def _caught(function: Callable, *args: Any) -> str | None:
    try:
        return function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
