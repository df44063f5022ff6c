"""Loss functions as modules."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from ..._tensor.tensor import Tensor
from .. import _reduction
from .. import functional as F
from .linear import Linear
from .module import Module

__all__ = [
    *("L1Loss", "NLLLoss", "NLLLoss2d", "PoissonNLLLoss", "GaussianNLLLoss", "KLDivLoss"),
    *("MSELoss", "BCELoss", "BCEWithLogitsLoss", "HingeEmbeddingLoss", "MultiLabelMarginLoss"),
    *("SmoothL1Loss", "HuberLoss", "SoftMarginLoss", "CrossEntropyLoss"),
    *("LinearCrossEntropyLoss", "MultiLabelSoftMarginLoss", "CosineEmbeddingLoss"),
    *("MarginRankingLoss", "MultiMarginLoss", "TripletMarginLoss"),
    *("TripletMarginWithDistanceLoss", "CTCLoss"),
]


class _Loss(Module):
    """A loss that is reduced.

    Args:
        size_average, reduce: deprecated forms of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """

    reduction: str

    def __init__(
        self, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ) -> None:
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = _reduction.legacy_get_string(size_average, reduce)
        self.reduction = reduction


class _WeightedLoss(_Loss):
    """A loss with weights, which are a buffer.

    Args:
        weight: the weights, or ``None``.
        size_average, reduce: deprecated forms of ``reduction``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(_Loss):
    """L1 loss (absolute error): ``|x - y|``, for input ``x`` and target ``y`` of one shape."""

    __constants__ = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of tensors of one shape."""
        return F.l1_loss(input, target, reduction=self.reduction)


class NLLLoss(_WeightedLoss):
    """Negative log likelihood loss: ``-weight[y] * x[y]``, of log probabilities ``x``.

    The input is ``(N, C, d1, ...)``; the target ``(N, d1, ...)`` holds class indices ``y``.

    Args:
        weight: rescaling weight of each class, of shape ``(C,)``.
        ignore_index: a target class that contributes neither loss nor gradient.
        reduction: ``"mean"`` (weighted), ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["ignore_index", "reduction"]
    ignore_index: int

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of log probabilities ``(N, C, ...)`` and class indices ``(N, ...)``."""
        return F.nll_loss(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class NLLLoss2d(NLLLoss):
    """``NLLLoss`` under its old name for images (deprecated)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in "
            "replacement and see https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more "
            "details.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)


class PoissonNLLLoss(_Loss):
    """Poisson negative log likelihood: ``exp(x) - y * x``, for a log rate ``x`` and a count ``y``.

    With ``log_input=False`` the input is the rate: ``x - y * log(x + eps)``.

    Args:
        log_input: whether the input is the logarithm of the mean.
        full: whether to add Stirling's approximation of the term without the mean.
        eps: added to the mean before its logarithm is taken.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["log_input", "full", "eps", "reduction"]
    log_input: bool
    full: bool
    eps: float

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: Any = None,
        eps: float = 1e-8,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of tensors of one shape."""
        return F.poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )


class GaussianNLLLoss(_Loss):
    """Gaussian negative log likelihood: ``(log(var) + (x - y)^2 / var) / 2``, of a mean ``x``.

    Args:
        full: whether to add the constant ``log(2 pi) / 2``.
        eps: lower bound of the variance.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    """

    __constants__ = ["full", "eps", "reduction"]
    full: bool
    eps: float

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """Return the loss of means, numbers and variances."""
        return F.gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )


class KLDivLoss(_Loss):
    """Kullback-Leibler divergence: ``y * (log(y) - x)``, where ``x`` holds log probabilities.

    Args:
        reduction: ``"mean"``, ``"batchmean"``, ``"sum"`` or ``"none"``.
        log_target: whether the target is a logarithm too.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["reduction"]

    def __init__(
        self,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of log probabilities and probabilities."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class MSELoss(_Loss):
    """Mean squared error (squared L2 loss): ``(x - y)^2``, averaged unless asked otherwise."""

    __constants__ = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of tensors of one shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class BCELoss(_WeightedLoss):
    """Binary cross entropy: ``-(y * log(x) + (1 - y) * log(1 - x))``, of probabilities ``x``.

    Args:
        weight: factor of each element's loss, broadcast over the input.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of tensors of one shape."""
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Binary cross entropy of logits: ``BCELoss`` of ``sigmoid(x)``, computed stably.

    Formula: ``-(pos_weight * y * log(sigmoid(x)) + (1 - y) * log(1 - sigmoid(x)))``.

    Args:
        weight: factor of each element's loss, broadcast over the input.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: factor of the positive term, broadcast over the input.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of tensors of one shape."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class HingeEmbeddingLoss(_Loss):
    """Hinge embedding loss: ``x`` where ``y`` is 1, ``max(0, margin - x)`` where it is -1.

    Args:
        margin: the distance beyond which a pair costs nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["margin", "reduction"]
    margin: float

    def __init__(
        self,
        margin: float = 1.0,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of distances and targets (1 or -1) of one shape."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Multi-label margin (hinge) loss: ``sum_ij max(0, 1 - (x[y_j] - x[i])) / C``.

    The sum is over true classes ``y_j`` and every ``i`` that is none of them.
    """

    __constants__ = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores ``(N, C)`` and class indices, ended by -1, of that shape."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """Smooth L1 loss: ``d^2 / (2 beta)`` where ``d = |x - y| < beta``, else ``d - beta / 2``.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        beta: the absolute error below which the loss is quadratic.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["reduction"]

    def __init__(
        self,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of tensors of one shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """Huber loss: ``d^2 / 2`` where ``d = |x - y| <= delta``, else ``delta * (d - delta / 2)``.

    Quadratic for small errors, linear for large ones, so that outliers weigh less.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        delta: the absolute error from which on the loss is linear.
    Raises:
        TypeError: ``delta`` is no number.
    """

    __constants__ = ["reduction", "delta"]

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of tensors of one shape."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SoftMarginLoss(_Loss):
    """Soft margin (logistic) loss: ``log(1 + exp(-y * x))``, for targets ``y`` of 1 or -1."""

    __constants__ = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores and targets (1 or -1) of one shape."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    """Cross entropy of logits: ``-weight[y] * log(softmax(x)[y])``.

    The input is ``(C)`` or ``(N, C, d1, ...)``; the target holds class indices ``(N, d1, ...)``, or
    class probabilities in the input's shape.

    Args:
        weight: rescaling weight of each class, of shape ``(C,)``.
        ignore_index: a target class that contributes neither loss nor gradient.
        reduction: ``"mean"`` (weighted), ``"sum"`` or ``"none"``.
        label_smoothing: weight, in [0, 1], of the uniform distribution mixed into the targets.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["ignore_index", "reduction", "label_smoothing"]
    ignore_index: int
    label_smoothing: float

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits ``(N, C, ...)`` and class indices, or probabilities."""
        return F.cross_entropy(
            input,
            target,
            weight=self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class LinearCrossEntropyLoss(_WeightedLoss):
    """Linear layer followed by cross entropy: ``cross_entropy(x W^T + b, y)``.

    Args:
        in_features: size of the last dimension of the input.
        num_classes: how many classes there are.
        out_features: further dimensions of the logits.
        bias: whether the layer has one.
        device, dtype: of the layer.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        weight: rescaling weight of each class, of shape ``(C,)``.
        ignore_index: a target class that contributes neither loss nor gradient.
        label_smoothing: weight, in [0, 1], of the uniform distribution mixed into the targets.
        options: how PyTorch computes it in parts; here it is always one program.
    Raises:
        RuntimeError: there are not as many weights as classes, or the share is none.
    """

    __constants__ = ["num_classes", "out_features", "reduction", "ignore_index", "label_smoothing"]
    num_classes: int
    out_features: tuple[int, ...]
    ignore_index: int | None
    label_smoothing: float
    options: Any

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: Any = None,
    ) -> None:
        if weight is not None and weight.shape != (num_classes,):
            raise RuntimeError(
                f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}"
            )
        if label_smoothing < 0 or label_smoothing > 1.0:
            raise RuntimeError(
                f"expected label_smoothing to be in range [0, 1], got {label_smoothing}"
            )
        super().__init__(weight=weight, reduction=reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.linear = Linear(
            in_features,
            math.prod(out_features, start=num_classes),
            bias=bias,
            device=device,
            dtype=dtype,
        )
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of an input ``(N, ..., in_features)`` and its classes."""
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape((*shape, self.linear.in_features)),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        """Return the sizes and what else there is to choose."""
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Multi-label soft margin loss: binary cross entropy of logits, averaged over the classes.

    Args:
        weight: rescaling weight of each class, of shape ``(C,)``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["reduction"]

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits ``(N, C)`` and truths of that shape."""
        return F.multilabel_soft_margin_loss(
            input, target, weight=self.weight, reduction=self.reduction
        )


class CosineEmbeddingLoss(_Loss):
    """Cosine embedding loss: ``1 - cos(x1, x2)`` for target 1, ``max(0, cos - margin)`` for -1.

    Args:
        margin: the cosine that pairs with the target -1 may have.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["margin", "reduction"]
    margin: float

    def __init__(
        self,
        margin: float = 0.0,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss of vectors ``(N, D)`` and signs ``(N,)``."""
        return F.cosine_embedding_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class MarginRankingLoss(_Loss):
    """Margin ranking loss: ``max(0, -y * (x1 - x2) + margin)``; ``y = 1`` ranks ``x1`` higher.

    Args:
        margin: the lead.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    """

    __constants__ = ["margin", "reduction"]
    margin: float

    def __init__(
        self,
        margin: float = 0.0,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores, where the target is 1 if the first should be larger."""
        return F.margin_ranking_loss(
            input1, input2, target, margin=self.margin, reduction=self.reduction
        )


class MultiMarginLoss(_WeightedLoss):
    """Multi-class margin (hinge) loss: ``sum_{i != y} max(0, margin - x[y] + x[i])^p / C``.

    Args:
        p: 1, or 2 for squares.
        margin: the distance beyond which a pair costs nothing.
        weight: rescaling weight of each class, of shape ``(C,)``.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Raises:
        ValueError: another ``p``, or a weight that is no vector.
    """

    __constants__ = ["p", "margin", "reduction"]
    margin: float
    p: int

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError(
                "MultiMarginLoss: expected weight to be None or 1D tensor, got "
                f"{weight.dim()}D instead"
            )
        self.p = p
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of scores ``(N, C)`` and class indices ``(N,)``."""
        return F.multi_margin_loss(
            input,
            target,
            p=self.p,
            margin=self.margin,
            weight=self.weight,
            reduction=self.reduction,
        )


def _check_margin(name: str, margin: float) -> None:
    if margin <= 0:
        raise ValueError(f"{name}: expected margin to be greater than 0, got {margin} instead")


class TripletMarginLoss(_Loss):
    """Triplet margin loss: ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    Balntas et al., *Learning shallow convolutional feature descriptors with triplet losses*, 2016.

    Args:
        margin: the distance beyond which a pair costs nothing.
        p: of the norm.
        eps: added to differences.
        swap: whether the distance of positive and negative counts where it is smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.
    Raises:
        ValueError: the margin is not positive.
    """

    __constants__ = ["margin", "p", "eps", "swap", "reduction"]
    margin: float
    p: float
    eps: float
    swap: bool

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        _check_margin("TripletMarginLoss", margin)
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss of vectors ``(N, D)``."""
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(_Loss):
    """Triplet margin loss with a distance function of the user's choice.

    Args:
        distance_function: of two tensors; the Euclidean distance by default.
        margin: the distance beyond which a pair costs nothing.
        swap: whether the distance of positive and negative counts where it is smaller.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
    Raises:
        ValueError: the margin is not positive.
    """

    __constants__ = ["margin", "swap", "reduction"]
    margin: float
    swap: bool

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        _check_margin("TripletMarginWithDistanceLoss", margin)
        if distance_function is None:
            from .distance import PairwiseDistance

            distance_function = PairwiseDistance()
        self.distance_function = distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss of whatever the distance takes."""
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


class CTCLoss(_Loss):
    """Connectionist temporal classification (CTC) loss: ``-log p(labels | sequence)``.

    The probability is summed over all alignments of the labels with the longer sequence.

    Graves et al., *Connectionist temporal classification*, 2006.

    Args:
        blank: the class that is no label.
        reduction: ``"mean"`` (of losses divided by the targets' lengths), ``"sum"`` or ``"none"``.
        zero_infinity: whether infinite losses, and their gradients, are zero.
    """

    __constants__ = ["blank", "reduction"]
    blank: int
    zero_infinity: bool

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        """Return the loss of log probabilities ``(T, N, C)`` and labels ``(N, S)``.

        Args:
            log_probs: logarithms of probabilities.
            targets: labels, of shape ``(N, S)`` or all in one row.
            input_lengths, target_lengths: of each sequence.
        """
        return F.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )
