"""What the operators of sparse tensors say, in PyTorch's words."""

from __future__ import annotations

from typing import Any

from .._core import layout as layouts
from .._core.messages import cotangent_shape as cotangent_shape
from .._core.messages import no_such_dim as no_such_dim
from .._core.messages import not_implemented as not_implemented

#: How PyTorch writes a layout in its messages.
LAYOUT_NAMES = {
    layouts.strided: "Strided",
    layouts.sparse_coo: "Sparse",
    layouts.sparse_csr: "SparseCsr",
    layouts.sparse_csc: "SparseCsc",
    layouts.sparse_bsr: "SparseBsr",
    layouts.sparse_bsc: "SparseBsc",
}


def backend(tensor: Any) -> str:
    """Return the name of the backend that a sparse tensor belongs to."""
    if tensor.layout is layouts.strided:
        return {"cpu": "CPU", "cuda": "CUDA", "meta": "Meta"}.get(tensor.device.type, "CPU")
    device = {"cpu": "CPU", "cuda": "CUDA", "meta": "Meta"}.get(tensor.device.type, "CPU")
    compressed = "" if tensor.layout is layouts.sparse_coo else "Csr"
    return f"Sparse{compressed}{device}"


def not_run(kernel: str, tensor: Any) -> NotImplementedError:
    """There is no such operator of sparse tensors."""
    return NotImplementedError(
        f"Could not run '{kernel}' with arguments from the '{backend(tensor)}' backend."
    )


def unsupported_layout(layout: Any) -> RuntimeError:
    """A function of each element does not take this layout."""
    return RuntimeError(f"unsupported tensor layout: {LAYOUT_NAMES[layout]}")


def gradient_class(value: Any) -> TypeError:
    """A gradient is no tensor."""
    return TypeError(
        f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
    )


def incompatible_data() -> RuntimeError:
    """Data of another layout cannot be set."""
    return RuntimeError(
        "Attempted to call `variable.set_data(tensor)`, but `variable` and `tensor` have "
        "incompatible tensor type."
    )


# Constructors


def indices_rank(shape: Any) -> RuntimeError:
    """Indices have not two dimensions."""
    return RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(shape)}")


def negative_index(index: int, dim: int) -> RuntimeError:
    """An index is negative."""
    return RuntimeError(f"found negative index {index} for dim {dim}")


def index_outside(dim: int, size: int, index: int) -> RuntimeError:
    """An index is too large."""
    return RuntimeError(
        f"size is inconsistent with indices: for dim {dim}, size is {size} but found index {index}"
    )


def dimensions(total: int, sparse: int, dense: int) -> RuntimeError:
    """The shape has another number of dimensions than indices and values."""
    return RuntimeError(
        f"'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = {total}, sparse_dim "
        f"= {sparse}, dense_dim = {dense}"
    )


def different_counts(indices: int, values: int) -> RuntimeError:
    """There are more indices than values, or fewer."""
    return RuntimeError(
        f"indices and values must have same nnz, but got nnz from indices: {indices}, nnz from "
        f"values: {values}"
    )


def values_size(expected: Any, given: Any) -> RuntimeError:
    """Values have not the dense dimensions of the shape."""
    return RuntimeError(f"values has incorrect size, expected {list(expected)}, got {list(given)}")


def not_compressed(layout: Any) -> RuntimeError:
    """The layout is not a compressed one, or was not given."""
    given = "none" if layout is None else LAYOUT_NAMES.get(layout, layout)
    return RuntimeError(
        f"sparse_compressed_tensor expected sparse compressed tensor layout but got {given}"
    )


def compressed_length(name: str, count: int, given: int) -> RuntimeError:
    """The compressed indices have the wrong length."""
    return RuntimeError(
        f"{name}.shape[-1] must be equal to the number of "
        f"{'rows' if name == 'crow_indices' else 'columns'} + 1 (={count + 1}), but got {given}"
    )


def compressed_first(name: str) -> RuntimeError:
    """The compressed indices do not begin with 0."""
    return RuntimeError(f"`{name}[..., 0] == 0` is not satisfied.")


