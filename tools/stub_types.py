"""What the signatures do not say: the types of results, and of parameters of Python functions."""

from __future__ import annotations

PAIR = "tuple[Tensor, Tensor]"
MANY = "tuple[Tensor, ...]"

#: Results that are not one tensor, by the name of the function or method.
RETURNS = {
    "allclose": "_bool",
    "atleast_1d": "Any",
    "atleast_2d": "Any",
    "atleast_3d": "Any",
    "backward": "None",
    "batch_norm_stats": PAIR,
    "broadcast_shapes": "Size",
    "broadcast_tensors": MANY,
    "can_cast": "_bool",
    "chunk": MANY,
    "data_ptr": "_int",
    "dim": "_int",
    "dsplit": MANY,
    "element_size": "_int",
    "equal": "_bool",
    "get_device": "_int",
    "get_default_device": "_device",
    "get_default_dtype": "_dtype",
    "get_device_module": "Any",
    "get_num_threads": "_int",
    "get_rng_state": "Tensor",
    "gradient": MANY,
    "histogramdd": "return_types.histogramdd",
    "hsplit": MANY,
    "initial_seed": "_int",
    "is_complex": "_bool",
    "is_conj": "_bool",
    "is_contiguous": "_bool",
    "is_distributed": "_bool",
    "is_floating_point": "_bool",
    "is_inference": "_bool",
    "is_neg": "_bool",
    "is_nonzero": "_bool",
    "is_pinned": "_bool",
    "is_same_size": "_bool",
    "is_set_to": "_bool",
    "is_shared": "_bool",
    "is_signed": "_bool",
    "item": "Any",
    "lobpcg": PAIR,
    "lstm": "tuple[Tensor, Tensor, Tensor]",
    "lstm_cell": PAIR,
    "gru": PAIR,
    "rnn_tanh": PAIR,
    "rnn_relu": PAIR,
    "meshgrid": MANY,
    "ndimension": "_int",
    "nelement": "_int",
    "numel": "_int",
    "numpy": "np.ndarray[Any, Any]",
    "promote_types": "_dtype",
    "result_type": "_dtype",
    "seed": "_int",
    "split": MANY,
    "split_with_sizes": MANY,
    "std_mean": PAIR,
    "storage_offset": "_int",
    "storage_type": "Any",
    "tensor_split": MANY,
    "tolist": "Any",
    "tril_indices": "Tensor",
    "triu_indices": "Tensor",
    "type": "Any",
    "unbind": MANY,
    "unique": "Any",
    "unique_consecutive": "Any",
    "unsafe_chunk": MANY,
    "unsafe_split": MANY,
    "unsafe_split_with_sizes": MANY,
    "unravel_index": MANY,
    "untyped_storage": "Any",
    "var_mean": PAIR,
    "vsplit": MANY,
}

#: Functions whose named results come only from the overload that takes ``dim``.
ONLY_ALONG_A_DIMENSION = {"max", "min", "median", "nanmedian"}

#: Functions of Python whose result their source leaves open: they make tensors.
MAKERS = {
    "arange", "as_tensor", "asarray", "bartlett_window", "bernoulli", "blackman_window", "empty",
    "empty_like", "empty_strided", "eye", "from_dlpack", "from_file", "from_numpy", "frombuffer",
    "full", "full_like", "hamming_window", "hann_window", "kaiser_window", "linspace", "logspace",
    "multinomial", "normal", "ones", "ones_like", "poisson", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "randperm", "range", "scalar_tensor",
    "sparse_coo_tensor", "tensor", "zeros", "zeros_like", "einsum", "tensordot", "cdist", "clone",
    "complex", "cov", "corrcoef", "chain_matmul",
}  # fmt: skip

#: Types of parameters of Python functions that carry no annotation, by name.
PARAMETERS = {
    "align_corners": "_bool | None",
    "anchor": "Tensor",
    "beta": "_float",
    "bias": "Tensor",
    "ceil_mode": "_bool",
    "condition": "Tensor",
    "device": "_DeviceLike",
    "dim": "_int | Sequence[_int]",
    "dim0": "_int",
    "dim1": "_int",
    "dims": "_int | Sequence[_int]",
    "dtype": "_dtype",
    "eps": "_float",
    "fill_value": "_Number",
    "full": "_bool",
    "groups": "_int",
    "ignore_index": "_int",
    "inplace": "_bool",
    "input": "Tensor",
    "input1": "Tensor",
    "input2": "Tensor",
    "keepdim": "_bool",
    "kernel_size": "_int | Sequence[_int]",
    "label_smoothing": "_float",
    "log_input": "_bool",
    "log_target": "_bool",
    "margin": "_float",
    "momentum": "_float",
    "mul": "Any",
    "negative": "Tensor",
    "normalized_shape": "Sequence[_int]",
    "num_classes": "_int",
    "num_groups": "_int",
    "offset": "_int",
    "other": "Tensor | _Number",
    "out": "Tensor",
    "p": "_float | _str",
    "pad": "Sequence[_int]",
    "padding": "_int | Sequence[_int] | _str",
    "pin_memory": "_bool",
    "pos_weight": "Tensor",
    "positive": "Tensor",
    "query": "Tensor",
    "key": "Tensor",
    "reduce": "_bool",
    "reduction": "_str",
    "requires_grad": "_bool",
    "return_counts": "_bool",
    "return_inverse": "_bool",
    "running_mean": "Tensor | None",
    "running_var": "Tensor | None",
    "shape": "Sequence[_int]",
    "size_average": "_bool",
    "sorted": "_bool",
    "stride": "_int | Sequence[_int]",
    "target": "Tensor",
    "tensor": "Tensor",
    "tensors": "Any",
    "training": "_bool",
    "var": "Tensor | _float",
    "weight": "Tensor",
}

