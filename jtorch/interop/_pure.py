"""Functions of tensors and modules as pure functions of JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core.device import Device
from .._engine.backward.pure import argument_meta, purify
from .._engine.execution import devices
from .._engine.graph.values import is_tensor
from .._engine.memory.from_jax import dtype_of, from_jax, is_jax, to_jax
from ..autograd.grad_mode import enable_grad, no_grad
from ..nn.modules.module import Module
from ..nn.utils.stateless import _functional_call
from ._arrays import is_leaf

Arrays = dict[str, Any]


def tensors_in(tree: Any) -> list[Any]:
    """Return the tensors in containers that JAX knows."""
    return [leaf for leaf in jax.tree.leaves(tree, is_leaf=is_leaf) if is_tensor(leaf)]


def _as_array(leaf: Any) -> Any:
    """Return an argument as an array; ``None`` where it is a number or something else."""
    if is_jax(leaf):
        return leaf
    return jnp.asarray(leaf) if isinstance(leaf, (np.ndarray, np.generic)) else None


class _Arguments:
    """The arguments of a call, taken apart: arrays become tensors, anything else stays.

    Attributes:
        arrays: those that become tensors.
    """

    def __init__(self, tree: Any):
        self.leaves, self._structure = jax.tree.flatten(tree)
        found = [(at, _as_array(leaf)) for at, leaf in enumerate(self.leaves)]
        self._places = [at for at, array in found if array is not None]
        self.arrays = [array for _, array in found if array is not None]

    def filled(self, tensors: Any) -> Any:
        """Return the arguments with tensors for the arrays."""
        leaves = list(self.leaves)
        for at, tensor in zip(self._places, tensors, strict=True):
            leaves[at] = tensor
        return jax.tree.unflatten(self._structure, leaves)


def _results(tree: Any, arrays: list[Any]) -> Any:
    """Return what a function returned with arrays for its tensors."""
    given = iter(arrays)
    return jax.tree.map(
        lambda leaf: next(given) if is_tensor(leaf) else leaf, tree, is_leaf=is_leaf
    )


def _key(rng: Any) -> Any:
    if rng is None:
        return None
    if isinstance(rng, int) or not hasattr(rng, "dtype"):
        raise TypeError(f"rng: expected a key, as jax.random.key makes it, got {rng!r}")
    return rng


def _copied_leaf(tensor: Any) -> Any:
    """Return an argument of the function as it may write to: not a leaf where gradients flow."""
    return tensor.clone() if tensor.requires_grad else tensor


def as_jax(function: Callable, *, device: Any = "cpu", forward: bool = False) -> Callable:
    """Return a function of tensors as a pure function of arrays of JAX.

    Whenever it is called, the function records what it does to tensors without elements, and JAX
    runs that with the arrays that were given; under ``jax.jit`` this happens once for each shape.
    Gradients flow as on the tape: not through ``detach`` and ``no_grad``, by PyTorch's rules.
    Tensors that the function finds outside of its arguments are constants.

    Args:
        function: takes tensors, in containers that JAX knows, and anything else; arrays in the
            place of a tensor become one, numbers and strings stay what they are.
        device: where the function sees its arguments.
        forward: whether ``jax.jvp``, ``jax.jacfwd`` and ``jax.hessian`` are to work too: then the
            rules are JAX's, whose subgradients at kinks may be others.
    Returns:
        Function of the same arguments and ``rng=``, a key of JAX to draw random numbers from. It
        returns arrays for the tensors that ``function`` returns.
    Raises:
        RuntimeError: at a call, where the function looks at a value that depends on its arguments,
            or draws random numbers without a key.

    Example:
        >>> import jax, jtorch as torch
        >>> from jtorch import interop
        >>> softsign = interop.as_jax(lambda x: x / (1 + x.abs()))
        >>> float(jax.grad(softsign)(1.0 + jax.numpy.zeros(())))
        0.25
    """
    place = devices.resolve(device)

    @functools.wraps(function)
    def pure(*args: Any, rng: Any = None, **kwargs: Any) -> Any:
        key = _key(rng)
        given = _Arguments((args, kwargs))

        def run(*tensors: Any) -> Any:
            with enable_grad():
                own_args, own_kwargs = given.filled([_copied_leaf(tensor) for tensor in tensors])
                return function(*own_args, **own_kwargs)

        metas = [argument_meta(a.shape, dtype_of(a), place, True) for a in given.arrays]
        made = purify(run, metas, tensors_in, "as_jax", random=key is not None, forward=forward)
        return _results(made.made.result, made(given.arrays, key))

    return pure


def functional(module: Module, *, forward: bool = False) -> tuple[Callable, Arrays, Arrays]:
    """Return a module as a pure function of JAX, with its parameters and buffers as arrays.

    ``apply(params, buffers, *args, rng=None, train=False, **kwargs)`` calls the module with these
    parameters and buffers and returns ``(outputs, new_buffers)``: arrays for the tensors that the
    module returns, and its buffers after the call, such as running statistics. It works under
    ``jax.jit``, ``grad``, ``vmap``, ``shard_map``, ``lax.scan`` and ``jax.export``. The module
    itself is left as it is: neither its tensors nor its mode change.

    ``rng`` is a key of JAX, which dropout and other random numbers are drawn from; ``train`` the
    mode of the module for the call, ``None`` for the one that it and its parts have. No gradient
    flows to a parameter that does not require grad (it is zero), to buffers or to integers.

    Args:
        module: whatever it does to tensors that is no pure function is refused when it is called:
            to look at a value that depends on the arguments, to keep a tensor as an attribute.
        forward: see ``as_jax``.
    Returns:
        ``apply``, the parameters and the buffers by name. The arrays are copies, so that a step may
        donate them; ``load`` brings them back.

    Example:
        >>> import jax, jtorch as torch
        >>> from jtorch import interop
        >>> apply, params, buffers = interop.functional(torch.nn.Linear(2, 1))
        >>> loss = lambda params, x: apply(params, buffers, x)[0].sum()
        >>> jax.jit(jax.grad(loss))(params, jax.numpy.ones((3, 2), "float32"))["weight"]
        Array([[3., 3.]], dtype=float32)
    """
    params = {name: _copy(tensor) for name, tensor in module.named_parameters()}
    buffers = {name: _copy(tensor) for name, tensor in module.named_buffers()}

    def apply(
        params: Arrays,
        buffers: Arrays,
        *args: Any,
        rng: Any = None,
        train: bool | None = False,
        **kwargs: Any,
    ) -> tuple[Any, Arrays]:
        """Call the module with parameters and buffers; see ``jtorch.interop.functional``."""
        return _applied(module, forward, params, buffers, args, kwargs, _key(rng), train)

    return apply, params, buffers


def _copy(tensor: Any) -> Any:
    """Return a copy of a tensor that JAX may bring to other devices, as of ``jnp.zeros``."""
    array = to_jax(tensor)
    if array.device == jnp.zeros(()).device:
        return jnp.array(np.asarray(array), copy=True)
    return jnp.array(array, copy=True)


def _own_tensors(module: Module) -> dict[str, Any]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _applied(
    module: Module,
    forward: bool,
    params: Arrays,
    buffers: Arrays,
    args: tuple,
    kwargs: dict[str, Any],
    key: Any,
    train: bool | None,
) -> tuple[Any, Arrays]:
    own = _own_tensors(module)
    state = {**params, **buffers}
    unknown = [name for name in state if name not in own]
    if unknown:
        raise KeyError(f"functional: the module has no parameter or buffer {unknown[0]!r}")
    arrays = [jnp.asarray(array) for array in state.values()]
    given = _Arguments((args, kwargs))
    place = next((tensor.device for tensor in own.values()), Device("cpu"))
    if place.type == "meta":
        place = Device("cpu")
    metas = [
        argument_meta(array.shape, dtype_of(array), place, own[name].requires_grad)
        for name, array in zip(state, arrays, strict=True)
    ]
    metas += [argument_meta(a.shape, dtype_of(a), place, True) for a in given.arrays]

    def run(*tensors: Any) -> Any:
        held = dict(zip(state, tensors[: len(state)], strict=True))
        with enable_grad(), _mode(module, train):
            own_args, own_kwargs = given.filled(
                [_copied_leaf(tensor) for tensor in tensors[len(state) :]]
            )
            outputs = _functional_call(module, held, own_args, own_kwargs)
        return outputs, {name: held[name] for name in buffers}

    made = purify(run, metas, tensors_in, "functional", random=key is not None, forward=forward)
    outputs, new_buffers = _results(made.made.result, made([*arrays, *given.arrays], key))
    return outputs, new_buffers


class _mode:
    """Lets a module and its parts be in a mode while a ``with`` block lasts.

    Args:
        module: the module.
        train: whether it trains; ``None`` leaves the mode as it is.
    """

    def __init__(self, module: Module, train: bool | None):
        self._train = train
        self._module = module
        self._before = [(part, part.training) for part in module.modules()]

    def __enter__(self) -> None:
        if self._train is not None:
            self._module.train(self._train)

    def __exit__(self, *exception: object) -> None:
        for part, training in self._before:
            part.training = training


def load(module: Module, params: Arrays, buffers: Arrays | None = None) -> None:
    """Give a module parameters and buffers that were trained by JAX.

    Args:
        module: the one that ``functional`` was called with, or one like it. Its tensors stay the
            same objects, so that optimisers and tied weights keep what they refer to.
        params, buffers: arrays by name; names that are not given stay as they are. The arrays are
            copied, so that they may be donated later.
    Raises:
        KeyError: the module has no tensor of a name.
        ValueError: a shape or a dtype is another one.
    """
    own = _own_tensors(module)
    for name, array in {**params, **(buffers or {})}.items():
        if name not in own:
            raise KeyError(f"load: the module has no parameter or buffer {name!r}")
        tensor, fresh = own[name], jnp.array(array, copy=True)
        if tuple(tensor.shape) != fresh.shape or tensor.dtype is not dtype_of(fresh):
            raise ValueError(
                f"load: {name} is {list(tensor.shape)} of {tensor.dtype}, the array "
                f"{list(fresh.shape)} of {fresh.dtype}"
            )
        with no_grad():
            tensor.copy_(from_jax(fresh))
