"""Which operands and results of an operator are saved: each is overwritten before backward.

A case is an expression of ``a``, ``b``, ``c`` (results of leaves, positive, of shape (3, 3)), ``v``
(its first row, by itself), ``image`` of shape (1, 2, 6, 6), ``index`` (integers) and ``mask``.
"""

from __future__ import annotations

import re
from typing import Any

EXPRESSIONS = """
a + b; a - b; a * b; a / b; a ** b; a ** 2; 2 ** a; a ** 0.5; a.exp(); a.exp2(); a.expm1()
a.log(); a.log2(); a.log10(); a.log1p(); a.sqrt(); a.rsqrt(); a.reciprocal(); a.sin(); a.cos()
a.tan(); a.sinh(); a.cosh(); a.tanh(); (a / 9).asin(); (a / 9).acos(); a.atan(); a.asinh()
(a + 1).acosh(); (a / 9).atanh(); a.sigmoid(); a.relu(); a.abs(); a.neg(); a.sign(); a.floor()
a.frac(); a.erf(); a.erfc(); (a / 9).erfinv(); a.lgamma(); a.digamma(); a.square(); a.sinc()
(a / 9).logit(); a.clamp(0.1, 0.9); a.clamp(b, c); a.clamp_min(0.5); torch.maximum(a, b)
torch.minimum(a, b); torch.fmax(a, b); torch.fmin(a, b); torch.atan2(a, b); torch.hypot(a, b)
torch.copysign(a, b); torch.fmod(a, b); torch.remainder(a, b); torch.ldexp(a, b)
torch.logaddexp(a, b); torch.logaddexp2(a, b); torch.xlogy(a, b); torch.special.xlog1py(a, b)
torch.float_power(a, 2); torch.lerp(a, b, 0.3); torch.lerp(a, b, c); torch.addcmul(a, b, c)
torch.addcdiv(a, b, c); torch.where(mask, a, b); a.masked_fill(mask, 1.0); a.masked_select(mask)
a.masked_scatter(mask, b); torch.special.ndtri(a / 9); torch.special.log_ndtr(a)
torch.special.entr(a); torch.special.i0e(a); torch.special.i1(a); torch.special.i1e(a)
torch.i0(a); torch.polygamma(1, a); torch.mvlgamma(a + 2, 2); torch.special.erfcx(a)
torch.special.zeta(a + 2, b); torch.nan_to_num(a); torch.deg2rad(a); a.sum(); a.sum(0); a.mean()
a.mean(1); a.prod(); a.prod(0); a.amax(); a.amax(0); a.amin(1); a.max(); a.min(); a.max(0)[0]
a.min(0)[0]; a.median(); a.median(0)[0]; a.mode(0)[0]; a.kthvalue(2, 0)[0]; a.nanmedian(); a.std()
a.var(0); a.norm(); a.norm(1); a.norm(3, 0); torch.linalg.vector_norm(a)
torch.linalg.matrix_norm(a); torch.linalg.norm(a, 'nuc'); a.logsumexp(0); a.cumsum(0)
a.cumprod(0); a.cummax(0)[0]; a.cummin(0)[0]; a.logcumsumexp(0); a.diff(); a.trace(); a.nansum()
a.nanmean(); torch.std_mean(a)[0]; torch.var_mean(a)[0]; a.quantile(0.3); a @ b; a @ v
torch.dot(v, a[0]); torch.outer(v, a[0]); torch.addmm(a, b, c); torch.addmv(v, a, b[0])
torch.addr(a, v, b[0]); torch.baddbmm(a[None], b[None], c[None]); torch.bmm(a[None], b[None])
torch.addbmm(a, b[None], c[None]); torch.einsum('ij,jk->ik', a, b); torch.tensordot(a, b, 1)
torch.kron(a, b); torch.cross(a, b, dim=1); torch.linalg.multi_dot([a, b, c])
torch.chain_matmul(a, b); torch.cdist(a, b); F.pdist(a); torch.dist(a, b); a.renorm(2, 0, 1.0)
torch.matrix_exp(a); torch.linalg.inv(a + eye); torch.linalg.det(a); torch.linalg.slogdet(a)[1]
a.logdet(); torch.linalg.solve(a + eye, b); torch.linalg.cholesky(a @ a.T + eye)
torch.linalg.qr(a)[0]; torch.linalg.svdvals(a); torch.linalg.eigvalsh(a); torch.linalg.pinv(a)
torch.linalg.matrix_power(a, 3); torch.linalg.solve_triangular(a + eye, b, upper=True)
torch.linalg.lu(a)[2]; torch.cholesky_inverse(a + eye); torch.cholesky_solve(a, b + eye)
torch.triangular_solve(a, b + eye)[0]; torch.linalg.lstsq(a, b)[0]; a.T; a.reshape(9); a.flip(0)
a.roll(1, 0); a.tril(); a.triu(); a.diag(); torch.diag_embed(v); a.rot90(); a.repeat(2, 1)
a.expand(2, 3, 3); a.unfold(0, 2, 1); a[0]; a[1:]; a[mask]; a[index]; a.index_select(0, index)
a.gather(1, index2); a.take(index); torch.take_along_dim(a, index2, 1); a.scatter(1, index2, b)
a.scatter_add(1, index2, b); a.scatter_reduce(1, index2, b, 'sum')
a.scatter_reduce(1, index2, b, 'amax'); a.index_add(0, index, b); a.index_copy(0, index, b)
a.index_fill(0, index, 1.0); a.index_put((index,), b); torch.index_reduce(a, 0, index, b, 'prod')
a.put(index, v); torch.cat([a, b]); torch.stack([a, b]); torch.repeat_interleave(a, 2, 0)
a.sort()[0]; a.topk(2)[0]; a.msort(); torch.cartesian_prod(v, v); torch.complex(a, b).abs()
torch.polar(a, b).real; torch.view_as_complex(torch.stack([a, b], -1)).abs()
torch.complex(a, b).angle(); torch.complex(a, b).conj().real; torch.fft.fft(a).real
torch.fft.rfft(a).abs(); F.softmax(a, 0); F.log_softmax(a, 0); F.softmin(a, 0); F.gelu(a)
F.gelu(a, approximate='tanh'); F.silu(a); F.elu(a); F.selu(a); F.celu(a); F.leaky_relu(a)
F.softplus(a); F.mish(a); F.hardtanh(a); F.hardswish(a); F.hardsigmoid(a); F.relu6(a)
F.logsigmoid(a); F.softsign(a); F.tanhshrink(a); F.softshrink(a); F.hardshrink(a)
F.threshold(a, 0.5, 0.1); F.prelu(a, v[:1]); F.glu(a[:, :2]); F.normalize(a); F.linear(a, b)
F.linear(a, b, v); F.bilinear(a, b, c[None]); F.embedding(index, a); F.cosine_similarity(a, b)
F.embedding_bag(index[None], a); F.layer_norm(a, (3,), v, b[0]); F.layer_norm(a, (3,))
F.rms_norm(a, (3,), v); F.group_norm(image, 2, v[:2], a[0, :2])
F.batch_norm(a, None, None, v, b[0], True); F.instance_norm(image)
F.local_response_norm(image, 2); F.conv1d(image[0], image[0, :, :2, 0][:, None])
F.conv2d(image, image[:, :, :2, :2]); F.conv_transpose2d(image, image[0, :, None, :2, :2])
F.max_pool2d(image, 2); F.avg_pool2d(image, 2); F.adaptive_avg_pool2d(image, 3)
F.adaptive_max_pool2d(image, 3); F.lp_pool2d(image, 2, 2); F.avg_pool1d(image[0], 2)
F.max_pool1d(image[0], 2); F.fractional_max_pool2d(image, 2, 3, _random_samples=half)
F.interpolate(image, scale_factor=2); F.interpolate(image, scale_factor=2, mode='bilinear')
F.pixel_shuffle(image.reshape(1, 4, 3, 6), 2); F.pad(image, (1, 1))
F.pad(image, (1, 1), mode='reflect'); F.unfold(image, 2)
F.fold(image.reshape(1, 8, 9), (4, 4), 2)
F.grid_sample(image, a[None, :2, :2, None].expand(1, 2, 2, 2) - 1, align_corners=False)
F.affine_grid(a[None, :2], (1, 1, 2, 2), align_corners=False); F.mse_loss(a, b); F.l1_loss(a, b)
F.smooth_l1_loss(a, b); F.huber_loss(a, b); F.kl_div(a, b); F.kl_div(a, b, log_target=True)
F.nll_loss(a, index); F.cross_entropy(a, index); F.cross_entropy(a, b)
F.binary_cross_entropy(a / 9, b / 9); F.binary_cross_entropy_with_logits(a, b / 9)
F.poisson_nll_loss(a, b); F.gaussian_nll_loss(a, b, c); F.margin_ranking_loss(a, b, c)
F.hinge_embedding_loss(a, c); F.soft_margin_loss(a, c); F.triplet_margin_loss(a, b, c)
F.multi_margin_loss(a, index); F.multilabel_margin_loss(a, index2)
F.multilabel_soft_margin_loss(a, b); F.cosine_embedding_loss(a, b, v.detach().sign())
F.scaled_dot_product_attention(a[None], b[None], c[None]); torch.clone(a); a.to(torch.float64)
a.contiguous(); a.detach() * b; torch.cumulative_trapezoid(a); torch.trapezoid(a, b)
torch.logcumsumexp(a, 1); torch.corrcoef(a); torch.cov(a); torch.vander(v)
torch.histc(a.detach()) * v.sum()
"""