def compressed_last(names: tuple[str, str]) -> RuntimeError:
    """The compressed indices do not end with the number of elements."""
    return RuntimeError(f"`{names[0]}[..., -1] == nnz` is not satisfied.")


def compressed_steps(names: tuple[str, str], dimension: int) -> RuntimeError:
    """The compressed indices fall, or rise by too much."""
    size = ("ncols", "nrows")[dimension]
    return RuntimeError(
        f"`0 <= {names[0]}[..., 1:] - {names[0]}[..., :-1] <= {size}` is not satisfied."
    )


def plain_outside(name: str, size: int) -> RuntimeError:
    """A plain index is outside of the shape."""
    count = "ncols" if name == "col_indices" else "nrows"
    return RuntimeError(f"`0 <= {name} < {count}` is not satisfied.")


def plain_order(names: tuple[str, str], dimension: int) -> RuntimeError:
    """The plain indices are not sorted, or one stands twice."""
    size = ("nrows", "ncols")[dimension]
    return RuntimeError(
        f"`{names[1]}[..., {names[0]}[..., i - 1]:{names[0]}[..., i]] for all i = 1, ..., {size} "
        "are sorted and distinct along the last dimension values` is not satisfied."
    )


# Conversions


def expected_layout(name: str, expected: str, layout: Any) -> RuntimeError:
    """The layout has no such indices."""
    return RuntimeError(f"{name} expected {expected} layout but got {LAYOUT_NAMES[layout]}")


def uncoalesced(what: str) -> RuntimeError:
    """Indices may stand twice."""
    return RuntimeError(
        f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first"
    )


def sparse_dim(given: int, most: int) -> RuntimeError:
    """That many dimensions cannot be indexed."""
    if given == 0:
        return RuntimeError("dense_to_sparse: sparse_dim argument must be in >0 when self.dim()>0")
    return RuntimeError(
        f"dense_to_sparse: sparse_dim argument must be in [0,{most}] range, but {given} is given"
    )


def dense_dim(name: str, most: int, given: int) -> RuntimeError:
    """A value cannot have that many dimensions."""
    name = name.replace("dense_to_sparse", "dense_to_sparse", 1)
    return RuntimeError(
        f"{name}: dense_dim argument must be in [0,{most}] range, but {given} is given"
    )


def two_dimensions(shape: Any) -> IndexError:
    """Rows and columns need two dimensions."""
    sizes = [*shape, 1]
    return IndexError(
        f"select(): index 1 out of range for tensor of size {sizes} at dimension {len(sizes) - 1}"
    )


def blocksize_needed(source: Any, layout: Any) -> RuntimeError:
    """A layout in blocks needs the size of the blocks."""
    name = "dense_to_sparse" if source is layouts.strided else "to_sparse"
    return RuntimeError(
        f"{name}: conversion from {LAYOUT_NAMES[source]} to {LAYOUT_NAMES[layout]} without "
        "blocksize argument given is not supported"
    )


def blocksize_divides(name: str, size: Any, blocksize: Any) -> RuntimeError:
    """Blocks do not fill the rows or the columns."""
    return RuntimeError(
        f"{name}: tensor sparse size ({size[0]},{size[1]}) must be divisible by given blocksize "
        f"({blocksize[0]},{blocksize[1]})"
    )


def other_sparse_dim() -> RuntimeError:
    """The number of indexed dimensions cannot be changed."""
    return RuntimeError(
        "to_sparse: conversion from Sparse to Sparse with sparse_dim argument !=self.sparse_dim() "
        "is not supported"
    )


def other_sparse_dim_of_compressed(layout: Any) -> RuntimeError:
    """The number of indexed dimensions cannot be changed."""
    return RuntimeError(
        f"sparse_compressed_to_sparse: conversion from {LAYOUT_NAMES[layout]} to Sparse with "
        "sparse_dim argument !=2 is not supported"
    )


def two_sparse_dimensions(tensor: Any, layout: Any) -> RuntimeError:
    """Only two indexed dimensions can be rows and columns."""
    name = str(layout).removeprefix("torch.")
    return RuntimeError(
        f"coo_to_{name}: conversion from Sparse to {LAYOUT_NAMES[layout]} for input tensors with "
        f"sparse_dim()!=2 is not supported"
    )


