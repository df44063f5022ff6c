# Made by tools/make_stubs.py (nox -s stubs); edits are lost.
# ruff: noqa
# mypy: disable-error-code="overload-overlap, overload-cannot-match, misc, override, type-arg"
from ._tensor.tensor import Tensor

class _lu_with_info(tuple[Tensor, Tensor, Tensor]):
    @property
    def LU(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class aminmax(tuple[Tensor, Tensor]):
    @property
    def min(self) -> Tensor: ...
    @property
    def max(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class aminmax_out(tuple[Tensor, Tensor]):
    @property
    def min(self) -> Tensor: ...
    @property
    def max(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class cummax(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class cummax_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class cummin(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class cummin_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class frexp(tuple[Tensor, Tensor]):
    @property
    def mantissa(self) -> Tensor: ...
    @property
    def exponent(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class frexp_out(tuple[Tensor, Tensor]):
    @property
    def mantissa(self) -> Tensor: ...
    @property
    def exponent(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class geqrf(tuple[Tensor, Tensor]):
    @property
    def a(self) -> Tensor: ...
    @property
    def tau(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class geqrf_out(tuple[Tensor, Tensor]):
    @property
    def a(self) -> Tensor: ...
    @property
    def tau(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class histogram(tuple[Tensor, Tensor]):
    @property
    def hist(self) -> Tensor: ...
    @property
    def bin_edges(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class histogram_out(tuple[Tensor, Tensor]):
    @property
    def hist(self) -> Tensor: ...
    @property
    def bin_edges(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class histogramdd(tuple[Tensor, Tensor]):
    @property
    def hist(self) -> Tensor: ...
    @property
    def bin_edges(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class kthvalue(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class kthvalue_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_cholesky_ex(tuple[Tensor, Tensor]):
    @property
    def L(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_cholesky_ex_out(tuple[Tensor, Tensor]):
    @property
    def L(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_eig(tuple[Tensor, Tensor]):
    @property
    def eigenvalues(self) -> Tensor: ...
    @property
    def eigenvectors(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_eig_out(tuple[Tensor, Tensor]):
    @property
    def eigenvalues(self) -> Tensor: ...
    @property
    def eigenvectors(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_eigh(tuple[Tensor, Tensor]):
    @property
    def eigenvalues(self) -> Tensor: ...
    @property
    def eigenvectors(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_eigh_out(tuple[Tensor, Tensor]):
    @property
    def eigenvalues(self) -> Tensor: ...
    @property
    def eigenvectors(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_inv_ex(tuple[Tensor, Tensor]):
    @property
    def inverse(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_inv_ex_out(tuple[Tensor, Tensor]):
    @property
    def inverse(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_ldl_factor(tuple[Tensor, Tensor]):
    @property
    def LD(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_ldl_factor_ex(tuple[Tensor, Tensor, Tensor]):
    @property
    def LD(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_ldl_factor_ex_out(tuple[Tensor, Tensor, Tensor]):
    @property
    def LD(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_ldl_factor_out(tuple[Tensor, Tensor]):
    @property
    def LD(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_lstsq(tuple[Tensor, Tensor, Tensor, Tensor]):
    @property
    def solution(self) -> Tensor: ...
    @property
    def residuals(self) -> Tensor: ...
    @property
    def rank(self) -> Tensor: ...
    @property
    def singular_values(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_lstsq_out(tuple[Tensor, Tensor, Tensor, Tensor]):
    @property
    def solution(self) -> Tensor: ...
    @property
    def residuals(self) -> Tensor: ...
    @property
    def rank(self) -> Tensor: ...
    @property
    def singular_values(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_lu(tuple[Tensor, Tensor, Tensor]):
    @property
    def P(self) -> Tensor: ...
    @property
    def L(self) -> Tensor: ...
    @property
    def U(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_lu_factor(tuple[Tensor, Tensor]):
    @property
    def LU(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_lu_factor_ex(tuple[Tensor, Tensor, Tensor]):
    @property
    def LU(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_lu_factor_ex_out(tuple[Tensor, Tensor, Tensor]):
    @property
    def LU(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_lu_factor_out(tuple[Tensor, Tensor]):
    @property
    def LU(self) -> Tensor: ...
    @property
    def pivots(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_lu_out(tuple[Tensor, Tensor, Tensor]):
    @property
    def P(self) -> Tensor: ...
    @property
    def L(self) -> Tensor: ...
    @property
    def U(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_qr(tuple[Tensor, Tensor]):
    @property
    def Q(self) -> Tensor: ...
    @property
    def R(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_qr_out(tuple[Tensor, Tensor]):
    @property
    def Q(self) -> Tensor: ...
    @property
    def R(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_slogdet(tuple[Tensor, Tensor]):
    @property
    def sign(self) -> Tensor: ...
    @property
    def logabsdet(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_slogdet_out(tuple[Tensor, Tensor]):
    @property
    def sign(self) -> Tensor: ...
    @property
    def logabsdet(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_solve_ex(tuple[Tensor, Tensor]):
    @property
    def result(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_solve_ex_out(tuple[Tensor, Tensor]):
    @property
    def result(self) -> Tensor: ...
    @property
    def info(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_svd(tuple[Tensor, Tensor, Tensor]):
    @property
    def U(self) -> Tensor: ...
    @property
    def S(self) -> Tensor: ...
    @property
    def Vh(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class linalg_svd_out(tuple[Tensor, Tensor, Tensor]):
    @property
    def U(self) -> Tensor: ...
    @property
    def S(self) -> Tensor: ...
    @property
    def Vh(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class lu_unpack(tuple[Tensor, Tensor, Tensor]):
    @property
    def P(self) -> Tensor: ...
    @property
    def L(self) -> Tensor: ...
    @property
    def U(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class lu_unpack_out(tuple[Tensor, Tensor, Tensor]):
    @property
    def P(self) -> Tensor: ...
    @property
    def L(self) -> Tensor: ...
    @property
    def U(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class max(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class max_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class median(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class median_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class min(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class min_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class mode(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class mode_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class nanmedian(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class nanmedian_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class qr(tuple[Tensor, Tensor]):
    @property
    def Q(self) -> Tensor: ...
    @property
    def R(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class qr_out(tuple[Tensor, Tensor]):
    @property
    def Q(self) -> Tensor: ...
    @property
    def R(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class slogdet(tuple[Tensor, Tensor]):
    @property
    def sign(self) -> Tensor: ...
    @property
    def logabsdet(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class slogdet_out(tuple[Tensor, Tensor]):
    @property
    def sign(self) -> Tensor: ...
    @property
    def logabsdet(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class sort(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class sort_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class svd(tuple[Tensor, Tensor, Tensor]):
    @property
    def U(self) -> Tensor: ...
    @property
    def S(self) -> Tensor: ...
    @property
    def V(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class svd_out(tuple[Tensor, Tensor, Tensor]):
    @property
    def U(self) -> Tensor: ...
    @property
    def S(self) -> Tensor: ...
    @property
    def V(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class topk(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class topk_out(tuple[Tensor, Tensor]):
    @property
    def values(self) -> Tensor: ...
    @property
    def indices(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class triangular_solve(tuple[Tensor, Tensor]):
    @property
    def solution(self) -> Tensor: ...
    @property
    def cloned_coefficient(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int

class triangular_solve_out(tuple[Tensor, Tensor]):
    @property
    def solution(self) -> Tensor: ...
    @property
    def cloned_coefficient(self) -> Tensor: ...
    n_fields: int
    n_sequence_fields: int
    n_unnamed_fields: int
