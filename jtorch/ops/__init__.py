"""The operators, by family. Importing this package declares them all."""

# ruff: noqa: F401, I001
from .._engine.graph.primitives import set_primitives
from .nn import activations
from .nn.pool import adaptive
from .indexing import advanced
from .pointwise import arithmetic
from .compat import aten
from .nn.attention import scaled_dot_product
from .compat import policies
from .nn.norm import batch
from .pointwise import bitwise
from .pointwise import comparison
from .pointwise import complex_numbers
from .nn.conv import convolution
from .shape import copying
from .reduce import counting
from .creation import creation
from .reduce import cumulative
from .reduce import quantile
from .optim import curvature
from .shape import diagonals
from .linalg import pairwise
from .pointwise import division
from .nn import dropout
from .pointwise import unary
from .nn import embedding
from .reduce import extrema
from .nn.conv import folding
from .optim import foreach
from .fft import fourier
from .nn.pool import fractional
from .nn import gated
from .optim import gradient_norms
from .nn import grid_sampling
from .reduce import histograms
from .indexing import along_dim
from .shape import inplace
from .compat import internal_forms
from .shape import joining
from .linalg import cholesky
from .linalg import determinants
from .linalg import vector_distances
from .linalg import ldl
from .linalg import low_rank
from .linalg import lu
from .linalg import norms
from .linalg import qr
from .linalg import matrix_functions
from .linalg import rank
from .linalg import removed
from .linalg import solve
from .linalg import spectral
from .nn.loss import classification
from .nn.loss import ctc
from .nn.loss import linear
from .nn.loss import margin
from .nn.loss import pointwise
from .indexing import masks
from .linalg import matmul
from .reduce import variance
from .nn.attention import multihead
from .nn.norm import layer_norm
from .reduce import softmax
from .reduce import vector_norms
from .pointwise import bits
from .nn.rnn import packing
from .nn import padding
from .pointwise import binary
from .nn.pool import pooling
from .pointwise import power
from .linalg import products
from .creation import random
from .creation import ranges
from .nn.rnn import recurrent
from .nn.rnn import cells
from .reduce import sums
from .nn import resampling
from .indexing import repeats
from .shape import reshaping
from .pointwise import rounding
from .nn import sampling_gradients
from .indexing import scatter
from .reduce import segments
from .pointwise import select
from .shape import views
from .reduce import sorting
from .special import aliases
from .special import bessel
from .special import functions
from .special import polynomials
from .reduce import statistics
from .fft import stft
from .nn.pool import unpooling
from .indexing import view_copies
from .shape import dtype
from .shape import order
from .shape import split
from .shape import strided
from .nn import weight_norm

policies.install()  # when everything is declared

set_primitives(
    add=arithmetic.add,
    detach=views.detach,
    as_leaf=views._as_leaf,
    sum_to_size=reshaping.sum_to_size,
    to=lambda tensor, wanted: tensor.to(wanted),
)