def other_layout(own: Any, other: Any) -> RuntimeError:
    """A conversion keeps the layout."""
    return RuntimeError(
        "to(options) doesn't support converting to a different layout, but got self.layout being "
        f"{LAYOUT_NAMES[own]} and options.layout set as {LAYOUT_NAMES[other]}"
    )


def uneven_batches() -> RuntimeError:
    """Batches keep different numbers of elements."""
    return RuntimeError("Expect the same number of specified elements per batch.")


def mask_size(own: Any, mask: Any) -> RuntimeError:
    """The mask has another shape."""
    return RuntimeError(
        f"sparse_mask(): operands have incompatible sizes; self has size {list(own)} but mask has "
        f"size {list(mask)}"
    )


def copy_between(own: Any, other: Any) -> RuntimeError:
    """A dense and a sparse tensor cannot be copied to each other."""
    return RuntimeError(
        "copy_() between dense and sparse Tensors is not implemented! Found self type = "
        f"{own.type()} and src type = {other.type()}"
    )


# Arithmetic


def leaf_in_place() -> RuntimeError:
    """A leaf that requires grad is written to."""
    return RuntimeError(
        "a leaf Variable that requires grad is being used in an in-place operation."
    )


def integral_alpha() -> RuntimeError:
    """A factor with a fraction does not fit integers."""
    return RuntimeError(
        "For integral input tensors, argument alpha must not be a floating point number."
    )


def sparse_plus_dense() -> RuntimeError:
    """A dense tensor cannot be added to a sparse one."""
    return RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")


def sum_size(dense: Any, sparse: Any) -> RuntimeError:
    """A dense and a sparse term have different shapes."""
    return RuntimeError(
        f"add: expected 'self' and 'other' to have same size, but self has size {list(dense)} "
        f"while other has size {list(sparse)} (FYI: dense-sparse addition does not currently "
        "support broadcasting)"
    )


def sums_size(left: Any, right: Any) -> RuntimeError:
    """Two sparse terms have different shapes."""
    return RuntimeError(
        f"add: expected sizes of 'self' and 'other' to match, but {list(left)} != {list(right)}"
    )


def sums_dense(left: Any, right: Any) -> RuntimeError:
    """Two sparse terms index different numbers of dimensions."""
    return RuntimeError(
        "add: expected 'self' and 'other' to have same density, but 'self' has "
        f"{left.sparse_dim()} sparse dimensions while 'other' has {right.sparse_dim()} sparse "
        "dimensions"
    )


def number_plus_sparse(number_first: bool, shape: Any) -> RuntimeError:
    """A number cannot be added, as all elements would be kept."""
    kind = "dense-sparse" if number_first else "op2-sparse"
    return RuntimeError(
        "add: expected 'self' and 'other' to have same size, but self has size [] while other has "
        f"size {list(shape)} (FYI: {kind} addition does not currently support broadcasting)"
    )


def block_layout(kernel: str, layout: Any) -> RuntimeError:
    """An operator does not take layouts in blocks."""
    return RuntimeError(
        f"{kernel} expected sparse compressed (non-block) tensor layout but got "
        f"{LAYOUT_NAMES[layout]}"
    )


def broadcast_sizes(dense: Any, sparse: Any) -> RuntimeError:
    """Shapes cannot be broadcast."""
    for place in range(1, min(len(dense), len(sparse)) + 1):
        own, other = dense[-place], sparse[-place]
        if own != other and 1 not in (own, other):
            dim = max(len(dense), len(sparse)) - place
            return RuntimeError(
                f"The size of tensor a ({own}) must match the size of tensor b ({other}) at "
                f"non-singleton dimension {dim}"
            )
    raise AssertionError


def reduced_rows(expected: int, given: Any) -> RuntimeError:
    """The dense factor has the wrong number of rows."""
    return RuntimeError(
        f"Expected a tensor of dimension 2 and tensor.size[0] == {expected} but got: dimension "
        f"{len(given)} and tensor.size[0] = {given[0]}"
    )


