"""Transformations of optax as optimisers: an extension of jtorch, which PyTorch does not have."""

from __future__ import annotations

from typing import Any

from .._engine.recording.multi_tensor import ready_full
from ..ops.optim.optax_steps import OptaxStep
from .optimizer import Optimizer, ParamsT, _use_grad_for_differentiable

__all__ = ["Optax"]


class Optax(Optimizer):
    """Optimise with any gradient transformation of optax (an extension: PyTorch has no such class).

    The state of the transformation is kept as tensors, so ``state_dict`` saves and restores it. A
    step is one program, with the arithmetic of optax as it is: ``u, s = update(g, s, p)``, and then
    ``p = p + u``.

    It is not based on ``SteppedOptimizer``, as its state belongs to all parameters together and not
    to each of them.

    Args:
        params: parameters, in one group: rates and their schedules belong to the transformation.
        transformation: for instance ``optax.lion(1e-3)``, or a chain of transformations.
    Raises:
        ValueError: there are several parameter groups.

    >>> import optax
    >>> weight = torch.ones(2, requires_grad=True)
    >>> optimizer = torch.optim.Optax([weight], optax.lion(0.5))
    >>> weight.sum().backward()
    >>> optimizer.step()
    >>> weight
    tensor([0.4995, 0.4995], requires_grad=True)
    """

    def __init__(self, params: ParamsT, transformation: Any) -> None:
        super().__init__(params, {"differentiable": False})
        if len(self.param_groups) != 1:
            raise ValueError("Optax optimizes one parameter group")
        self._step = OptaxStep(transformation, self.param_groups[0]["params"])
        self.state["optax"] = self._step.first_state

    @_use_grad_for_differentiable
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once; a parameter without a gradient counts as one of zeros.

        Args:
            closure: evaluates the model again, calls ``backward()`` and returns the loss.
        """
        loss = self._closure_loss(closure)
        params = self.param_groups[0]["params"]
        grads = [ready_full(p) if p.grad is None else p.grad for p in params]
        self._step.step(params, grads, self.state["optax"])
        return loss
