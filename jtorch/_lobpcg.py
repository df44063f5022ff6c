"""``torch.lobpcg``: a few extreme eigenpairs of a large symmetric matrix, by iteration.

The locally optimal block preconditioned conjugate gradient method: A. V. Knyazev, "Toward the
optimal preconditioned eigensolver", SIAM J. Sci. Comput. 23(2), 2001; orthogonalisation after
A. Stathopoulos and K. Wu, "A block orthogonalization procedure with constant synchronization
requirements", SIAM J. Sci. Comput. 23(6), 2002; stopping and the choice of directions after J. A.
Duersch, M. Shao, C. Yang and M. Gu, "A robust and efficient implementation of LOBPCG", SIAM J.
Sci. Comput. 40(5), 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ._core import dtypes
from ._engine.declare import publish
from .autograd.function import Function
from .ops.creation.creation import empty
from .ops.creation.random import randn
from .ops.creation.ranges import eye
from .ops.linalg.cholesky import linalg_cholesky
from .ops.linalg.qr import linalg_qr
from .ops.linalg.solve import linalg_solve, solve_triangular
from .ops.linalg.spectral import eigh
from .ops.pointwise.select import where_function
from .ops.shape.diagonals import diag_embed
from .ops.shape.joining import cat, stack

_EPSILON = {dtypes.float32: 1.2e-07, dtypes.float64: 2.23e-16}


def lobpcg(
    A: Any,
    k: int | None = None,
    B: Any = None,
    X: Any = None,
    n: int | None = None,
    iK: Any = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Callable | None = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Any, Any]:
    """Find some eigenpairs of ``A x = e B x``, the largest or the smallest ones.

    Args:
        A: float32 or float64 tensor of shape (*, m, m), symmetric and positive definite.
        k: how many pairs; as many as ``X`` has columns, or 1.
        B: tensor of shape (*, m, m), the identity where it is absent.
        X: tensor of shape (*, m, n) to begin with; random numbers where it is absent.
        n: how many columns to iterate, ``k`` unless given; 3 n must not be above m.
        iK: tensor of shape (*, m, m), the preconditioner.
        niter: how many iterations at most, 1000 unless given; -1 for any number.
        tol: when a residual is small enough; the square root of the dtype's resolution.
        largest: whether to find the largest eigenvalues, which is the default.
        method: ``"ortho"``, which is the default, or ``"basic"``.
        tracker: called after each iteration with the state of it.
        ortho_iparams, ortho_fparams, ortho_bparams: parameters of the orthogonalisation.
    Returns:
        The eigenvalues, of shape (*, k), and the eigenvectors, of shape (*, m, k).

    Raises:
        AssertionError: shapes do not fit.
        ValueError: there are too few rows, or what was given cannot be differentiated by.
    """
    options = (k, X, n, iK, niter, tol, largest, method, tracker)
    ortho = (ortho_iparams, ortho_fparams, ortho_bparams)
    if A.requires_grad or (B is not None and B.requires_grad):
        symmetric = (A + A.mT) / 2
        return LOBPCGAutogradFunction.apply(
            symmetric, None if B is None else (B + B.mT) / 2, options, ortho
        )
    return _solve(A, B, options, ortho)


def _solve(A: Any, B: Any, options: tuple, ortho: tuple) -> tuple[Any, Any]:
    k, X, n, iK, niter, tol, largest, method, tracker = options
    if A.shape[-2] != A.shape[-1]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    if B is not None and A.shape != B.shape:
        raise AssertionError(f"A and B must have same shape, got {A.shape} vs {B.shape}")
    floating = (dtypes.float16, dtypes.float32, dtypes.float64)
    dtype = A.dtype if A.dtype in floating else dtypes.float32
    tol = _EPSILON[dtype] ** 0.5 if tol is None else tol
    m = A.shape[-1]
    if k is None:
        k = 1 if X is None else X.shape[-1]
    if X is not None:
        n = X.shape[-1]
    elif n is None:
        n = k
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than "
            f"3 x the number of requested eigenpairs (={n})"
        )
    method = "ortho" if method is None else method
    iparams = {"m": m, "n": n, "k": k, "niter": 1000 if niter is None else niter}
    fparams = {"tol": tol}
    bparams = {"largest": True if largest is None else largest}
    if method == "ortho":
        for own, given in zip((iparams, fparams, bparams), ortho, strict=True):
            own.update(given or {})
        for name in ("ortho_i_max", "ortho_j_max"):
            iparams.setdefault(name, 3)
        for name in ("ortho_tol", "ortho_tol_drop", "ortho_tol_replace"):
            fparams.setdefault(name, tol)
        bparams.setdefault("ortho_use_drop", False)

    def one(matrix: Any, other: Any, start: Any) -> tuple[Any, Any]:
        if start is None:
            start = randn((m, n), dtype=dtype, device=A.device)
        if tuple(start.shape) != (m, n):
            raise AssertionError(f"X shape mismatch: got {start.shape}, expected {(m, n)}")
        worker = LOBPCG(matrix, other, start, iK, iparams, fparams, bparams, method, tracker)
        worker.run()
        return worker.E[:k], worker.X[:, :k]

    batch = A.shape[:-2]
    if not batch:
        return one(A, B, X)
    count = math.prod(batch)
    matrices = A.reshape((count, m, m))
    others = None if B is None else B.reshape((count, m, m))
    starts = None if X is None else X.reshape((count, *X.shape[-2:]))
    found = []
    for index in range(count):
        iparams["batch_index"] = index
        other = None if others is None else others[index]
        found.append(one(matrices[index], other, None if starts is None else starts[index]))
    if not found:
        new = empty
        return (
            new((*batch, k), dtype=dtype, device=A.device),
            new((*batch, m, k), dtype=dtype, device=A.device),
        )
    values, vectors = (stack.call(each) for each in zip(*found, strict=True))
    return values.reshape((*batch, k)), vectors.reshape((*batch, m, k))


class LOBPCGAutogradFunction(Function):
    """The eigenpairs of symmetric matrices with their gradient, as a matter of perturbation.

    The change of an eigenvector is made of the other eigenvectors, each over the difference of the
    eigenvalues. Those that were found are at hand; for the rest a linear system is solved in the
    space that is orthogonal to them.
    """

    @staticmethod
    def forward(ctx: Any, A: Any, B: Any, options: tuple, ortho: tuple) -> Any:
        values, vectors = _solve(A, B, options, ortho)
        ctx.save_for_backward(A, B, values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        A, B, values, vectors = ctx.saved_tensors
        if A.dtype.is_complex or (B is not None and B.dtype.is_complex):
            raise ValueError(
                "lobpcg.backward does not support complex input yet. Note that lobpcg.forward does "
                "though."
            )
        if B is not None:
            raise ValueError("lobpcg.backward does not support backward with B != I yet.")
        of_values, of_vectors = gradients
        k, m = values.shape[-1], A.shape[-1]
        identity = eye(m, dtype=A.dtype, device=A.device)
        inside = vectors.mT @ of_vectors
        gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
        same = eye(k, dtype=dtypes.bool_, device=A.device)
        shares = (inside / gaps.masked_fill(same, 1.0)).masked_fill(same, 0.0)
        among = vectors @ (diag_embed.call(of_values) + shares) @ vectors.mT
        # One system for each vector: the found ones map to themselves, so that it has a solution.
        found = vectors @ vectors.mT
        rest = identity - found
        shifted = A.unsqueeze(-3) - values[..., None, None] * identity
        systems = rest.unsqueeze(-3) @ shifted @ rest.unsqueeze(-3) + found.unsqueeze(-3)
        targets = (rest @ of_vectors).mT.unsqueeze(-1)
        solved = linalg_solve(systems, targets).squeeze(-1).mT
        return among - solved @ vectors.mT, None, None, None


class LOBPCG:
    """The state of one iteration, which a ``tracker`` is given.

    Attributes:
        A, B, iK: the matrices.
        X, E, R: the vectors and values so far, and what they leave of ``A x - e B x``.
        S: the directions that are searched: vectors, steps before, and residuals.
        iparams, fparams, bparams: the parameters, by name.
        ivars, fvars, bvars, tvars: the numbers, flags and tensors of the iteration, by name.
    """

    def __init__(
        self,
        A: Any,
        B: Any,
        X: Any,
        iK: Any,
        iparams: dict[str, int],
        fparams: dict[str, float],
        bparams: dict[str, bool],
        method: str,
        tracker: Callable | None,
    ):
        self.A, self.B, self.iK = A, B, iK
        self.iparams, self.fparams, self.bparams = iparams, fparams, bparams
        self.method, self.tracker = method, tracker
        m, n = iparams["m"], iparams["n"]
        self.X = X
        self.E = X.new_zeros((n,))
        self.R = X.new_zeros((m, n))
        self.S = X.new_zeros((m, 3 * n))
        self.tvars: dict[str, Any] = {}
        self.ivars: dict[str, int] = {"istep": 0}
        self.fvars: dict[str, float] = {"_": 0.0}
        self.bvars: dict[str, bool] = {"_": False}

    def __str__(self) -> str:
        names = (
            "iparams", "fparams", "bparams", "ivars", "fvars", "bvars", "tvars", "A", "B", "iK",
            "X", "E",
        )  # fmt: skip
        lines = [f"  {name}={getattr(self, name)}\n" for name in names]
        return "LOBPCG:\n" + "".join(lines)

    def run(self) -> None:
        """Iterate until enough pairs are exact enough, or there were enough steps."""
        while True:
            self.update()
            if self.tracker is not None:
                self.call_tracker()
            if self.stop_iteration():
                return

    def call_tracker(self) -> None:
        """Show the state to the tracker."""
        assert self.tracker is not None
        self.tracker(self)

    def stop_iteration(self) -> bool:
        """Return whether to stop; a tracker can set ``bvars["force_stop"]``."""
        return (
            self.bvars.get("force_stop", False)
            or self.ivars["iterations_left"] == 0
            or self.ivars["converged_count"] >= self.iparams["k"]
        )

    def update(self) -> None:
        """Make one step."""
        if self.ivars["istep"] == 0:
            norm = _norm(self.X)
            self.fvars["X_norm"] = norm
            self.fvars["A_norm"] = _norm(_times(self.A, self.X)) / norm
            self.fvars["B_norm"] = _norm(_times(self.B, self.X)) / norm
            self.ivars["iterations_left"] = self.iparams["niter"]
            self.ivars["converged_count"] = self.ivars["converged_end"] = 0
        if self.method == "ortho":
            self._update_ortho()
        else:
            self._update_basic()
        self.ivars["iterations_left"] -= 1
        self.ivars["istep"] += 1

    def update_residual(self) -> None:
        """Compute ``R``."""
        self.R = _times(self.A, self.X) - _times(self.B, self.X) * self.E

    def update_converged_count(self) -> int:
        """Count how many pairs, from the first on, are exact enough."""
        scale = self.fvars["A_norm"] + self.E[: self.X.shape[-1]].abs() * self.fvars["B_norm"]
        error = self.R.norm(2, (0,)) / (self.X.norm(2, (0,)) * scale)
        close = (error < self.fparams["tol"]).tolist()
        count = close.index(False) if False in close else len(close)
        before = self.ivars["converged_count"]
        if count < before:
            raise AssertionError(
                f"the number of converged eigenpairs (was {before}, got {count}) cannot decrease"
            )
        self.ivars["converged_count"] = count
        self.tvars["rerr"] = error
        return count

    # Steps

    def _begin(self) -> None:
        """Replace the vectors by the best ones within the space that they span."""
        change = self._reduction(self.X)
        values, turned = self._pairs(change.mT @ self._form(self.A, self.X) @ change)
        self.X = self.X @ (change @ turned)
        if self.method != "ortho":
            self.E = values
        self.update_residual()
        self.update_converged_count()

    def _update_basic(self) -> None:
        n, done = self.iparams["n"], self.ivars["converged_count"]
        if self.ivars["istep"] == 0:
            self._begin()
            self._next_directions(self.X[:, :0], _times(self.iK, self.R))
            return
        space = self.S[:, done : self.ivars["converged_end"]]
        change = self._reduction(space)
        values, turned = self._pairs(change.mT @ self._form(self.A, space) @ change)
        moved = space @ (change @ turned[:, : 2 * n - done])
        self._replace(moved[:, : n - done], values, done)
        done = self.update_converged_count()
        self._next_directions(moved[:, n:], _times(self.iK, self.R[:, done:]))

    def _update_ortho(self) -> None:
        n, done = self.iparams["n"], self.ivars["converged_count"]
        if self.ivars["istep"] == 0:
            self._begin()
            self._next_directions(self.X[:, :0], self._orthogonal(self.R, self.X))
            return
        space = self.S[:, done : self.ivars["converged_end"]]
        values, turned = self._pairs(self._form(self.A, space))
        kept, left = turned[:, : n - done], turned[:, n - done :]
        steps = space @ (left @ linalg_qr(left[: n - done].mT)[0])
        self._replace(space @ kept, values, done)
        done = self.update_converged_count()
        known = cat.call([self.X, steps], 1)
        self._next_directions(steps, self._orthogonal(self.R[:, done:], known))

    def _replace(self, vectors: Any, values: Any, done: int) -> None:
        count = self.iparams["n"] - done
        self.X = cat.call([self.X[:, :done], vectors], 1)
        self.E = cat.call([self.E[:done], values[:count]])
        self.update_residual()

    def _next_directions(self, steps: Any, residuals: Any) -> None:
        used = cat.call([self.X, steps, residuals], 1)
        self.ivars["converged_end"] = used.shape[-1]
        self.S = cat.call([used, self.S[:, used.shape[-1] :]], 1)

    # Parts of a step

    def _pairs(self, matrix: Any) -> tuple[Any, Any]:
        return _eigenpairs(matrix, self.bparams["largest"])

    @staticmethod
    def _form(matrix: Any, vectors: Any) -> Any:
        return vectors.mT @ _times(matrix, vectors)

    def _reduction(self, space: Any) -> Any:
        """Return the change of basis that makes the problem in a space one without ``B``."""
        form = self._form(self.B, space)
        scale = form.diagonal() ** -0.5
        factor = linalg_cholesky(form * scale * scale.unsqueeze(-1), upper=True)
        return solve_triangular.call(factor, scale.diag_embed(), upper=True, left=False)

    def _orthonormal(self, vectors: Any, drop: bool, least: float) -> Any:
        """Return columns that are orthonormal by ``B``, from the eigenvectors of their products.

        Args:
            vectors: tensor of shape (m, n).
            drop: whether to leave out directions that hardly contribute.
            least: what a contribution is compared with.
        """
        if not vectors.numel():
            return vectors
        form = self._form(self.B, vectors)
        some = form.diagonal() != 0
        if not bool(some.all()):
            vectors = vectors[:, some]
            if not vectors.numel():
                return vectors
            form = self._form(self.B, vectors)
        scale = form.diagonal() ** -0.5
        values, turned = _eigenpairs(form * scale.unsqueeze(-1) * scale, False)
        limit = least * values.abs().max()
        if drop:
            kept = values > limit
            values, turned = values[kept], turned[:, kept]
        else:
            values = where_function(values < limit, limit, values)
        return (vectors * scale) @ (turned * values**-0.5)

    def _orthogonal(self, vectors: Any, known: Any) -> Any:
        """Return orthonormal columns that are orthogonal to others, by ``B``.

        Args:
            vectors: tensor of shape (m, n), what the columns are made of.
            known: tensor of shape (m, k) with orthonormal columns.
        Returns:
            Tensor of shape (m, n), or narrower where columns were dropped.
        """
        enough = self.fparams["ortho_tol"]
        for name in list(self.fvars):
            if name.startswith("ortho_") and name.endswith("_rerr"):
                del self.fvars[name]
        self.ivars.pop("ortho_i", 0)
        self.ivars.pop("ortho_j", 0)
        norm_known = _norm(_times(self.B, known))
        shared = known.mT @ _times(self.B, vectors)
        i = j = 0
        for i in range(self.iparams["ortho_i_max"]):
            vectors = vectors - known @ shared
            for j in range(self.iparams["ortho_j_max"]):
                dropping = self.bparams["ortho_use_drop"]
                first = dropping and j == 0
                least = self.fparams["ortho_tol_drop" if first else "ortho_tol_replace"]
                vectors = self._orthonormal(vectors, dropping and j > 0, least)
                if not vectors.numel():
                    self.ivars["ortho_i"], self.ivars["ortho_j"] = i, j
                    return vectors
                image = _times(self.B, vectors)
                form = vectors.mT @ image
                identity = eye(form.shape[-1], dtype=form.dtype, device=form.device)
                error = _norm(form - identity) / (_norm(image) * _norm(vectors))
                self.fvars[f"ortho_UBUmI_rerr[{i}, {j}]"] = error
                if error < enough:
                    break
            shared = known.mT @ image
            error = _norm(shared) / (norm_known * _norm(vectors))
            self.fvars[f"ortho_VBU_rerr[{i}]"] = error
            if error < enough:
                break
            if self.iparams["m"] < vectors.shape[-1] + known.shape[-1]:
                if self.B is None:
                    raise AssertionError("B must not be None")
                raise ValueError(
                    f"Overdetermined shape of U: #B-cols(={self.B.shape[-1]}) >= "
                    f"#U-cols(={vectors.shape[-1]}) + #V-cols(={known.shape[-1]}) must hold"
                )
        self.ivars["ortho_i"], self.ivars["ortho_j"] = i, j
        return vectors


def _times(matrix: Any, vectors: Any) -> Any:
    return vectors if matrix is None else matrix @ vectors


def _norm(tensor: Any) -> float:
    return float(tensor.norm())


def _eigenpairs(matrix: Any, largest: bool) -> tuple[Any, Any]:
    values, vectors = eigh(matrix, UPLO="U")
    return (values.flip(-1), vectors.flip(-1)) if largest else (values, vectors)


lobpcg.__module__ = "torch"
publish("lobpcg", lobpcg)
