"""Parametrisations that are often wanted: orthogonal matrices, weight and spectral norms."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from .. import functional as F
from ..modules.module import Module
from . import parametrize
from .spectral_norm import default_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _is_orthogonal(matrix: Any, eps: Any = None) -> bool:
    """Return whether the columns of matrices are orthonormal, within rounding."""
    rows, columns = matrix.size(-2), matrix.size(-1)
    identity = torch.eye(columns, dtype=matrix.dtype, device=matrix.device)
    tolerance = 10.0 * rows * torch.finfo(matrix.dtype).eps
    return torch.allclose(matrix.mH @ matrix, identity, atol=tolerance)


def _make_orthogonal(matrix: Any) -> Any:
    """Return the factor Q of a QR decomposition whose R has a positive diagonal."""
    reflections, tau = torch.geqrf(matrix)
    q = torch.linalg.householder_product(reflections, tau)
    q *= reflections.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)
    return q


class _OrthMaps(Enum):
    matrix_exp = auto()
    cayley = auto()
    householder = auto()


class _Orthogonal(Module):
    """Maps any matrix to one with orthonormal columns, or rows where it is wide.

    M. Lezcano-Casado: *Trivializations for gradient-based optimization on manifolds*, 2019.

    Args:
        weight: the matrix that is parametrised.
        orthogonal_map: which map.
        use_trivialization: whether to map around the matrix that is there at first.
    """

    base: Any

    def __init__(
        self, weight: Any, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True
    ) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Any) -> Any:
        """Return the orthogonal matrix."""
        transposed = X.size(-2) < X.size(-1)
        X = X.mT if transposed else X
        q = self._reflected(X) if self.orthogonal_map == _OrthMaps.householder else self._turned(X)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if transposed else q

    def _turned(self, X: Any) -> Any:
        """Return columns of the rotation that a skew-symmetric matrix gives."""
        rows, columns = X.size(-2), X.size(-1)
        X = X.tril()
        if rows != columns:
            rest = X.new_zeros(rows, rows - columns).expand(*X.shape[:-2], -1, -1)
            X = torch.cat([X, rest], dim=-1)
        skew = X - X.mH
        if self.orthogonal_map == _OrthMaps.matrix_exp:
            q = torch.matrix_exp(skew)
        else:
            identity = torch.eye(rows, dtype=skew.dtype, device=skew.device)
            q = torch.linalg.solve(
                torch.add(identity, skew, alpha=-0.5), torch.add(identity, skew, alpha=0.5)
            )
        return q if rows == columns else q[..., :columns]

    @staticmethod
    def _reflected(X: Any) -> Any:
        """Return the product of the reflections whose vectors the columns are."""
        vectors = X.tril(diagonal=-1)
        tau = 2.0 / (1.0 + (vectors * vectors).sum(dim=-2))
        q = torch.linalg.householder_product(vectors, tau)
        # The diagonal of X is one of 1 and -1, and not learned.
        return q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)

    def right_inverse(self, Q: Any) -> Any:
        """Return what is mapped to a matrix, which is made orthogonal where it is not.

        Raises:
            ValueError: it has another shape.
            NotImplementedError: the map has no inverse without trivialisation.
        """
        with torch.no_grad():
            return self._inverse(Q)

    def _inverse(self, Q: Any) -> Any:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of "
                f"shape {Q.shape}."
            )
        given = Q
        transposed = Q.size(-2) < Q.size(-1)
        Q = Q.mT if transposed else Q
        rows, columns = Q.size(-2), Q.size(-1)
        if not hasattr(self, "base"):
            if self.orthogonal_map != _OrthMaps.householder:
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley "
                    "parametrizations when use_trivialization=False."
                )
            reflectors, tau = torch.geqrf(Q)
            reflectors.diagonal(dim1=-2, dim2=-1).sign_()
            # A reflection of no vector: LAPACK leaves the sign out.
            reflectors.diagonal(dim1=-2, dim2=-1)[tau == 0.0] *= -1
            return reflectors.mT if transposed else reflectors
        if rows == columns:
            Q = Q.clone() if _is_orthogonal(Q) else _make_orthogonal(Q)
        else:
            shape = (*Q.size()[:-2], rows, rows - columns)
            more = torch.randn(*shape, dtype=Q.dtype, device=Q.device)
            Q = _make_orthogonal(torch.cat([Q, more], dim=-1))
        self.base = Q
        # Zero below the diagonal, which is what the maps look at, and signs for reflections.
        zero = torch.zeros_like(given)
        zero.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return zero


def _weight_of(module: Module, name: str) -> Any:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keep a weight orthogonal: its columns orthonormal, or its rows where it is wide.

    Args:
        module: the module that has it.
        name: of the weight, a matrix or a batch of them.
        orthogonal_map: ``"matrix_exp"``, ``"cayley"`` or ``"householder"``; by default the first
            for square matrices and complex ones, else the last.
        use_trivialization: whether to map around the matrix that is there at first.
    Raises:
        ValueError: there is no such matrix, or no such map.
    """
    weight = _weight_of(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    map_type = getattr(_OrthMaps, orthogonal_map, None)
    if map_type is None:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
            f"{orthogonal_map}"
        )
    parametrization = _Orthogonal(weight, map_type, use_trivialization=use_trivialization)
    parametrize.register_parametrization(module, name, parametrization, unsafe=True)
    return module


