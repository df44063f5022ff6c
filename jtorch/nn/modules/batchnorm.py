"""Batch normalisation: over the batch and all positions, for each channel."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter, UninitializedBuffer, UninitializedParameter
from .lazy import LazyModuleMixin
from .module import Module

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "SyncBatchNorm",
]


def check_rank(input: Tensor, *ranks: int) -> None:
    """Refuse an input of another number of dimensions."""
    if input.dim() not in ranks:
        wanted = " or ".join(f"{rank}D" for rank in ranks)
        raise ValueError(f"expected {wanted} input (got {input.dim()}D input)")


class _NormBase(Module):
    """What batch and instance normalisation share: parameters and running statistics."""

    _version = 2
    __constants__ = ["track_running_stats", "momentum", "eps", "num_features", "affine"]
    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool
    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        options = {"device": device, "dtype": dtype}
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            if wanted:
                setattr(self, name, Parameter(torch.empty(num_features, **options)))
            else:
                self.register_parameter(name, None)
        if track_running_stats:
            self.register_buffer("running_mean", torch.zeros(num_features, **options))
            self.register_buffer("running_var", torch.ones(num_features, **options))
            count = torch.tensor(0, dtype=torch.long, device=device)
            self.register_buffer("num_batches_tracked", count)
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Start the running statistics over: mean 0, variance 1, no batch."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Start over: the running statistics, weights of 1 and biases of 0."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Return the sizes and options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: Any,
        unexpected_keys: Any,
        error_msgs: Any,
    ) -> None:
        version = local_metadata.get("version", None)
        key = prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
            # Files of that age do not count batches.
            batch_count = self.num_batches_tracked
            usable = batch_count is not None and batch_count.device != torch.device("meta")
            state_dict[key] = batch_count if usable else torch.tensor(0, dtype=torch.long)
        super()._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )


class _BatchNorm(_NormBase):
    """Normalise channels by the batch's statistics, or by the running ones in evaluation."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def _count_batch(self) -> float:
        """Count a batch in training, and return its share in the running statistics."""
        share = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                share = 1.0 / float(self.num_batches_tracked)
        return share

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        self._check_input_dim(input)
        share = self._count_batch()
        by_batch = self.training or (self.running_mean is None and self.running_var is None)
        given = not self.training or self.track_running_stats
        return F.batch_norm(
            input,
            self.running_mean if given else None,
            self.running_var if given else None,
            self.weight,
            self.bias,
            by_batch,
            share,
            self.eps,
        )


class _LazyNormBase(LazyModuleMixin, _NormBase):
    """A normalisation that learns the number of channels from its first input."""

    weight: UninitializedParameter
    bias: UninitializedParameter

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        options = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**options)
            if bias:
                self.bias = UninitializedParameter(**options)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**options)
            self.running_var = UninitializedBuffer(**options)
            self.num_batches_tracked = torch.tensor(0, dtype=torch.long, device=device)

    def reset_parameters(self) -> None:
        """Start over, once the sizes are known."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        """Make the parameters and buffers for the channels of the input."""
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        size = (self.num_features,)
        if self.affine:
            self.weight.materialize(size)
            if self.bias is not None:
                self.bias.materialize(size)
        if self.track_running_stats:
            self.running_mean.materialize(size)
            self.running_var.materialize(size)
        self.reset_parameters()


_DOC = """Batch normalisation of {what}: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    S. Ioffe, C. Szegedy: Batch Normalization, ICML 2015.

    Args:
{first}        eps: added to the variance, for numerical stability.
        momentum: weight of a batch in the running mean and variance; ``None`` averages all.
        affine: whether to scale and shift by parameters.
        track_running_stats: whether there are running statistics, used in evaluation.
        device, dtype: of the parameters.
        bias: whether there is a parameter to shift by.
    """
_FIRST = "        num_features: number of channels.\n"
_WHAT = {1: "vectors or sequences", 2: "images", 3: "volumes"}


class BatchNorm1d(_BatchNorm):
    __doc__ = _DOC.format(what=_WHAT[1], first=_FIRST)

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 2, 3)


class LazyBatchNorm1d(_LazyNormBase, _BatchNorm):
    __doc__ = _DOC.format(what=_WHAT[1], first="")
    cls_to_become = BatchNorm1d

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 2, 3)


class BatchNorm2d(_BatchNorm):
    __doc__ = _DOC.format(what=_WHAT[2], first=_FIRST)

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 4)


class LazyBatchNorm2d(_LazyNormBase, _BatchNorm):
    __doc__ = _DOC.format(what=_WHAT[2], first="")
    cls_to_become = BatchNorm2d

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 4)


class BatchNorm3d(_BatchNorm):
    __doc__ = _DOC.format(what=_WHAT[3], first=_FIRST)

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 5)


class LazyBatchNorm3d(_LazyNormBase, _BatchNorm):
    __doc__ = _DOC.format(what=_WHAT[3], first="")
    cls_to_become = BatchNorm3d

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 5)


class SyncBatchNorm(_BatchNorm):
    """Normalise channels by the statistics of the batches of all processes of a group.

    Where there is no group, or this is not a training step, it is batch normalisation of any rank.

    Args:
        num_features: number of channels.
        eps, momentum, affine, track_running_stats, device, dtype, bias: as of ``BatchNorm2d``.
        process_group: whose batches are taken together; the world unless given.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input."""
        from ... import distributed

        group = self.process_group
        if self.training and distributed.is_initialized() and distributed.get_world_size(group) > 1:
            from ._synchronised import normalised

            self._check_input_dim(input)
            return normalised(self, input)
        return super().forward(input)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")
        self._check_non_zero_input_channels(input)

    def _check_non_zero_input_channels(self, input: Tensor) -> None:
        if input.size(1) == 0:
            raise ValueError("SyncBatchNorm number of input channels should be non-zero")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """Return a module whose batch normalisations are of this class.

        Args:
            module: the module; its children are replaced in it.
            process_group: of the new ones.
        """
        converted: Any = module
        if isinstance(module, _BatchNorm):
            converted = SyncBatchNorm(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            if module.affine:
                with torch.no_grad():
                    converted.weight = module.weight
                    converted.bias = module.bias
            converted.running_mean = module.running_mean
            converted.running_var = module.running_var
            converted.num_batches_tracked = module.num_batches_tracked
            converted.training = module.training
            if hasattr(module, "qconfig"):
                converted.qconfig = module.qconfig
        for name, child in module.named_children():
            converted.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return converted
