"""The operators, by family. Importing this package declares them all.

The order is that of the families: each is made of those before it.
"""

# ruff: noqa: F401, I001
from .._engine.graph.primitives import set_primitives
from .shape import (
    copying,
    diagonals,
    dtype,
    flips,
    inplace,
    joining,
    order,
    reshaping,
    split,
    strided,
    views,
)
from .creation import creation, random, ranges, sampling_gradients
from .indexing import advanced, along_dim, masks, repeats, scatter, view_copies
from .reduce import (
    counting,
    cumulative,
    extrema,
    finite_differences,
    histograms,
    quantile,
    segments,
    softmax,
    sorting,
    sums,
    variance,
    vector_norms,
)
from .pointwise import (
    arithmetic,
    binary,
    bits,
    bitwise,
    comparison,
    complex_numbers,
    division,
    power,
    rounding,
    select,
    unary,
)
from .linalg import (
    cholesky,
    covariance,
    determinants,
    ldl,
    low_rank,
    lu,
    matmul,
    matrix_functions,
    norms,
    pairwise,
    products,
    qr,
    rank,
    removed,
    solve,
    spectral,
    vector_distances,
)
from .special import aliases, bessel, functions, polynomials
from .optim import curvature, foreach, gradient_norms
from .nn import (
    activations,
    dropout,
    embedding,
    fake_quantization,
    gated,
    grid_sampling,
    padding,
    resampling,
    weight_norm,
)
from .nn.attention import multihead, scaled_dot_product
from .nn.conv import convolution, folding
from .nn.loss import classification, ctc, linear, margin, pointwise
from .nn.norm import batch, group_norm, layer_norm
from .nn.pool import adaptive, fractional, pooling, unpooling
from .nn.rnn import cells, packing, recurrent
from .fft import fourier, stft
from .compat import aten, internal_forms, namespaces
from .compat.namespaces import load_library, loaded_libraries

set_primitives(
    add=arithmetic.add,
    copy=copying.gradient_copy,
    detach=views.detach,
    data=views.data,
    as_leaf=views._as_leaf,
    sum_to_size=reshaping.sum_to_size,
    to=lambda tensor, wanted: tensor.to(wanted),
)


def __getattr__(name: str) -> namespaces.OpNamespace:
    if name.startswith("__"):
        raise AttributeError(f"module 'torch.ops' has no attribute '{name}'")
    return namespaces.namespace(name)
