"""L-BFGS, with a line search that satisfies the strong Wolfe conditions if wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..autograd.grad_mode import no_grad
from ..ops.optim.curvature import lbfgs_direction
from . import _common, _messages
from .optimizer import Optimizer, ParamsT, _to_scalar

__all__ = ["LBFGS"]


def _cubic_interpolate(
    x1: Any, f1: Any, g1: Any, x2: Any, f2: Any, g2: Any, bounds: Any = None
) -> Any:
    """Return where the cubic through two points with slopes is least, within bounds.

    Nocedal and Wright, Numerical Optimization, 2nd edition, equation 3.59.
    """
    low, high = bounds if bounds is not None else ((x1, x2) if x1 <= x2 else (x2, x1))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        place = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(place, low), high)


class _Point:
    """A step size that was tried: the loss, the gradient and the slope along the direction."""

    __slots__ = ("t", "f", "g", "slope")

    def __init__(self, t: Any, f: Any, g: Any, slope: Any):
        self.t = t
        self.f = f
        self.g = g
        self.slope = slope


class _Search:
    """A line search for the strong Wolfe conditions (Nocedal and Wright, algorithms 3.5 and 3.6).

    Args:
        evaluate: ``(x, t, d) -> loss, gradient`` after a step of size ``t`` along ``d`` from ``x``.
        x, d: where from, and along what.
        loss, slope: at step size 0.
        c1, c2: constants of the conditions.
        tolerance: bracket, in terms of the greatest change of an element, that is small enough.
        turns: evaluations after the first.
    """

    def __init__(
        self,
        evaluate: Callable,
        x: Any,
        d: Any,
        loss: float,
        slope: Any,
        turns: int,
        c1: float = 1e-4,
        c2: float = 0.9,
        tolerance: float = 1e-9,
    ):
        self.evaluate = evaluate
        self.x = x
        self.d = d
        self.loss = loss
        self.slope = slope
        self.turns = turns
        self.c1 = c1
        self.c2 = c2
        self.tolerance = tolerance
        self.evaluations = 0

    def at(self, t: Any) -> _Point:
        loss, grad = self.evaluate(self.x, t, self.d)
        self.evaluations += 1
        return _Point(t, loss, grad, grad.dot(self.d))

    def _too_high(self, point: _Point) -> bool:
        return bool(point.f > self.loss + self.c1 * point.t * self.slope)

    def _flat(self, point: _Point) -> bool:
        return bool(abs(point.slope) <= -self.c2 * self.slope)

    def run(self, t: Any, grad: Any) -> tuple[Any, Any, Any, int]:
        """Return loss, gradient and step size, and how often the loss was evaluated."""
        widest = self.d.abs().max()
        start = _Point(0, self.loss, grad.clone(memory_format=torch.contiguous_format), self.slope)
        bracket, turn, done = self._bracket(start, t)
        stuck = False
        # The end with the lesser loss, and the other one.
        low, high = (0, 1) if bracket[0].f <= bracket[-1].f else (1, 0)
        while not done and turn < self.turns:
            first, second = bracket
            if abs(second.t - first.t) * widest < self.tolerance:
                break
            t, stuck = self._inside(first, second, stuck)
            point = self.at(t)
            turn += 1
            if self._too_high(point) or point.f >= bracket[low].f:
                bracket[high] = point
                low, high = (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)
                continue
            if self._flat(point):
                done = True
            elif point.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = point
        best = bracket[low]
        return best.f, best.g, best.t, self.evaluations

    def _bracket(self, start: _Point, t: Any) -> tuple[list[_Point], int, bool]:
        """Return two points with a good one between them, or one that is good."""
        point = self.at(t)
        previous = start
        turn = 0
        while turn < self.turns:
            if self._too_high(point) or (turn > 1 and point.f >= previous.f):
                return [previous, point], turn, False
            if self._flat(point):
                return [point], turn, True
            if point.slope >= 0:
                return [previous, point], turn, False
            bounds = (point.t + 0.01 * (point.t - previous.t), point.t * 10)
            t = _cubic_interpolate(
                previous.t, previous.f, previous.slope, point.t, point.f, point.slope, bounds
            )
            previous, point = point, self.at(t)
            turn += 1
        return [start, point], turn, False

    def _inside(self, first: _Point, second: _Point, stuck: bool) -> tuple[Any, bool]:
        """Return the next step size, not too near an end twice in a row."""
        t = _cubic_interpolate(first.t, first.f, first.slope, second.t, second.f, second.slope)
        least, most = min(first.t, second.t), max(first.t, second.t)
        margin = 0.1 * (most - least)
        if not min(most - t, t - least) < margin:
            return t, False
        if stuck or t >= most or t <= least:
            return (most - margin if abs(t - most) < abs(t - least) else least + margin), False
        return t, True


class LBFGS(Optimizer):
    """L-BFGS: the limited-memory quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno.

    For the vector ``p`` of all parameters with gradient ``g``, an iteration is ``p = p - t H g``.
    ``H`` approximates the inverse Hessian from the last changes of gradient and parameters by the
    two-loop recursion; the step size ``t`` is ``lr``, or found by a line search. Liu and Nocedal,
    On the limited memory BFGS method for large scale optimization (1989); line search and stopping
    rules of Schmidt's minFunc (2005). There is one parameter group.

    It is not based on ``SteppedOptimizer``, as a step evaluates the closure several times, and has
    one state for all parameters, which are one vector to it.

    Args:
        params: parameters.
        lr: step size, or the first one that a line search tries; a number or a tensor of one
            element.
        max_iter: most iterations in a step.
        max_eval: most evaluations of the closure in a step; by default ``1.25 * max_iter``.
        tolerance_grad: stop where no element of the gradient exceeds it, in units of the gradient.
        tolerance_change: stop where loss, or parameters, change by less, in units of either.
        history_size: how many changes ``H`` is made from.
        line_search_fn: ``"strong_wolfe"`` for step sizes under the strong Wolfe conditions, or
            ``None``.
    Raises:
        ValueError: the rate is out of range, or there are several groups.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        _common.check_lr(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise _messages.lbfgs_groups()
        self._params = self.param_groups[0]["params"]
        self._numel_cache: int | None = None

    def _numel(self) -> int:
        if self._numel_cache is None:
            self._numel_cache = sum(
                2 * p.numel() if torch.is_complex(p) else p.numel() for p in self._params
            )
        return self._numel_cache

    def _gather_flat_grad(self) -> Any:
        flat = []
        for param in self._params:
            if param.grad is None:
                part = param.new_zeros(param.numel())
            else:
                grad = param.grad
                part = (grad.to_dense() if grad.is_sparse else grad).reshape(-1)
            if torch.is_complex(part):
                part = torch.view_as_real(part).reshape(-1)
            flat.append(part)
        return torch.cat(flat, 0)

    def _add_grad(self, step_size: Any, update: Any) -> None:
        offset = 0
        for param in self._params:
            target = torch.view_as_real(param) if torch.is_complex(param) else param
            count = target.numel()
            part = update[offset : offset + count].view_as(target)
            if isinstance(step_size, Tensor):
                # As a number, which PyTorch reads here; the tensor stays in the program.
                target.add_(part * step_size)
            else:
                target.add_(part, alpha=step_size)
            offset += count
        assert offset == self._numel()

    def _directional_evaluate(self, closure: Callable, x: Any, t: Any, d: Any) -> tuple[float, Any]:
        self._add_grad(t, d)
        loss = float(closure())
        flat_grad = self._gather_flat_grad()
        for param, before in zip(self._params, x, strict=True):
            param.copy_(before)
        return loss, flat_grad

    def _direction(self, state: dict[str, Any], memory: dict[str, Any], flat_grad: Any) -> Any:
        """Return the direction of the next step, and remember the last one."""
        if state["n_iter"] == 1:
            memory.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return flat_grad.neg()
        dirs, steps, ro = memory["old_dirs"], memory["old_stps"], memory["ro"]
        change = flat_grad.sub(memory["prev_flat_grad"])
        step = memory["d"].mul(memory["t"])
        curvature = change.dot(step)
        if curvature > 1e-10:
            if len(dirs) == self.param_groups[0]["history_size"]:
                for history in (dirs, steps, ro):
                    history.pop(0)
            dirs.append(change)
            steps.append(step)
            ro.append(1.0 / curvature)
            memory["H_diag"] = curvature / change.dot(change)
        state.setdefault("al", [None] * self.param_groups[0]["history_size"])
        if not dirs:
            return flat_grad.neg().mul(memory["H_diag"])
        # Padded, so that a history that grows is eight programs and not a hundred.
        missing = (1 << (len(dirs) - 1).bit_length()) - len(dirs)
        nothing, zero = torch.zeros_like(flat_grad), torch.zeros_like(ro[0])
        return lbfgs_direction.call(
            flat_grad,
            memory["H_diag"],
            [nothing] * missing + dirs,
            [nothing] * missing + steps,
            [zero] * missing + ro,
        )

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take up to ``max_iter`` iterations.

        Args:
            closure: evaluates the model again, calls ``backward()`` and returns the loss.
        """
        assert len(self.param_groups) == 1
        closure = torch.enable_grad()(closure)
        group = self.param_groups[0]
        lr = _to_scalar(group["lr"])
        max_iter, max_eval = group["max_iter"], group["max_eval"]
        tolerance_grad, tolerance_change = group["tolerance_grad"], group["tolerance_change"]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        orig_loss = closure()
        loss = float(orig_loss)
        evaluations = 1
        state["func_evals"] += 1
        flat_grad = self._gather_flat_grad()
        if flat_grad.abs().max() <= tolerance_grad:
            return orig_loss
        names = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")
        memory = {name: state.get(name) for name in names}
        turn = 0
        while turn < max_iter:
            turn += 1
            state["n_iter"] += 1
            d = memory["d"] = self._direction(state, memory, flat_grad)
            if memory["prev_flat_grad"] is None:
                memory["prev_flat_grad"] = flat_grad.clone(memory_format=torch.contiguous_format)
            else:
                memory["prev_flat_grad"].copy_(flat_grad)
            prev_loss = memory["prev_loss"] = loss
            t = lr
            if state["n_iter"] == 1:
                t = min(1.0, 1.0 / flat_grad.abs().sum()) * lr
            memory["t"] = t
            slope = flat_grad.dot(d)
            if slope > -tolerance_change:
                break
            made = 0
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise _messages.lbfgs_search()
                x = [param.clone(memory_format=torch.contiguous_format) for param in self._params]

                def evaluate(x: Any, t: Any, d: Any) -> tuple[float, Any]:
                    return self._directional_evaluate(closure, x, t, d)

                search = _Search(evaluate, x, d, loss, slope, max_eval - evaluations)
                loss, flat_grad, t, made = search.run(t, flat_grad)
                memory["t"] = t
                self._add_grad(t, d)
                small = flat_grad.abs().max() <= tolerance_grad
            else:
                self._add_grad(t, d)
                small = False
                if turn != max_iter:
                    loss = float(closure())
                    flat_grad = self._gather_flat_grad()
                    small = flat_grad.abs().max() <= tolerance_grad
                    made = 1
            evaluations += made
            state["func_evals"] += made
            if turn == max_iter or evaluations >= max_eval or small:
                break
            if d.mul(t).abs().max() <= tolerance_change:
                break
            if abs(loss - prev_loss) < tolerance_change:
                break
        state.update(memory)
        return orig_loss