def expressions() -> list[str]:
    """Return the expressions."""
    parts = [part.strip() for line in EXPRESSIONS.splitlines() for part in line.split(";")]
    return [part for part in parts if part]


def names(torch: Any) -> dict[str, Any]:
    """Return new tensors and what else the expressions use."""
    numbers = torch.tensor([0.3, 0.7, 1.2, 1.9, 0.6, 2.3, 0.8, 1.4, 1.1], dtype=torch.float64)
    leaf = numbers.reshape(3, 3).requires_grad_()
    grid = (torch.arange(72.0, dtype=torch.float64) * 37 % 71 / 71 + 0.1).reshape(1, 2, 6, 6)
    return {
        "torch": torch,
        "F": torch.nn.functional,
        "a": leaf * 1,
        "b": leaf.flip(0) * 1.1,
        "c": leaf.T * 0.9 + 0.2,
        "v": leaf[1] * 1.3,
        "image": grid.requires_grad_() * 1,
        "mask": torch.tensor([[True, False, True], [False, True, True], [True, True, False]]),
        "index": torch.tensor([0, 2, 1]),
        "index2": torch.tensor([[0, 2, 1], [1, 0, 2], [2, 1, 0]]),
        "eye": torch.eye(3, dtype=torch.float64),
        "half": torch.full((1, 2, 2), 0.5, dtype=torch.float64),
    }


OVERWRITTEN = ("a", "b", "c", "v", "image", "mask", "index", "index2", "result")


def outcome(torch: Any, expression: str, overwritten: str) -> str:
    """Return ``fine`` or ``refused``; what the forward pass raises where it does."""
    given = names(torch)
    try:
        result = eval(expression, given)
    except Exception as error:
        return f"forward: {type(error).__name__}"
    if not result.requires_grad:
        return "no gradient"
    given["result"] = result
    try:
        kept = result * 1
        tensor = given[overwritten]
        if tensor.dtype == torch.bool:
            tensor.logical_not_()
        else:
            tensor.mul_(1)
    except Exception as error:
        return f"write: {type(error).__name__}"
    try:
        kept.sum().backward()
    except RuntimeError as error:
        modified = "modified by an inplace operation" in str(error)
        return "refused" if modified else f"backward: {error}"
    return "fine"


def used(expression: str) -> list[str]:
    """Return what of the names can be overwritten in a case."""
    found = set(re.findall(r"[a-z]+2?", expression))
    return [name for name in OVERWRITTEN if name in found or name == "result"]