def sums_layouts(left: Any, right: Any) -> RuntimeError:
    """Two sparse terms have different layouts."""
    if left is layouts.sparse_coo:
        return RuntimeError("memory format option is only supported by strided tensors")
    return RuntimeError(
        f"add: expected terms of one layout, but got {LAYOUT_NAMES[left]} and {LAYOUT_NAMES[right]}"
    )


def products_layouts(left: Any, right: Any) -> RuntimeError:
    """Two sparse factors have different layouts."""
    return RuntimeError(
        f"mul: expected layouts of factors to match, but {LAYOUT_NAMES[left]} != "
        f"{LAYOUT_NAMES[right]}"
    )


def products_dense(left: Any, right: Any) -> RuntimeError:
    """Two sparse factors index different dimensions."""
    return RuntimeError(
        "sparse_binary_op_intersection_cpu(): expects sparse inputs with equal dimensionality, "
        "number of sparse dimensions, and shape of sparse dimensions"
    )


def cannot_cast(made: Any, wanted: Any) -> RuntimeError:
    """A result does not fit the tensor that it is written to."""
    return RuntimeError(
        f"Can't convert result type {dtype_name(made)} to output {dtype_name(wanted)} in add "
        "operation"
    )


def divisor(shape: Any) -> RuntimeError:
    """The divisor is not one number."""
    return RuntimeError(
        "Sparse division requires a scalar or zero-dim dense tensor divisor (got shape "
        f"{list(shape)} for divisor)"
    )


def power_zero() -> RuntimeError:
    """Everything to the power of zero is one."""
    return RuntimeError(
        "pow: cannot raise to zeroth power on sparse tensor; it would make the result tensor dense"
    )


def coalesced_needed(name: str) -> RuntimeError:
    """Written in place, an element must not stand twice."""
    return RuntimeError(f"{name} requires coalesced input")


# Products


def dtype_name(dtype: Any) -> str:
    """Return how PyTorch's messages write a dtype: ``Float``."""
    return dtype._legacy_name


def dense_rows(
    expected: int, given: int, argument: str = "addmm: Argument #3 (dense)"
) -> RuntimeError:
    """The second factor has the wrong number of rows."""
    return RuntimeError(f"{argument}: Expected dim 0 size {expected}, got {given}")


def product_shapes(left: Any, right: Any) -> RuntimeError:
    """Columns of the first factor and rows of the second differ."""
    sizes = " and ".join("x".join(map(str, shape)) for shape in (left, right))
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({sizes})")


def not_a_matrix(dim: int) -> IndexError:
    """A factor is no matrix."""
    return no_such_dim(1, dim)


def no_product(result: Any, left: Any, right: Any) -> RuntimeError:
    """There is no product of these layouts."""
    names = [LAYOUT_NAMES[each] for each in (result, left, right)]
    return RuntimeError(
        f"addmm: computation on CPU is not implemented for {names[0]} + {names[1]} @ {names[2]}"
    )


def product_layouts(left: Any, right: Any) -> RuntimeError:
    """The sparse factor of a product that is added is not the first."""
    return RuntimeError(
        "addmm_sparse_dense: expected either 'mat1' to have sparse layout and 'mat2' to have "
        f"strided layout, got 'mat1' with layout {LAYOUT_NAMES[left]} and 'mat2' with layout "
        f"{LAYOUT_NAMES[right]}"
    )


def product_result(layout: Any) -> RuntimeError:
    """What a dense product is added to is sparse."""
    return RuntimeError(
        "addmm_sparse_dense: expected strided result tensor, got tensor with layout "
        f"{LAYOUT_NAMES[layout]}"
    )


def vector_dimensions(left: int, right: int) -> RuntimeError:
    """Not a matrix and a vector."""
    return RuntimeError(
        f"mv: two tensor dim should be 2 and 1, but got SparseTensor Dim: {left}Tensor Dim: {right}"
    )


def vector_size(left: int, right: int) -> RuntimeError:
    """The vector has the wrong length."""
    return RuntimeError(f"mv: expected self.size(-1) == vec.size(-1), but got {left} and {right}")


def expanded() -> RuntimeError:
    """A sparse tensor cannot be expanded."""
    return RuntimeError("expand is unsupported for Sparse tensors")


