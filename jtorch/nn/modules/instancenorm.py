"""Instance normalisation: over the positions of one example, for each channel."""

from __future__ import annotations

import warnings
from typing import Any

from ..._tensor.tensor import Tensor
from .. import functional as F
from .batchnorm import _LazyNormBase, _NormBase, check_rank

__all__ = [
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _InstanceNorm(_NormBase):
    """Normalise each channel of each example."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def _get_no_batch_dim(self) -> int:
        """Return the number of dimensions of one example."""
        raise NotImplementedError

    def _handle_no_batch_input(self, input: Tensor) -> Tensor:
        return self._apply_instance_norm(input.unsqueeze(0)).squeeze(0)

    def _apply_instance_norm(self, input: Tensor) -> Tensor:
        return F.instance_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
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
        if local_metadata.get("version", None) is None and not self.track_running_stats:
            running_keys = [
                key
                for key in (prefix + "running_mean", prefix + "running_var")
                if key in state_dict
            ]
            if running_keys:
                names = " and ".join(f'"{key}"' for key in running_keys)
                cls = self.__class__.__name__
                error_msgs.append(
                    f"Unexpected running stats buffer(s) {names} for {cls} with "
                    "track_running_stats=False. If state_dict is a checkpoint saved before 0.4.0, "
                    f"this may be expected because {cls} does not track running stats by default "
                    "since 0.4.0. Please remove these keys from state_dict. If the running stats "
                    f"are actually needed, instead set track_running_stats=True in {cls} to "
                    f"enable them. See the documentation of {cls} for details."
                )
                for key in running_keys:
                    state_dict.pop(key)
        super()._load_from_state_dict(
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input, of a batch or of one example."""
        self._check_input_dim(input)
        rank = self._get_no_batch_dim()
        dim = input.dim() - rank
        if input.size(dim) != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features "
                    f"({self.num_features}), but got: {input.size(dim)}."
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features. You can silence this "
                "warning by not passing in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        if input.dim() == rank:
            return self._handle_no_batch_input(input)
        return self._apply_instance_norm(input)


_DOC = """Instance normalisation of {what}: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    Mean and variance are of each channel of each sample.

    D. Ulyanov, A. Vedaldi, V. Lempitsky: Instance Normalization, 2016.

    Args:
{first}        eps: added to the variance.
        momentum: share of a batch in the running statistics.
        affine: whether to scale and shift by parameters.
        track_running_stats: whether there are running statistics, used in evaluation.
        device, dtype: of the parameters.
        bias: whether there is a parameter to shift by.
    """
_FIRST = "        num_features: number of channels.\n"
_WHAT = {1: "sequences", 2: "images", 3: "volumes"}


class InstanceNorm1d(_InstanceNorm):
    __doc__ = _DOC.format(what=_WHAT[1], first=_FIRST)

    def _get_no_batch_dim(self) -> int:
        return 2

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 2, 3)


class LazyInstanceNorm1d(_LazyNormBase, _InstanceNorm):
    __doc__ = _DOC.format(what=_WHAT[1], first="")
    cls_to_become = InstanceNorm1d

    def _get_no_batch_dim(self) -> int:
        return 2

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 2, 3)


class InstanceNorm2d(_InstanceNorm):
    __doc__ = _DOC.format(what=_WHAT[2], first=_FIRST)

    def _get_no_batch_dim(self) -> int:
        return 3

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 3, 4)


class LazyInstanceNorm2d(_LazyNormBase, _InstanceNorm):
    __doc__ = _DOC.format(what=_WHAT[2], first="")
    cls_to_become = InstanceNorm2d

    def _get_no_batch_dim(self) -> int:
        return 3

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 3, 4)


class InstanceNorm3d(_InstanceNorm):
    __doc__ = _DOC.format(what=_WHAT[3], first=_FIRST)

    def _get_no_batch_dim(self) -> int:
        return 4

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 4, 5)


class LazyInstanceNorm3d(_LazyNormBase, _InstanceNorm):
    __doc__ = _DOC.format(what=_WHAT[3], first="")
    cls_to_become = InstanceNorm3d

    def _get_no_batch_dim(self) -> int:
        return 4

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 4, 5)
