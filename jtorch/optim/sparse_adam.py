"""Adam for sparse gradients."""

from __future__ import annotations

from typing import Any

from .._tensor.tensor import Tensor
from ..autograd.grad_mode import no_grad
from . import _common, _messages, _sparse
from .optimizer import Optimizer, ParamsT

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for sparse gradients: moments and parameters change only where a gradient is given.

    It is not based on ``SteppedOptimizer``, whose step is one operator for dense gradients.

    Args:
        params: dense parameters or parameter groups.
        lr: learning rate, more than 0, a number or a tensor of one element.
        betas: decay rates of the first and of the second moment, in [0, 1).
        eps: added to the denominator, in units of the gradient, more than 0.
        maximize: ascend the gradient instead.
    Raises:
        ValueError: a number is out of range, or a parameter is sparse or complex.
        RuntimeError: in a step, where a gradient is dense.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise _messages.tensor_not_single("lr")
        if not 0.0 < lr:
            raise _messages.invalid("learning rate", lr)
        if not 0.0 < eps:
            raise _messages.invalid("epsilon value", eps)
        _common.check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        sparse_params = [
            [index, place]
            for index, group in enumerate(self.param_groups)
            for place, param in enumerate(group["params"])
            if param.is_sparse
        ]
        if sparse_params:
            raise _messages.sparse_params(sparse_params)
        complex_params = [
            [index, place]
            for index, group in enumerate(self.param_groups)
            for place, param in enumerate(group["params"])
            if param.is_complex()
        ]
        if complex_params:
            raise _messages.complex_params(complex_params)

    @no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model again, calls ``backward()`` and returns the loss.
        """
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            given = [param for param in group["params"] if param.grad is not None]
            if not all(param.grad.is_sparse for param in given):
                raise _messages.sparse_only()
            for param in given:
                _sparse.sparse_adam(param, param.grad, self.state[param], group)
        return loss
