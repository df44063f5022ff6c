"""``grad_fn._saved_self``, ``grad_fn._saved_dim``: what an operator saved for its gradient.

Which attributes a node has is PyTorch's and written down here; their values are found in what the
operator was given: its operands by the names of its parameters, its results, its constants. An
attribute that the operator here does not keep is not there. A node that is not listed shows the
operands and results that its entry declares as saved.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import messages
from ..._core.device import CPU
from ..._core.dtypes import float64, int64
from ..graph.op import Operand
from ..graph.trie import Instruction
from ..graph.values import LEAF, RESULT, Value, make_meta, ready
from ..recording.record import wrap
from ..recording.saved_hooks import announce, forget_unpacked, pack_into
from . import _messages
from .graph import FunctionSegment, end_of
from .overwritten import check_level

_SAVED = "_saved_"
_RAW = "_raw_saved_"

#: Attributes by the node's name, tensors with an asterisk: ``name: attributes``.
_LISTED = """
AbsBackward0: self*
AcosBackward0: self*
AdaptiveAvgPool2DBackward0: self*
AdaptiveMaxPool2DBackward0: result1* self*
AddBackward0: alpha
AddcdivBackward0: tensor1* tensor2* value
AddcmulBackward0: tensor1* tensor2* value
AddmmBackward0: alpha beta mat1* mat1_sym_sizes mat1_sym_strides mat2* mat2_sym_sizes
  mat2_sym_strides
AmaxBackward0: dim keepdim result* self*
AminmaxBackward0: dim keepdim max* min* self*
AngleBackward0: self*
AsStridedBackward0: size storage_offset stride
AsinBackward0: self*
Atan2Backward0: other* self*
AtanBackward0: self*
AvgPool2DBackward0: ceil_mode count_include_pad divisor_override kernel_size padding self*
  stride
BaddbmmBackward0: alpha batch1* batch2* beta
BinaryCrossEntropyBackward0: reduction self* target* weight*
BinaryCrossEntropyWithLogitsBackward0: pos_weight* reduction self* target* weight*
BlockDiagBackward0:
BmmBackward0: mat2* self*
CatBackward0: dim
CdistBackward0: p result* x1* x2*
CeilBackward0:
CeluBackward0: alpha self*
ClampBackward0: max* min* self*
ClampBackward1: max min self*
ClampMaxBackward0: max self*
ClampMinBackward0: min self*
CloneBackward0:
ComplexBackward0: imag* real*
ConstantPadNdBackward0: pad
ConvolutionBackward0: bias_sym_sizes_opt dilation groups input* output_padding padding stride
  transposed weight*
CopysignBackward0: result* self*
CosBackward0: self*
CoshBackward0: self*
CummaxBackward0: dim indices* self*
CumprodBackward0: dim result* self*
CumsumBackward0: dim
DiagEmbedBackward0: dim1 dim2 offset
DiagonalBackward0: dim1 dim2 offset self_sym_sizes
DiagonalBackward0_copy: dim1 dim2 offset self_sym_sizes
DigammaBackward0: self*
DistBackward0: other* p result* self*
DivBackward0: other* self*
DotBackward0: self* tensor*
EluBackward0: alpha input_scale scale self*
EmbeddingBackward0: indices* padding_idx scale_grad_by_freq sparse weight_sym_argsize_0
EmbeddingBagBackward0: indices* mode offsets* padding_idx per_sample_weights* result1* result2*
  result3* scale_grad_by_freq sparse weight* weight_sym_argsize_0
ErfBackward0: self*
ErfcBackward0: self*
ErfinvBackward0: self*
Exp2Backward0: result*
ExpBackward0: result*
ExpandBackward0: self_sym_sizes
Expm1Backward0: result*
FftR2CBackward0: dim normalization onesided self*
FillBackward2:
FlipBackward0: dims
FloorBackward0:
FmaxBackward0: other* self*
FmodBackward0:
FmodBackward1: other* self*
FracBackward0:
GatherBackward0: dim index* self* sparse_grad
GeluBackward0: approximate self*
GluBackward0: dim self*
HardshrinkBackward0: lambd self*
HardsigmoidBackward0: self*
HardswishBackward0: self*
HardtanhBackward0: max_val min_val self*
HuberLossBackward0: delta reduction self* target*
HypotBackward0: other* result* self*
I0Backward0: self*
Im2ColBackward0: dilation kernel_size padding self_sym_argsize_minus_1 self_sym_argsize_minus_2
  stride