class _WeightNorm(Module):
    """Makes a weight from its lengths along a dimension and its direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        """Return the weight."""
        return torch._weight_norm(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        """Return the lengths and the direction of a weight."""
        return torch.norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn a weight as a length and a direction.

    T. Salimans, D. P. Kingma: *Weight normalization: a simple reparameterization to accelerate
    training of deep neural networks*, 2016.

    Args:
        module: the module that has it.
        name: of the weight.
        dim: the dimension along which lengths are kept; ``None`` for one length.
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def _weight_norm_compat_hook(
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: Any,
        missing_keys: Any,
        unexpected_keys: Any,
        error_msgs: Any,
    ) -> None:
        keys = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state_dict for key in keys):  # as the older weight_norm writes
            for number, key in enumerate(keys):
                new = f"{prefix}parametrizations.{name}.original{number}"
                state_dict[new] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(_weight_norm_compat_hook)
    return module


class _SpectralNorm(Module):
    """Divides a weight by its largest singular value, which the power method finds.

    Args:
        weight: the weight.
        n_power_iterations: steps in each call in training mode.
        dim: the dimension of the weight that is that of the results.
        eps: the least norm that is divided by.
    """

    _u: Any
    _v: Any

    def __init__(
        self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        ndim = weight.ndim
        if dim >= ndim or dim < -ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but "
                f"got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._reshape_weight_to_matrix(weight)
            height, width = matrix.size()
            u = matrix.new_empty(height).normal_(0, 1)
            v = matrix.new_empty(width).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=self.eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=self.eps))
            self._power_method(matrix, 15)

    def _reshape_weight_to_matrix(self, weight: Any) -> Any:
        if self.dim != 0:
            others = [dim for dim in range(weight.dim()) if dim != self.dim]
            weight = weight.permute(self.dim, *others)
        return weight.flatten(1)

    def _power_method(self, weight_mat: Any, n_power_iterations: int) -> None:
        """Improve the singular vectors in place."""
        with torch.no_grad():
            for _ in range(n_power_iterations):
                left = torch.mv(weight_mat, self._v)
                self._u = F.normalize(left, dim=0, eps=self.eps, out=self._u)
                right = torch.mv(weight_mat.H, self._u)
                self._v = F.normalize(right, dim=0, eps=self.eps, out=self._v)

    def forward(self, weight: Any) -> Any:
        """Return the weight divided by its norm."""
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # The next call overwrites the vectors, and a gradient may still need these.
        u = self._u.clone(memory_format=torch.contiguous_format)
        v = self._v.clone(memory_format=torch.contiguous_format)
        return weight / torch.vdot(u, torch.mv(matrix, v))

    def right_inverse(self, value: Any) -> Any:
        """Return a value that may be assigned: itself."""
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight by its largest singular value.

    T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida: *Spectral normalization for generative adversarial
    networks*, 2018.

    Args:
        module: the module that has it.
        name: of the weight.
        n_power_iterations: steps of the power method in each call.
        eps: the least norm that is divided by.
        dim: the dimension of the results; 0, but 1 for transposed convolutions.
    """
    weight = _weight_of(module, name)
    dim = default_dim(module) if dim is None else dim
    parametrization = _SpectralNorm(weight, n_power_iterations, dim, eps)
    parametrize.register_parametrization(module, name, parametrization)
    return module
