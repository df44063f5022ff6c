"""Passes run one after another, in an order that constraints allow."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ...graph_module import GraphModule
from .pass_base import PassResult

__all__ = ["PassManager", "pass_result_wrapper", "this_before_that_pass_constraint"]

Pass = Callable[[Any], Any]
Constraint = Callable[[Pass, Pass], bool]


def _name(each: Pass) -> str:
    return each.__name__ if inspect.isfunction(each) else type(each).__name__


def pass_result_wrapper(fn: Pass) -> Pass:
    """Return a pass that returns a ``PassResult``, of one that returns a module or nothing.

    Args:
        fn: the pass; its result counts as modified.
    """
    if fn is None:
        return None

    @functools.wraps(fn)
    def wrapped(module: Any) -> PassResult:
        result = fn(module)
        if isinstance(result, PassResult):
            return result
        return PassResult(module if result is None else result, True)

    if not inspect.isfunction(fn):
        wrapped.__name__ = type(fn).__name__
    return wrapped


def this_before_that_pass_constraint(this: Pass, that: Pass) -> Constraint:
    """Return the constraint that one pass has to come before another.

    Args:
        this: the earlier one.
        that: the later one.
    Returns:
        A function of two passes: whether the first may come before the second.
    """

    def allowed(first: Pass, second: Pass) -> bool:
        return (first, second) != (that, this)

    return allowed


def _refuse_wrong_order(constraint: Constraint, passes: list[Pass]) -> None:
    for later in range(1, len(passes)):
        for earlier in range(later):
            one, two = passes[earlier], passes[later]
            if not constraint(one, two):
                # PyTorch counts the second from behind the first.
                raise RuntimeError(
                    f"pass schedule constraint violated. Expected {one} before {two} but found "
                    f"{one} at index {earlier} and {two} at index {later - earlier - 1} in pass "
                    "list."
                )


def _ordered(passes: list[Pass], constraints: list[Constraint]) -> list[Pass]:
    """Return the passes in an order that all constraints allow, each as early as it may come."""
    if not constraints:
        return passes
    waits_for = {
        each: {
            other
            for other in passes
            if other != each and not all(allowed(each, other) for allowed in constraints)
        }
        for each in passes
    }
    found: list[Pass] = []
    ready = [each for each in passes if not waits_for[each]]
    while ready:
        done = ready.pop(0)
        found.append(done)
        for each in passes:
            if done in waits_for[each]:
                waits_for[each].discard(done)
                if not waits_for[each]:
                    ready.append(each)
    left = [each for each in waits_for if waits_for[each]]
    if left:
        raise RuntimeError(f"Circular dependency detected within the following passes: {left}")
    return found


class PassManager:
    """Passes and the constraints on their order.

    Args:
        passes: functions of a module that return a ``PassResult``.
        constraints: functions of two passes: whether the first may come before the second.
        steps: how often all passes are run at most; they are run again while one modifies.
        run_checks_after_each_pass: whether ``check`` is called behind every pass.
        suppress_check_failures: kept.
    """

    passes: list[Pass]
    constraints: list[Constraint]
    steps = 1
    _validated = False

    def __init__(
        self,
        passes: list[Pass] | None = None,
        constraints: list[Constraint] | None = None,
        steps: int | None = None,
        run_checks_after_each_pass: bool = False,
        suppress_check_failures: bool = False,
    ):
        self.passes = passes or []
        self.constraints = constraints or []
        self.steps = steps or self.steps
        self.run_checks_after_each_pass = run_checks_after_each_pass
        self.suppress_check_failures = suppress_check_failures

    def add_pass(self, _pass: Pass) -> None:
        """Add a pass behind the others."""
        self.passes.append(_pass)
        self._validated = False

    def add_constraint(self, constraint: Constraint) -> None:
        """Add a constraint on the order."""
        self.constraints.append(constraint)
        self._validated = False

    def validate_constraints(self) -> None:
        """Raise where the order of the passes is not allowed.

        Raises:
            RuntimeError: it is not.
        """
        if not self._validated:
            for constraint in self.constraints:
                _refuse_wrong_order(constraint, self.passes)
            self._validated = True

    def solve_constraints(self) -> None:
        """Put the passes into an order that is allowed.

        Raises:
            RuntimeError: there is none.
        """
        self.passes = _ordered(self.passes, self.constraints)
        self._validated = True

    def add_checks(self, check: Callable[[Any], None]) -> None:
        """Let a function of a module look at it before the passes, and behind each if wanted.

        Raises:
            TypeError: it has not one parameter.
        """
        if len(inspect.signature(check).parameters) != 1:
            raise TypeError("PassManager check function should only take in one variable, a module")
        vars(self)["check"] = check

    def check(self, module: Any) -> None:
        """Look at a module: nothing is wrong with any unless ``add_checks`` says more."""

    def __call__(self, module: Any) -> PassResult:
        """Run the passes on a module.

        Raises:
            Exception: a pass failed, whose error is the cause.
        """
        if not self._validated:
            self.solve_constraints()
        self.check(module)
        ever_modified = False
        for _ in range(self.steps):
            modified = False
            for place, each in enumerate(self.passes):
                try:
                    result = self._run(each, module)
                    module = result.graph_module
                    modified = modified or result.modified
                    if isinstance(module, GraphModule):
                        module.recompile()
                    if self.run_checks_after_each_pass:
                        self.check(module)
                except Exception as error:
                    before = [_name(earlier) for earlier in self.passes[:place]]
                    raise Exception(
                        f"An error occurred when running the '{_name(each)}' pass after the "
                        f"following passes: {before}"
                    ) from error
            ever_modified = ever_modified or modified
            if not modified:
                break
        return PassResult(module, ever_modified)

    def _run(self, each: Pass, module: Any) -> Any:
        result = each(module)
        if not hasattr(result, "graph_module"):
            raise TypeError(
                f"The result of the pass {_name(each)} should be type PassResult.Please wrap it "
                "with pass_result_wrapper()"
            )
        return result