IndexAddBackward0: alpha dim index* source* source_dim
IndexBackward0: self_sym_sizes
IndexCopyBackward0: dim index* source* source_dim
IndexFillBackward0: dim index*
IndexSelectBackward0: dim index* self_sym_sizes
KthvalueBackward0: dim indices* keepdim self_sym_sizes
LeakyReluBackward0: negative_slope self*
LerpBackward0: weight
LgammaBackward0: self*
LinalgCholeskyExBackward0: L* upper
LinalgCrossBackward0: dim other* self*
LinalgDetBackward0: A* LU* pivots* result*
LinalgInvExBackward0: inverse*
LinalgSolveExBackward0: A* LU* left pivots* result*
LinalgSvdBackward0: S* S_sym_argsize_minus_1 U* Vh* full_matrices
LinalgVectorNormBackward0: dim keepdim ord result* self*
Log10Backward0: self*
Log1PBackward0: self*
Log2Backward0: self*
LogBackward0: self*
LogSigmoidBackward0: buffer* self*
LogSoftmaxBackward0: dim result*
LogaddexpBackward0: other* self*
LogitBackward0: eps self*
LogsumexpBackward0: dim keepdim result* self*
MaskedFillBackward0: mask*
MaskedScatterBackward0: mask* source_sym_sizes
MaskedSelectBackward0: mask* self*
MaxBackward0: dim indices* keepdim self_sym_sizes
MaxBackward1: result* self*
MaxPool2DWithIndicesBackward0: ceil_mode dilation kernel_size padding result1* self* stride
MaximumBackward0: other* self*
MeanBackward0: self_sym_numel self_sym_sizes
MeanBackward1: dim keepdim self_sym_numel self_sym_sizes
MedianBackward0: result* self*
MedianBackward1: dim indices* keepdim self_sym_sizes
MinBackward0: dim indices* keepdim self_sym_sizes
MinimumBackward0: other* self*
MishBackward0: self*
MmBackward0: mat2* mat2_sym_sizes mat2_sym_strides self* self_sym_sizes self_sym_strides
MseLossBackward0: reduction self* target*
MulBackward0: other* self*
MvBackward0: self* vec*
NanToNumBackward0: self*
NansumBackward0: dim keepdim self*
NativeBatchNormBackward0: eps input* result1* result2* running_mean* running_var* training
  weight*
