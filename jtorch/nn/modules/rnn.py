"""Recurrent layers: networks of several layers, and single cells."""

from __future__ import annotations

import math
import numbers
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from ...ops.nn.rnn import packing, recurrent
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence, _Padded
from .module import Module

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def apply_permutation(tensor: Tensor, permutation: Tensor, dim: int = 1) -> Tensor:
    """Return ``tensor.index_select(dim, permutation)``; deprecated."""
    warnings.warn(
        "`apply_permutation` is deprecated, please use "
        "`tensor.index_select(dim, permutation)` instead",
        FutureWarning,
        stacklevel=2,
    )
    return tensor.index_select(dim, permutation)


def _check_options(module: RNNBase, mode: str, dropout: Any) -> None:
    """Refuse options that make no network."""
    if (
        not isinstance(dropout, numbers.Number)
        or not 0 <= dropout <= 1  # type: ignore[operator]
        or isinstance(dropout, bool)
    ):
        raise ValueError(
            "dropout should be a number in range [0, 1] "
            "representing the probability of an element being "
            "zeroed"
        )
    if dropout > 0 and module.num_layers == 1:  # type: ignore[operator]
        warnings.warn(
            "dropout option adds dropout after all but last "
            "recurrent layer, so non-zero dropout expects "
            f"num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={module.num_layers}",
            stacklevel=3,
        )
    for name in ("bias", "batch_first"):
        value = getattr(module, name)
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    for name in ("input_size", "hidden_size"):
        value = getattr(module, name)
        if not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if module.num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if module.proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if module.proj_size >= module.hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if mode not in _GATES:
        raise ValueError("Unrecognized RNN mode: " + mode)


