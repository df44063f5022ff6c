"""A softmax for many classes of which few are frequent."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from .. import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """Adaptive softmax: log probabilities of many classes, rare ones grouped into clusters.

    Grave et al., *Efficient softmax approximation for GPUs*, 2017.

    Args:
        in_features: size of the last dimension of the input.
        n_classes: how many classes there are, the most frequent first.
        cutoffs: where clusters begin; classes before the first stand in the head.
        div_value: by how much each cluster's projection is smaller than that before.
        head_bias: whether the head has a bias.
        device, dtype: of the parameters.
    Raises:
        ValueError: the cutoffs do not grow from 1 to at most ``n_classes - 1``.
    """

    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    head: Linear
    tail: ModuleList

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        grows = all(low < high for low, high in pairwise(cutoffs))
        if (
            not grows
            or cutoffs[0] <= 0
            or cutoffs[-1] > n_classes - 1
            or any(int(c) != c for c in cutoffs)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                "order, where each value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        factory_options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **factory_options)
        self.tail = ModuleList()
        for number, (low, high) in enumerate(pairwise(self.cutoffs), 1):
            hidden = int(in_features // div_value**number)
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **factory_options),
                    Linear(hidden, high - low, bias=False, **factory_options),
                )
            )

    def reset_parameters(self) -> None:
        """Initialise the parameters."""
        self.head.reset_parameters()
        for projection in self.tail:
            for layer in projection:  # type: ignore[attr-defined]
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """Return the log likelihoods of the targets and the mean loss.

        Args:
            input_: of shape ``(N, in_features)`` or ``(in_features,)``.
            target_: class numbers of shape ``(N,)`` or ``()``.
        Raises:
            RuntimeError: the shapes do not fit, or there is no such class.
        """
        batched = _check_shapes(input_, target_)
        input: Any = input_ if batched else input_.unsqueeze(0)
        target: Any = target_ if batched else target_.unsqueeze(0)
        count = target.size(0)
        output = input.new_zeros(count)
        head_targets = target.new_empty(count)
        used = 0
        for number, (low, high) in enumerate(pairwise([0, *self.cutoffs])):
            inside = (target >= low) & (target < high)
            rows = inside.nonzero().squeeze()
            if rows.numel() == 0:
                continue
            if number == 0:
                head_targets.index_copy_(0, rows, target[inside])
            else:
                relative = target[inside] - low
                scores = self.tail[number - 1](input.index_select(0, rows))
                head_targets.index_fill_(0, rows, self.shortlist_size + number - 1)
                likelihood = F.log_softmax(scores, dim=1).gather(1, relative.unsqueeze(1))
                output.index_copy_(0, rows, likelihood.squeeze(1))
            used += rows.numel()
        if used != count:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        head = F.log_softmax(self.head(input), dim=1)
        output += head.gather(1, head_targets.unsqueeze(1)).squeeze()
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _get_full_log_prob(self, input: Any, head_output: Any) -> Any:
        """Return the log probabilities of all classes."""
        out = input.new_empty((head_output.size(0), self.n_classes))
        head = F.log_softmax(head_output, dim=1)
        out[:, : self.shortlist_size] = head[:, : self.shortlist_size]
        for number, (low, high) in enumerate(pairwise(self.cutoffs)):
            cluster = F.log_softmax(self.tail[number](input), dim=1)
            out[:, low:high] = cluster + head[:, self.shortlist_size + number].unsqueeze(1)
        return out

    def log_prob(self, input: Tensor) -> Tensor:
        """Return the log probabilities of all classes, of shape ``(N, n_classes)``."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """Return the most likely class of each row; the tail is only looked at where it wins."""
        scores = self.head(input)
        output = torch.argmax(scores, dim=1)
        in_tail = output >= self.shortlist_size
        if not in_tail.any():
            return output
        if in_tail.all():
            return torch.argmax(self._get_full_log_prob(input, scores), dim=1)
        likelihoods = self._get_full_log_prob(input[in_tail], scores[in_tail])
        output[in_tail] = torch.argmax(likelihoods, dim=1)
        return output


def _check_shapes(input: Tensor, target: Tensor) -> bool:
    """Return whether there is a batch dimension."""
    ndim = target.dim()
    if ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if ndim == 1 and input.size(0) != target.size(0):
        raise RuntimeError("Input and target should have the same size in the batch dimension.")
    if input.dim() != ndim + 1:
        raise RuntimeError(
            f"{ndim}D target tensor expects {ndim + 1}D input tensors, but found inputs with size "
            f"{input.size()}"
        )
    return ndim == 1