NativeGroupNormBackward0: C HxW N eps group input* result1* result2* weight*
NativeLayerNormBackward0: bias* input* normalized_shape result1* result2* weight*
NegBackward0:
NllLoss2DBackward0: ignore_index reduction self* target* total_weight* weight*
NllLossBackward0: ignore_index reduction self* target* total_weight* weight*
PermuteBackward0: dims
PixelShuffleBackward0: upscale_factor
PolygammaBackward0: n self*
PowBackward0: exponent self*
PowBackward1: exponent* result* self*
PowBackward2: exponent* result* self
PreluKernelBackward0: self* weight*
ProdBackward0: result* self*
ReciprocalBackward0: result*
ReluBackward0: result*
RemainderBackward0:
RemainderBackward1: other* self*
RenormBackward0: dim maxnorm p self*
RepeatBackward0: repeats self_sym_sizes
ReplicationPad1DBackward0: padding self*
RollBackward0: dims shifts
Rot90Backward0: dims k
RoundBackward0:
RsqrtBackward0: result*
RsubBackward1: alpha
ScatterAddBackward0: dim index*
ScatterBackward0: dim index*
SelectBackward0: dim index self_sym_sizes
SigmoidBackward0: result*
SignBackward0:
SiluBackward0: self*
SinBackward0: self*
SincBackward0: self*
SinhBackward0: self*
SliceBackward0: dim end self_sym_sizes start step
SmoothL1LossBackward0: beta reduction self* target*
SoftmaxBackward0: dim result*
SoftplusBackward0: beta self* threshold
SoftshrinkBackward0: lambd self*
SortBackward0: dim indices* self_sym_sizes
SplitBackward0: dim self_sym_sizes split_size
SplitWithSizesBackward0: dim self_sym_sizes split_sizes
SqrtBackward0: result*
SqueezeBackward0: self_sym_sizes
SqueezeBackward1: dim self_sym_sizes
StackBackward0: dim
StdBackward0: correction dim keepdim result* self*
SubBackward0: alpha
SumBackward0: self_sym_sizes
SumBackward1: dim keepdim self_sym_sizes
TBackward0:
TakeBackward0: index* self*
TanBackward0: result*
TanhBackward0: result*
ThresholdBackward0: self* threshold
ToCopyBackward0:
TopkBackward0: dim indices* self_sym_sizes
TraceBackward0: self_sym_sizes
TransposeBackward0: dim0 dim1
TrilBackward0: diagonal
TriuBackward0: diagonal
UnbindBackward0: dim
UnfoldBackward0: dimension self_sym_sizes size step
UnsafeViewBackward0: self_sym_sizes
UnsqueezeBackward0: dim
UpsampleBilinear2DBackward0: align_corners output_size scales_h scales_w self_sym_sizes
UpsampleNearest1DBackward0: output_size scales self_sym_sizes
UpsampleNearest2DBackward0: output_size scales_h scales_w self_sym_sizes
VarBackward0: correction dim keepdim self*
VarMeanBackward0: correction dim keepdim self*
ViewAsComplexBackward0:
ViewBackward0: self_sym_sizes
WhereBackward0: condition*
XlogyBackward0: other* self*
ZeroBackward0:
"""


def _table() -> dict[str, dict[str, bool]]:
    rows = [line.partition(":") for line in _LISTED.replace("\n  ", " ").strip().splitlines()]
    return {
        node: {word.rstrip("*"): word.endswith("*") for word in words.split()}
        for node, _, words in rows
    }


#: For each node its attributes, each with whether it is a tensor.
ATTRIBUTES = _table()

#: What parameters are called here that PyTorch's schema calls otherwise.
_PARAMETERS = {
    "self": ("input", "x", "A"),
    "input": ("self",),
    "exponent": ("other",),
    "vec": ("other", "vec2"),
    "mat2": ("other", "weight"),
    "tensor": ("other",),
    "dims": ("dim",),
    "dimension": ("dim",),
    "dim0": ("axis0",),
    "dim1": ("axis1",),
    "indices": ("index",),
}
#: Attributes that are results, by their number.
_RESULTS = {"result": 0, "inverse": 0, "L": 0, "indices": 1, "result1": 1, "result2": 2}
#: How a loss is reduced, as PyTorch numbers it.
_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}
#: Numbers of any type, which keep their sign; other ints are those of a schema.
_SCALARS = frozenset(
    ["alpha", "beta", "exponent", "max", "max_val", "min", "min_val", "self", "threshold", "value"]
)
#: Attributes with a number for each spatial dimension of the node's name.
_SPATIAL = frozenset(["dilation", "kernel_size", "padding", "output_padding", "stride"])
_RANK = re.compile(r"(\d)D")
MISSING: Any = object()


class SavedTensor:
    """One saved tensor of a node: ``data``, ``unpack()`` and hooks for it alone."""

    __slots__ = ("_node", "_attribute")

    _node: Any
    _attribute: str

    def __init__(self, *_: Any) -> None:
        raise RuntimeError("Trying to create a SavedTensor object from Python is forbidden.")

    @property
    def data(self) -> Any:
        """The tensor as it was saved."""
        return self.unpack()

    def unpack(self) -> Any:
        """Return the saved tensor, ``None`` where none was needed."""
        return _read(self._node, self._attribute)

    def register_hooks(self, pack: Callable, unpack: Callable) -> None:
        """Pack the tensor now, and unpack it where it is needed.

        Raises:
            RuntimeError: the tensor was freed, there is none, it has hooks already, or ``pack``
                changed it in place.
        """
        node = self._node
        if _is_freed(node):
            raise _messages.hooks_on_freed_tensor()
        tensor = self.unpack()
        if tensor is None:
            raise _messages.hooks_on_no_tensor()
        found = _locate(node, self._attribute, True)
        segment = node._segment
        if not isinstance(found, tuple):
            return  # a number: no gradient is made of the tensor shown
        reference = found[0]
        if segment.packed is not None and reference in segment.packed:
            raise _messages.hooks_on_hooked_tensor()
        if segment.hooks is None:
            segment.hooks = {}  # says "not the usual path"
        try:
            pack_into(announce(segment, reference, unpack), tensor.detach(), pack)
        finally:
            forget_unpacked(segment)


def read(node: Any, name: str) -> Any:
    """Return an attribute of a node, by its full name.

    Raises:
        AttributeError: the node has none of this name.
        RuntimeError: the saved tensors were freed, or were overwritten in place.
    """
    raw = name.startswith(_RAW)
    attribute = name[len(_RAW) if raw else len(_SAVED) :]
    known = _known(node)
    if attribute in known and not (raw and not known[attribute]):
        if raw:
            made = object.__new__(SavedTensor)
            made._node, made._attribute = node, attribute
            return made
        if known[attribute] and _is_freed(node):
            raise messages.backward_twice()
        found = _read(node, attribute)
        if found is not MISSING:
            return found
    raise AttributeError(f"{type(node).__name__!r} object has no attribute {name!r}")


def names_of(node: Any) -> list[str]:
    """Return the names of the attributes that a node has."""
    found = []
    for attribute, is_tensor in _known(node).items():
        if _locate(node, attribute, is_tensor) is not MISSING:
            found.append(_SAVED + attribute)
            if is_tensor:
                found.append(_RAW + attribute)
    return found


def _instruction(node: Any) -> Instruction | None:
    segment = getattr(node, "_segment", None)  # the accumulator of a leaf has none
    if segment is None or isinstance(segment, FunctionSegment) or node._slot is None:
        return None
    found: Instruction = end_of(segment).by_slot()[node._slot]
    return found


def _known(node: Any) -> dict[str, bool]:
    instruction = _instruction(node)
    if instruction is None or instruction.arguments is None:
        return {}
    listed = ATTRIBUTES.get(type(node).__name__)
    if listed is not None:
        return listed
    names = instruction.arguments[0]
    found = {("self" if names[p] == "input" else names[p]): True for p in instruction.saves}
    if instruction.saves_result:
        found["result"] = True
    return found


def _is_freed(node: Any) -> bool:
    instruction = _instruction(node)
    if instruction is None:
        return False
    segment = node._segment
    freed = end_of(segment).freed | segment.freed
    return instruction.slot in freed


def _locate(node: Any, attribute: str, is_tensor: bool) -> Any:
    """Return where an attribute is found.

    Returns:
        ``(reference, own)`` for a tensor, ``None`` for one that was not needed; for anything else
        its value.
    """
    instruction = _instruction(node)
    assert instruction is not None and instruction.arguments is not None
    names, bound = instruction.arguments
    stem, _, what = attribute.partition("_sym_")
    if what:
        return _of_meta(node, instruction, stem, what)
    for name in (attribute, *_PARAMETERS.get(attribute, ())):
        if name in names:
            position = names.index(name)
            reference = instruction.operands[position]
            if not isinstance(reference, int):
                return number_of(node._segment, reference)
            if not is_tensor:
                return MISSING
            if position in instruction.saves:
                return (reference, False)
            needed = instruction.op.saves
            # One of several factors is saved for another's gradient alone.
            several = len(names) - names.count("index") > 1
            return None if needed == "cross" or (needed is None and several) else MISSING
        if name in bound:
            return _constant(bound[name], attribute, type(node).__name__)
    offset = _RESULTS.get(attribute)
    shown = is_tensor and instruction.saves_result
    if shown and offset is not None and offset < len(instruction.metas):
        return (instruction.slot + offset, True)
    return MISSING


def _constant(value: Any, attribute: str, node_name: str) -> Any:
    """Return an argument that is a constant of the program, as PyTorch shows it."""
    if value.__class__ is Operand and value.reference is None and value.meta is None:
        return value.number
    if attribute == "reduction":
        return _REDUCTIONS.get(value, MISSING)
    if isinstance(value, (list, tuple)):
        if any(each.__class__ is not int for each in value):
            return MISSING
        rank = _RANK.search(node_name)
        if rank and len(value) == 1 and attribute in _SPATIAL:
            value = value * int(rank[1])
        return tuple([_unsigned(each, attribute) for each in value])
    if value is None or isinstance(value, (bool, float, complex, str)):
        return value
    return _unsigned(value, attribute) if isinstance(value, int) else MISSING


def _unsigned(number: int, attribute: str) -> int:
    """Return an int as PyTorch shows it: in 64 bits, a negative one without its sign."""
    return number if number >= 0 or attribute in _SCALARS else number + (1 << 64)


def number_of(segment: Any, reference: tuple[str, int]) -> Any:
    """Return a number that a program takes as an input."""
    kind, index = reference
    holder = segment if segment.trace is None else segment.trace
    return (holder.floats if kind == "f" else holder.ints)[index]


def _of_meta(node: Any, instruction: Instruction, stem: str, what: str) -> Any:
    """Return sizes, strides or the number of elements of an operand."""
    assert instruction.arguments is not None
    names = instruction.arguments[0]
    for name in (stem, *_PARAMETERS.get(stem, ())):
        if name not in names or not isinstance(instruction.operands[names.index(name)], int):
            continue
        segment, reference = node._segment, instruction.operands[names.index(name)]
        if segment.trace is None:
            meta = end_of(segment).meta_of(reference)
        elif reference < 0:
            meta = segment.trace.inputs[-reference - 1].meta
        else:
            meta = segment.trace.values[reference].meta
        if what == "sizes":
            return tuple(meta.shape)
        if what == "strides":
            # They say how a gradient is to lie in memory.
            wanted = names.index(name) in instruction.gradient_operands
            return tuple(meta.strides) if wanted else ()
        if what == "numel":
            return meta.numel
        if what.startswith("argsize_"):
            at = what[len("argsize_") :].replace("minus_", "-")
            return meta.shape[int(at.replace("_", ""))]
    return MISSING


def _read(node: Any, attribute: str) -> Any:
    is_tensor = _known(node)[attribute]
    found = _locate(node, attribute, is_tensor)
    if found is MISSING or found is None or not is_tensor:
        return found
    if not isinstance(found, tuple):
        return _as_tensor(found)
    reference, own = found
    only: Any = Only(_instruction(node))
    check_level(node._segment, only, 0, node._segment.trace)
    if own and node._segment.trace is not None:
        return wrap(node.value_at(reference - node._slot))
    return tensor_at(node, reference)


def tensor_at(node: Any, reference: int) -> Any:
    """Return a tensor that a node's segment kept, by its reference."""
    segment, trace = node._segment, node._segment.trace
    if trace is not None:
        return _tensor_of(
            trace.inputs[-reference - 1] if reference < 0 else trace.values[reference]
        )
    edge = segment.edges.get(reference)
    if callable(edge):
        leaf = edge()
        if leaf is not None:
            return leaf
    saved = segment.saved.get(reference, MISSING)
    if saved is MISSING and segment.remakes and reference >= 0:
        saved = _made_again(segment, end_of(segment).by_slot(), reference)
    if saved is MISSING or isinstance(saved, Value):
        return saved if saved is MISSING else _tensor_of(saved)
    meta = end_of(segment).meta_of(reference)
    value = ready(saved, meta)
    if meta.grad == RESULT:
        place = edge if isinstance(edge, tuple) else (segment, reference)
        value.segment, value.slot = place
    return wrap(value)


def _made_again(segment: Any, by_slot: dict[int, Instruction], reference: int) -> Any:
    """Return the array of a view that was not kept, since what it is a view of is kept."""
    view = by_slot[reference]
    source = view.made_again_from(by_slot)
    saved = MISSING if source is None else segment.saved.get(source, MISSING)
    if saved is MISSING:
        return saved
    return view.function(saved.array if isinstance(saved, Value) else saved)


def _as_tensor(number: Any) -> Any:
    """Return the tensor without dimensions that PyTorch makes of a number."""
    dtype = int64 if isinstance(number, int) else float64
    return wrap(ready(np.asarray(number, dtype._numpy), make_meta((), dtype, CPU)))


def _tensor_of(value: Value) -> Any:
    if value.meta.grad == LEAF:
        leaf = value.owner()
        if leaf is not None:
            return leaf
    return wrap(value)


class Only:
    """A plan of gradients that needs one instruction."""

    __slots__ = ("order", "views")

    def __init__(self, instruction: Any):
        self.order = [(0, instruction)]
        self.views = ()