class RNNBase(Module):
    """What the recurrent networks have in common: weights, and checks of the input.

    Args:
        mode: ``"LSTM"``, ``"GRU"``, ``"RNN_TANH"`` or ``"RNN_RELU"``.
        input_size, hidden_size: features of the input and of the state.
        num_layers: each layer runs on the outputs of the one before.
        bias: whether there are biases.
        batch_first: whether tensors are (batch, time, features), not (time, batch, features).
        dropout: the probability that an element between two layers is dropped in training.
        bidirectional: whether each layer also runs backwards in time.
        proj_size: features that the state is projected to; 0 for no projection.
        device, dtype: of the parameters.
    Attributes:
        all_weights: the parameters, one list for each layer and direction.
    """

    __constants__ = [
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    ]
    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int
    _flat_weights: list[Any]
    _flat_weights_names: list[str]
    _all_weights: list[list[str]]

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._flat_weight_refs: list[Any] = []
        _check_options(self, mode, dropout)
        names: list[list[str]] = []
        for layer in range(num_layers):
            for direction in range(2 if bidirectional else 1):
                shapes = self._shapes(layer)
                names.append([])
                for kind, shape in shapes.items():
                    name = f"{kind}_l{layer}{'_reverse' if direction else ''}"
                    setattr(self, name, Parameter(torch.empty(shape, device=device, dtype=dtype)))
                    names[-1].append(name)
        self._all_weights = names
        self._flat_weights_names = [name for group in names for name in group]
        self._init_flat_weights()
        self.reset_parameters()

    def _shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parameters of a layer, in PyTorch's order."""
        rows = _GATES[self.mode] * self.hidden_size
        hidden = self.proj_size or self.hidden_size
        features = self.input_size if not layer else hidden * (2 if self.bidirectional else 1)
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, features),
            "weight_hh": (rows, hidden),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return shapes

    def _init_flat_weights(self) -> None:
        self._flat_weights = [getattr(self, name, None) for name in self._flat_weights_names]
        self._flat_weight_refs = [
            None if weight is None else weakref.ref(weight) for weight in self._flat_weights
        ]
        self.flatten_parameters()

    def __setattr__(self, attr: str, value: Any) -> None:
        names = self.__dict__.get("_flat_weights_names")
        if names is not None and attr in names:
            self._flat_weights[names.index(attr)] = value
        super().__setattr__(attr, value)

    def flatten_parameters(self) -> None:
        """Do nothing: parameters lie in memory as XLA wants them."""

    def _apply(self, fn: Callable, recurse: bool = True) -> Any:
        self._flat_weight_refs = []
        result = super()._apply(fn, recurse)
        self._init_flat_weights()
        return result

    def reset_parameters(self) -> None:
        """Draw every parameter uniformly from [-k, k), k = 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Refuse an input of another dtype, rank or number of features."""
        wanted = self._flat_weights[0].dtype
        if input.dtype != wanted:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({wanted}). "
                f"Convert input: input.to({wanted}), or convert model: model.to({input.dtype})"
            )
        rank = 3 if batch_sizes is None else 2
        if input.dim() != rank:
            raise RuntimeError(f"input must have {rank} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. "
                f"Expected {self.input_size}, got {input.size(-1)}"
            )

    def _state_shape(
        self, input: Tensor, batch_sizes: Tensor | None, size: int
    ) -> tuple[int, int, int]:
        if batch_sizes is not None:
            batch = int(batch_sizes.tolist()[0])
        else:
            batch = input.size(0 if self.batch_first else 1)
        return self.num_layers * (2 if self.bidirectional else 1), batch, size

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """Return the shape that an initial state must have."""
        return self._state_shape(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Refuse a state of another shape."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Refuse an input or a state that does not fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Return a state with its batch in another order."""
        return hx if permutation is None else hx.index_select(1, permutation)

    def extra_repr(self) -> str:
        """Return the options that are not the defaults."""
        parts = [f"{self.input_size}, {self.hidden_size}"]
        for name, usual in (
            ("proj_size", 0),
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0),
            ("bidirectional", False),
        ):
            value = getattr(self, name)
            if value != usual:
                parts.append(f"{name}={value}")
        return ", ".join(parts)

    def _update_flat_weights(self) -> None:
        """Look the parameters up again where one was replaced (``functional_call`` does)."""
        for reference, name in zip(self._flat_weight_refs, self._flat_weights_names, strict=True):
            weight = getattr(self, name, None)
            if weight is not None and reference is not None and reference() is not weight:
                self._init_flat_weights()
                return

    def __getstate__(self) -> dict[str, Any]:
        self._update_flat_weights()
        state = self.__dict__.copy()
        del state["_flat_weight_refs"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "all_weights" in state:
            self._all_weights = state["all_weights"]
        if "proj_size" not in state:
            self.proj_size = 0  # files from before PyTorch 1.8
        if not isinstance(self._all_weights[0][0], str):
            # Very old files hold the parameters, not their names.
            self._all_weights = [
                [f"{kind}_l{layer}{suffix}" for kind in self._shapes(layer)]
                for layer in range(self.num_layers)
                for suffix in (("", "_reverse") if self.bidirectional else ("",))
            ]
            self._flat_weights_names = [name for group in self._all_weights for name in group]
        self._flat_weights = [getattr(self, name, None) for name in self._flat_weights_names]
        self._flat_weight_refs = [
            None if weight is None else weakref.ref(weight) for weight in self._flat_weights
        ]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, one list for each layer and direction."""
        return [[getattr(self, name) for name in group] for group in self._all_weights]

    def _replicate_for_data_parallel(self) -> Any:
        replica = super()._replicate_for_data_parallel()
        replica._flat_weights = replica._flat_weights[:]
        replica._flat_weights_names = replica._flat_weights_names[:]
        return replica

    # One step of ``forward`` each

    def _zero_states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        shape = self.get_expected_hidden_size(input, batch_sizes)
        return torch.zeros(shape, dtype=input.dtype, device=input.device)

    def _with_batch(self, hx: Any, batched: bool) -> Any:
        """Check the rank of a state; give one without a batch a batch of one."""
        if batched:
            if hx.dim() != 3:
                raise RuntimeError(
                    f"For batched 3-D input, hx should also be 3-D but got {hx.dim()}-D tensor"
                )
            return hx
        if hx.dim() != 2:
            raise RuntimeError(
                f"For unbatched 2-D input, hx should also be 2-D but got {hx.dim()}-D tensor"
            )
        return hx.unsqueeze(1)

    def _without_batch(self, hidden: Any) -> Any:
        return hidden.squeeze(1)

    def _wrong_rank(self, rank: int) -> ValueError:
        return ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {rank}D instead")

    def _run(self, *arguments: Any) -> tuple[Any, Any]:
        run = {
            "LSTM": torch.lstm,
            "GRU": torch.gru,
            "RNN_TANH": torch.rnn_tanh,
            "RNN_RELU": torch.rnn_relu,
        }[self.mode]
        return self._results(run(*arguments))  # type: ignore[operator]

    def _results(self, results: Any) -> tuple[Any, Any]:
        output, *hidden = results
        return output, tuple(hidden) if self.mode == "LSTM" else hidden[0]

    def _forward(self, input: Any, hx: Any) -> tuple[Any, Any]:
        self._update_flat_weights()
        options = (
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
        )
        if isinstance(input, PackedSequence):
            if self._runs_padded(input):
                return self._forward_padded(input, hx, options)
            data, batch_sizes, order, inverse = input
            if hx is None:
                hx = self._zero_states(data, batch_sizes)
            else:
                hx = self.permute_hidden(hx, order)
            self._check_packed(data, hx, batch_sizes)
            output, hidden = self._run(data, batch_sizes, hx, *options)
            packed = PackedSequence(output, batch_sizes, order, inverse)
            return packed, self.permute_hidden(hidden, inverse)
        if input.dim() not in (2, 3):
            raise self._wrong_rank(input.dim())
        batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
        hx = self._zero_states(input, None) if hx is None else self._with_batch(hx, batched)
        self.check_forward_args(input, hx, None)
        output, hidden = self._run(input, hx, *options, self.batch_first)
        if not batched:
            output, hidden = output.squeeze(batch_dim), self._without_batch(hidden)
        return output, hidden

    def _runs_padded(self, input: PackedSequence) -> bool:
        """Tell whether a packed input that stayed padded can remain so.

        Masks of dropout are drawn for the rows; sizes that do not fit are said of them.
        """
        if input._padded is None or (self.dropout and self.training and self.num_layers > 1):
            return False
        shape = input._padded.tensor.shape
        return len(shape) == 3 and shape[2] == self.input_size

    def _forward_padded(self, input: PackedSequence, hx: Any, options: tuple) -> tuple[Any, Any]:
        """Do what ``_forward`` does with a packed input, in a program for all lengths."""
        assert input._padded is not None
        batch_sizes, order, inverse = (
            input.batch_sizes,
            input.sorted_indices,
            input.unsorted_indices,
        )
        rows = input._padded.by_time(batch_sizes.size(0))
        if hx is None:
            hx = self._zero_states(rows, batch_sizes)
        else:
            hx = self.permute_hidden(hx, order)
        self._check_packed(rows[0], hx, batch_sizes)
        cell = self.mode.lower()
        results = recurrent.run_packed(cell, rows, batch_sizes, hx, *options, stays_padded=True)
        output, hidden = self._results(results)
        padded = _Padded(output, False, packing.OF_LAYER)
        packed = PackedSequence._of_padded(padded, batch_sizes, order, inverse)
        return packed, self.permute_hidden(hidden, inverse)

    def _check_packed(self, data: Tensor, hx: Any, batch_sizes: Tensor) -> None:
        self.check_forward_args(data, hx, batch_sizes)


def _refuse_projection(options: dict[str, Any]) -> None:
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """Elman recurrent network: ``h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)``.

    Source: Elman, "Finding structure in time" (1990).

    Args:
        input_size, hidden_size, num_layers: as of ``RNNBase``.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias, batch_first, dropout, bidirectional, device, dtype: as of ``RNNBase``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        if len(args) > 3:
            nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        object.__setattr__(self, "nonlinearity", nonlinearity)
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Run the network.

        Args:
            input: of shape (time, batch, input_size), (batch, time, input_size) if ``batch_first``,
                (time, input_size), or a ``PackedSequence``.
            hx: initial states, (layers * directions, batch, hidden_size); zeros unless given.
        Returns:
            The outputs of the last layer, and the last states of all layers.
        """
        return self._forward(input, hx)

    def _wrong_rank(self, rank: int) -> ValueError:
        return ValueError(f"RNN: Expected input to be 2D or 3D, got {rank}D tensor instead")


class LSTM(RNNBase):
    """Long short-term memory (LSTM) network; arguments as of ``RNNBase``, without ``mode``.

    Sources: Hochreiter and Schmidhuber, "Long short-term memory" (1997); for projections: Sak et
    al., "Long short-term memory based recurrent neural network architectures" (2014).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """Return the shape that an initial memory must have."""
        return self._state_shape(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Refuse an input or states that do not fit."""
        self.check_input(input, batch_sizes)
        shapes = (
            self.get_expected_hidden_size(input, batch_sizes),
            self.get_expected_cell_size(input, batch_sizes),
        )
        for position, shape in enumerate(shapes):
            message = f"Expected hidden[{position}] size {{}}, got {{}}"
            self.check_hidden_size(hidden[position], shape, message)

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Return states with their batch in another order."""
        if permutation is None:
            return hx
        return hx[0].index_select(1, permutation), hx[1].index_select(1, permutation)

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, tuple[Tensor, Tensor]]:
        """Run the network.

        Args:
            input: of shape (time, batch, input_size), (batch, time, input_size) if ``batch_first``,
                (time, input_size), or a ``PackedSequence``.
            hx: initial states and memories, (layers * directions, batch, size); zeros unless given.
        Returns:
            The outputs of the last layer, and the last states and memories of all layers.
        """
        return self._forward(input, hx)

    def _zero_states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        shapes = (
            self.get_expected_hidden_size(input, batch_sizes),
            self.get_expected_cell_size(input, batch_sizes),
        )
        return tuple(
            [torch.zeros(shape, dtype=input.dtype, device=input.device) for shape in shapes]
        )

    def _with_batch(self, hx: Any, batched: bool) -> Any:
        rank, kind = (3, "batched") if batched else (2, "unbatched")
        if hx[0].dim() != rank or hx[1].dim() != rank:
            raise RuntimeError(
                f"For {kind} {rank}-D input, hx and cx should also be {rank}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        return hx if batched else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))

    def _without_batch(self, hidden: Any) -> Any:
        return hidden[0].squeeze(1), hidden[1].squeeze(1)

    def _check_packed(self, data: Tensor, hx: Any, batch_sizes: Tensor) -> None:
        """Leave a packed input unchecked, as PyTorch does for this network."""


class GRU(RNNBase):
    """Gated recurrent unit (GRU) network; arguments as of ``RNNBase``, without ``mode``.

    Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_projection(kwargs)
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Run the network; arguments and results as of ``RNN``."""
        return self._forward(input, hx)


class RNNCellBase(Module):
    """What the cells have in common: their weights.

    Args:
        input_size, hidden_size: features of the input and of the state.
        bias: whether there are biases.
        num_chunks: how many gates there are.
        device, dtype: of the parameters.
    """

    __constants__ = ["input_size", "hidden_size", "bias"]
    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Tensor
    weight_hh: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size

        def parameter(*shape: int) -> Parameter:
            return Parameter(torch.empty(shape, device=device, dtype=dtype))

        self.weight_ih = parameter(rows, input_size)
        self.weight_hh = parameter(rows, hidden_size)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, parameter(rows) if bias else None)
        self.reset_parameters()

    def extra_repr(self) -> str:
        """Return the options that are not the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.__dict__.get("bias", True) is not True:
            text += f", bias={self.bias}"
        nonlinearity = self.__dict__.get("nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def reset_parameters(self) -> None:
        """Draw every parameter uniformly from [-k, k), k = 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _check_rank(self, tensor: Tensor, what: str) -> None:
        if tensor.dim() not in (1, 2):
            raise ValueError(
                f"{type(self).__name__}: Expected {what} to be 1D or 2D, "
                f"got {tensor.dim()}D instead"
            )

    def _zeros(self, input: Tensor) -> Tensor:
        return torch.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)

    def _step(self, input: Tensor, hx: Tensor | None, run: Callable) -> Tensor:
        """Run a cell of one state, with or without a batch."""
        self._check_rank(input, "input")
        if hx is not None:
            self._check_rank(hx, "hidden")
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
            hx = None if hx is None else hx.unsqueeze(0)
        result = run(input, self._zeros(input) if hx is None else hx, *self._weights())
        return result if batched else result.squeeze(0)


