"""PyTorch's words about loss functions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any


def reduction_mode(name: Any) -> ValueError:
    """An unknown way to reduce a weighted loss."""
    return ValueError(f"Invalid reduction mode: {name}. Expected one of 'none', 'mean', 'sum'.")


def warn_target_size(input_size: Any, target_size: Any) -> None:
    """A loss is given a target of another size, which broadcasts."""
    warnings.warn(
        f"Using a target size ({target_size}) that is different to the input size ({input_size}). "
        "This will likely lead to incorrect results due to broadcasting. Please ensure they have "
        "the same size.",
        stacklevel=3,
    )


def target_out_of_bounds(target: int) -> IndexError:
    """A class number is too large, or negative."""
    return IndexError(f"Target {target} is out of bounds.")


def no_probabilities(name: str) -> RuntimeError:
    """``binary_cross_entropy`` of numbers below 0 or above 1."""
    return RuntimeError(f"all elements of {name} should be between 0 and 1")


def batch_sizes(inputs: int, targets: int) -> ValueError:
    """As many targets as inputs are needed."""
    return ValueError(
        f"Expected input batch_size ({inputs}) to match target batch_size ({targets})."
    )


def target_dtype(type_name: str) -> RuntimeError:
    """Class numbers have a dtype that is none."""
    return RuntimeError(f"expected target dtype to be Long or Byte, but got {type_name}")


def multi_target() -> RuntimeError:
    """Class numbers have too many dimensions."""
    return RuntimeError("0D or 1D target tensor expected, multi-target not supported")


def spatial_targets(ndim: int) -> RuntimeError:
    """Class numbers of images have another rank than three."""
    return RuntimeError(
        "only batches of spatial targets supported (3D tensors) but got targets of dimension: "
        f"{ndim}"
    )


def class_weights(classes: int, shape: Sequence[int]) -> RuntimeError:
    """There are more or fewer weights than classes."""
    return RuntimeError(
        f"weight tensor should be defined either for all {classes} classes or no classes but got "
        f"weight tensor of shape: {list(shape)}"
    )


def smoothing(value: float) -> RuntimeError:
    """Label smoothing is no share."""
    return RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {value:g}")


def bce_size(target: Any, input: Any) -> ValueError:
    """``binary_cross_entropy`` of different sizes."""
    return ValueError(
        f"Using a target size ({target}) that is different to the input size ({input}) is "
        "deprecated. Please ensure they have the same size."
    )


def logits_size(target: Any, input: Any) -> ValueError:
    """``binary_cross_entropy_with_logits`` of different sizes."""
    return ValueError(f"Target size ({target}) must be the same as input size ({input})")


def one_hot_dtype() -> RuntimeError:
    """``one_hot`` of something else than int64."""
    return RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")


def one_hot_negative() -> RuntimeError:
    """``one_hot`` of a negative class."""
    return RuntimeError("Class values must be non-negative.")


def one_hot_range() -> RuntimeError:
    """``one_hot`` with too few classes."""
    return RuntimeError("Class values must be smaller than num_classes.")


def one_hot_of_nothing() -> RuntimeError:
    """``one_hot`` of nothing, without the number of classes."""
    return RuntimeError("Can not infer total number of classes from empty tensor.")


def one_hot_classes() -> RuntimeError:
    """``one_hot`` of nothing, with a number of classes that is not positive."""
    return RuntimeError("num_classes should be positive")


def warn_kl_div_mean() -> None:
    """``kl_div`` is reduced by the mean of elements."""
    warnings.warn(
        "reduction: 'mean' divides the total loss by both the batch size and the support size."
        "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
        "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
        stacklevel=3,
    )


def float_argument(function: str, name: str, position: int, value: Any) -> TypeError:
    """A number is needed."""
    return TypeError(
        f"{function}(): argument '{name}' (position {position}) must be float, not "
        f"{type(value).__name__}"
    )


def negative_beta() -> RuntimeError:
    """``smooth_l1_loss`` with a negative ``beta``."""
    return RuntimeError("smooth_l1_loss does not support negative values for beta.")


def huber_delta() -> RuntimeError:
    """``huber_loss`` with a ``delta`` that is not positive."""
    return RuntimeError("huber_loss does not support non-positive values for delta.")


def weights_size() -> ValueError:
    """There are more or fewer weights than elements."""
    return ValueError("Weights and input must have the same size.")


def float_result(type_name: str) -> RuntimeError:
    """The result is floating point, and the input is not."""
    return RuntimeError(f"result type Float can't be cast to the desired output type {type_name}")


def not_differentiable_by(function: str, name: str) -> RuntimeError:
    """An argument that has no gradient requires grad."""
    return RuntimeError(
        f"The function '{function}' is not differentiable with respect to argument '{name}'. This "
        "input cannot have requires_grad True."
    )


def kl_div_inputs(kind: str) -> RuntimeError:
    """``kl_div`` of integers or complex numbers."""
    return RuntimeError(f"kl_div: {kind} inputs not supported.")


def negative_variance() -> ValueError:
    """``gaussian_nll_loss`` with a negative variance."""
    return ValueError("var has negative entry/entries")


def variance_size() -> ValueError:
    """``gaussian_nll_loss`` with variances of a shape that does not fit."""
    return ValueError("var is of incorrect size")


def invalid_reduction(name: Any) -> ValueError:
    """An unknown way to reduce a loss that is made of other operators."""
    return ValueError(f"{name} is not valid")


def margin_not_positive(margin: float) -> ValueError:
    """A triplet loss without a margin."""
    return ValueError(f"margin must be greater than 0, got {margin}")


def triplet_dims(anchor: int, positive: int, negative: int) -> RuntimeError:
    """The tensors of a triplet have different numbers of dimensions."""
    return RuntimeError(
        "The anchor, positive, and negative tensors are expected to have the same number of "
        f"dimensions, but got: anchor {anchor}D, positive {positive}D, and negative {negative}D "
        "inputs"
    )


def ranking_dims(input1: Any, input2: Any, target: Any) -> RuntimeError:
    """The tensors of ``margin_ranking_loss`` have different numbers of dimensions."""
    return RuntimeError(
        "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
        f"input1: {input1}, input2: {input2}, target: {target} "
    )


def cosine_dims(ndim: int, first: Sequence[int], second: Sequence[int]) -> RuntimeError:
    """``cosine_embedding_loss`` of vectors whose number of dimensions does not fit the targets."""
    return RuntimeError(
        f"{ndim}D target tensor expects {ndim + 1}D input tensors, but found inputs with sizes "
        f"{list(first)} and {list(second)}."
    )


def margin_input(shape: Sequence[int]) -> RuntimeError:
    """A margin loss of scores that are neither a vector nor a matrix, or of no class."""
    return RuntimeError(
        "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
        f"{list(shape)}"
    )


def margin_targets(
    count: int, target: Sequence[int], input: Sequence[int], scalar: bool
) -> RuntimeError:
    """``multi_margin_loss`` with more or fewer targets than rows."""
    return RuntimeError(
        "multi_margin_loss: target tensor should be 1-D with size equal to the number of input "
        f"samples (batch size). Expected target size [{count}], but got {list(target)}. Input has "
        f"shape {list(input)}."
    )


def margin_weights(count: int, shape: Sequence[int]) -> RuntimeError:
    """``multi_margin_loss`` with more or fewer weights than classes."""
    return RuntimeError(f"inconsistent weight size, expected {count} but got {list(shape)}")


def margin_power() -> ValueError:
    """``multi_margin_loss`` with another power than 1 or 2."""
    return ValueError("only p == 1 and p == 2 supported")


def weight_ndim() -> ValueError:
    """``multi_margin_loss`` with weights that are no vector."""
    return ValueError("weight must be one-dimensional")


def scalar_type(expected: str, found: str) -> RuntimeError:
    """A tensor has another dtype than the kernel reads."""
    return RuntimeError(f"expected scalar type {expected} but found {found}")


def target_range() -> RuntimeError:
    """``multi_margin_loss`` of a class that does not exist."""
    return RuntimeError("target out of range")


def labels_range() -> RuntimeError:
    """``multilabel_margin_loss`` of a class that does not exist."""
    return RuntimeError("argument #2 'target' is out of range")


def labels_size(target: Sequence[int], input: Sequence[int]) -> RuntimeError:
    """``multilabel_margin_loss`` with labels of another shape."""
    return RuntimeError(
        f"inconsistent target size: {list(target)} for input of size: {list(input)}"
    )


def linear_input_ndim(ndim: int) -> RuntimeError:
    """``linear_cross_entropy`` of neither a row nor rows."""
    return RuntimeError(f"expected input with dimensionality 1 or 2, got {ndim}")


def linear_weight_ndim(ndim: int) -> RuntimeError:
    """``linear_cross_entropy`` with a weight that is no matrix."""
    return RuntimeError(f"expected linear_weight with dimensionality at least 2, got {ndim}")


def linear_features(input: int, weight: int) -> RuntimeError:
    """``linear_cross_entropy`` of rows and a weight of different sizes."""
    return RuntimeError(
        "expected equal input and linear_weight last dimensions (in_features), got "
        f"{input} and {weight}, respectively"
    )


def linear_bias_shape(expected: Sequence[int], found: Sequence[int]) -> RuntimeError:
    """``linear_cross_entropy`` with a bias of another shape."""
    return RuntimeError(f"expected linear_bias shape {expected}, got {found}")


def linear_unbatched(weight: Sequence[int], features: int, input: Sequence[int]) -> RuntimeError:
    """``linear_cross_entropy`` of one row where the logits have further dimensions."""
    return RuntimeError(
        f"K-dimensional loss defined by linear_weight shape {weight} requires batched input, "
        f"(N, {features}), got unbatched input with shape {input}"
    )


def ignored_probabilities() -> RuntimeError:
    """A class number is to be ignored where there are none."""
    return RuntimeError("ignore_index cannot be specified when target contains probabilities")


def warn_options_ignored(
    reduction: Any, label_smoothing: Any, dtype: Any, out_features: Any, bias_shape: Any
) -> None:
    """``linear_cross_entropy`` could not be computed in parts."""
    warnings.warn(
        "linear_cross_entropy: ``options`` ignored; chunked path needs reduction in "
        "{'mean','sum','none'}, label_smoothing == 0, target.dtype == int64, out_features == (). "
        f"Got reduction={reduction!r}, label_smoothing={label_smoothing}, target.dtype={dtype}, "
        f"out_features={out_features}, tracing=False, linear_bias.shape={bias_shape}.",
        stacklevel=3,
    )


def probabilities_dtype(type_name: str) -> RuntimeError:
    """Targets of the shape of the logits are no probabilities."""
    return RuntimeError(
        "Expected floating point type for target with class probabilities, got " + type_name
    )


def ignored_index() -> RuntimeError:
    """A class number is to be ignored where targets are probabilities."""
    return RuntimeError("ignore_index is not supported for floating point target")


def class_weights_of_entropy(classes: int, shape: Sequence[int]) -> RuntimeError:
    """``cross_entropy`` of probabilities with more or fewer weights than classes."""
    return RuntimeError(
        f"cross_entropy: weight tensor should be defined either for all {classes} classes or no "
        f"classes but got weight tensor of shape: {list(shape)}"
    )