#: Properties of ``Tensor`` whose source leaves the type open.
PROPERTIES = {
    **dict.fromkeys(("T", "mT", "H", "mH", "real", "imag"), "Tensor"),
    "grad_fn": "Any",
    "names": "Any",
    "output_nr": "_int",
    "retains_grad": "_bool",
    "layout": "Any",
    "grad_dtype": "_dtype | None",
    **dict.fromkeys(
        (
            "is_cpu", "is_cuda", "is_sparse", "is_quantized", "is_meta", "is_mps", "is_xpu",
            "is_nested", "is_mkldnn", "is_sparse_csr", "is_leaf", "requires_grad",
        ),
        "_bool",
    ),
}  # fmt: skip

_ARITHMETIC = (
    "add sub mul truediv floordiv mod pow and or xor lshift rshift radd rsub rmul rtruediv "
    "rfloordiv rmod rpow rand ror rxor rlshift rrshift rdiv lt le gt ge iadd isub imul itruediv "
    "ifloordiv imod ipow iand ior ixor ilshift irshift idiv"
)

#: Special methods: editors and type checkers know their shape from the language.
SPECIAL = {
    **{f"__{name}__": "(self, other: Tensor | _Number) -> Tensor" for name in _ARITHMETIC.split()},
    **{f"__{name}__": "(self, other: object) -> Tensor" for name in ("eq", "ne")},
    **{f"__{name}__": "(self) -> Tensor" for name in ("neg", "pos", "abs", "invert")},
    **{
        f"__{name}__": "(self, other: Tensor) -> Tensor"
        for name in ("matmul", "rmatmul", "imatmul")
    },
    "__array__": "(self, dtype: Any = None, copy: _bool | None = None) -> np.ndarray[Any, Any]",
    "__bool__": "(self) -> _bool",
    "__complex__": "(self) -> _complex",
    "__contains__": "(self, element: Any) -> _bool",
    "__copy__": "(self) -> Tensor",
    "__deepcopy__": "(self, memo: dict[_int, Any]) -> Tensor",
    "__dir__": "(self) -> list[_str]",
    "__float__": "(self) -> _float",
    "__format__": "(self, spec: _str) -> _str",
    "__getitem__": "(self, index: Any) -> Tensor",
    "__hash__": "(self) -> _int",
    "__index__": "(self) -> _int",
    "__int__": "(self) -> _int",
    "__iter__": "(self) -> Iterator[Tensor]",
    "__len__": "(self) -> _int",
    "__new__": "(cls, *args: Any, **kwargs: Any) -> Self",
    "__init__": "(self, *args: Any, **kwargs: Any) -> None",
    "__nonzero__": "(self) -> _bool",
    "__reduce_ex__": "(self, protocol: Any) -> Any",
    "__repr__": "(self, *, tensor_contents: _str | None = None) -> _str",
    "__reversed__": "(self) -> Tensor",
    "__setitem__": "(self, index: Any, value: Any) -> None",
    "__setstate__": "(self, state: Any) -> None",
}

#: Methods of Python whose result depends on the arguments.
OVERLOADS = {
    "size": ("(self, dim: None = None) -> _Size", "(self, dim: _int) -> _int"),
    "nonzero": (
        "(self, *, as_tuple: Literal[False] = False) -> Tensor",
        "(self, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]",
    ),
    "type": (
        "(self, dtype: None = None, non_blocking: _bool = False) -> _str",
        "(self, dtype: _str | _dtype, non_blocking: _bool = False) -> Tensor",
    ),
    "stride": ("(self, dim: None = None) -> tuple[_int, ...]", "(self, dim: _int) -> _int"),
}

#: The same for functions.
FUNCTION_OVERLOADS = {
    "nonzero": (
        "(input: Tensor, *, as_tuple: Literal[False] = False, out: Tensor | None = None) -> Tensor",
        "(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]",
    ),
}

#: Those that the language gives another result.
AGAINST_OBJECT = {"__eq__", "__ne__"}