class RNNCell(RNNCellBase):
    """Elman RNN cell, one time step: ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``.

    Args:
        input_size, hidden_size, bias, device, dtype: as of ``RNNCellBase``.
        nonlinearity: ``"tanh"`` or ``"relu"``.
    """

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]
    nonlinearity: str

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next state.

        Args:
            input: of shape (batch, input_size) or (input_size,).
            hx: state of shape (batch, hidden_size) or (hidden_size,); zeros unless given.
        """
        run = {"tanh": torch.rnn_tanh_cell, "relu": torch.rnn_relu_cell}.get(self.nonlinearity)
        if run is None:
            self._check_rank(input, "input")
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(input, hx, run)


class LSTMCell(RNNCellBase):
    """LSTM cell, one time step; arguments as of ``RNNCellBase``, without ``num_chunks``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the next state and memory.

        Args:
            input: of shape (batch, input_size) or (input_size,).
            hx: state and memory, each of shape (batch, hidden_size) or (hidden_size,); zeros unless
                given.
        """
        self._check_rank(input, "input")
        for position, value in enumerate(hx or ()):
            self._check_rank(value, f"hx[{position}]")
        batched = input.dim() == 2
        if not batched:
            input = input.unsqueeze(0)
        if hx is None:
            zeros = self._zeros(input)
            hx = (zeros, zeros)
        elif not batched:
            hx = (hx[0].unsqueeze(0), hx[1].unsqueeze(0))
        hidden, memory = torch.lstm_cell(input, hx, *self._weights())
        return (hidden, memory) if batched else (hidden.squeeze(0), memory.squeeze(0))


class GRUCell(RNNCellBase):
    """GRU cell, one time step; arguments as of ``RNNCellBase``, without ``num_chunks``."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Return the next state; arguments as of ``RNNCell``."""
        return self._step(input, hx, torch.gru_cell)