# Shapes


def transposed_dimensions(sparse: int, first: int, second: int) -> RuntimeError:
    """A sparse and a dense dimension cannot be swapped."""
    return RuntimeError(
        f"sparse transpose: transposed dimensions must be sparse Got sparse_dim: {sparse}, d0: "
        f"{first}, d1: {second}"
    )


def transposed_compressed(layout: Any) -> RuntimeError:
    """Only rows and columns can be swapped."""
    return RuntimeError(
        f"transpose(): unsupported dimensions of a tensor of layout {LAYOUT_NAMES[layout]}"
    )


def t_rank(dim: int) -> RuntimeError:
    """More than a matrix cannot be transposed without dimensions."""
    return RuntimeError(
        f"t() expects a tensor with <= 2 sparse and 0 dense dimensions, but got {dim} sparse and 0 "
        "dense dimensions"
    )


def permuted_count(own: int, given: int) -> RuntimeError:
    """Not every dimension was named."""
    return RuntimeError(
        "permute(sparse_coo): number of dimensions in the tensor input does not match the length "
        f"of the desired ordering of dimensions i.e. input.dim() = {own} is not equal to "
        f"len(dims) = {given}"
    )


def permuted_kinds() -> RuntimeError:
    """Sparse and dense dimensions cannot be mixed."""
    return RuntimeError(
        "permute(sparse_coo): transpositions between sparse and dense dimensions are not allowed."
        "Only transpositions within sparse and dense dimensions are supported."
    )


def select_range(index: int, shape: Any, dim: int) -> IndexError:
    """There is no such index."""
    return IndexError(
        f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}"
    )


def index_bounds(index: int, dim: int, size: int) -> IndexError:
    """There is no such index."""
    return IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")


def too_many_indices(dim: int) -> IndexError:
    """There are more indices than dimensions."""
    return IndexError(f"too many indices for tensor of dimension {dim}")


def index_tensor() -> IndexError:
    """Indices are not a vector of int64."""
    return IndexError("index_select() argument index must be 1-D strided (non-sparse) long-tensor.")


def index_range(index: int, shape: Any, dim: int) -> IndexError:
    """There is no such index."""
    return IndexError(
        f"index_select(): index contains {index} that is out of range for tensor of size "
        f"{list(shape)} at dimension {dim}"
    )


def narrow_range(size: int) -> RuntimeError:
    """A range is not within the dimension."""
    return RuntimeError(
        f"Invalid range to narrow. range(start, start+length) must be a subset of range(0, {size})."
    )


def joined_dense(position: int) -> RuntimeError:
    """A dense tensor is among sparse ones."""
    return RuntimeError(
        f"Concatenating sparse tensors, but a dense tensor was found at position {position}."
    )


def joined_shapes(first: Any, other: Any, position: int) -> RuntimeError:
    """Shapes differ in another dimension than the one that is joined."""
    return RuntimeError(
        f"All tensors must have the same shape: {list(first)} (except in the concatenating "
        f"dimension), but found shape: {list(other)} at position {position}."
    )


def joined_kinds(first: Any, other: Any, position: int) -> RuntimeError:
    """Tensors index different numbers of dimensions."""
    return RuntimeError(
        "All tensors must have the same sparse_dim and dense_dim: "
        f"{first.sparse_dim()}, {first.dense_dim()}, but tensor at position {position} has "
        f"{other.sparse_dim()}, {other.dense_dim()}."
    )


# Reductions and gradients


def norm_dimensions() -> RuntimeError:
    """A norm is one of all elements."""
    return RuntimeError(
        "norm_sparse currently only supports full reductions, so 'dim' must either be empty or "
        "contain all dimensions of the input"
    )


def softmax_dtype(logarithm: bool, dtype: Any) -> NotImplementedError:
    """Softmax needs floating point numbers."""
    return not_implemented("log_softmax" if logarithm else "softmax", dtype_name(dtype))


def frequency_of_sparse() -> RuntimeError:
    """Sparse gradients are not divided by frequencies."""
    return RuntimeError(
        "embedding_backward: scale_grad_by_freq not supported with sparse gradients"
    )
