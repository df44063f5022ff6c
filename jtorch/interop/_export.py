"""Modules as StableHLO, which runs without jtorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import export as jax_export

from ..nn.modules.module import Module
from ._arrays import to_jax
from ._pure import functional
from ._symbolic import symbolic


def export(
    module: Module,
    args: tuple,
    kwargs: dict[str, Any] | None = None,
    *,
    shapes: Any = None,
    constraints: Sequence[str] = (),
    train: bool | None = False,
    platforms: Sequence[str] | None = None,
) -> jax_export.Exported:
    """Return a module as a program of StableHLO, its parameters and buffers in it.

    Args:
        module: what to export; it has to be a pure function, see ``functional``.
        args, kwargs: examples of its arguments: tensors or arrays, in containers that JAX knows.
        shapes: for each of ``args``, in their structure, the shape as ``jax.export.symbolic_shape``
            reads it: ``("batch, ...",)`` lets the program take every batch. ``None`` takes the
            numbers of the examples.
        constraints: what is known of symbolic sizes, such as ``"batch >= 2"``.
        train: the mode of the module, ``None`` for the one that it has. Buffers that training would
            update are not returned.
        platforms: what it can run on, such as ``("cpu", "cuda")``; by default this machine's.
    Returns:
        A ``jax.export.Exported``: ``call`` runs it, ``mlir_module()`` is its text, ``serialize()``
        its bytes. ``jax.export.deserialize`` reads them where there is no jtorch; both need the
        package ``flatbuffers``.
    Raises:
        ValueError: what the module does depends on a symbolic size otherwise than as a polynomial.

    Example:
        >>> import numpy as np, jtorch as torch
        >>> from jtorch import interop
        >>> layer = torch.nn.Linear(3, 2)
        >>> program = interop.export(layer, (torch.ones(4, 3),), shapes=("batch, 3",))
        >>> program.call(np.ones((7, 3), np.float32)).shape
        (7, 2)
    """
    apply, params, buffers = functional(module)

    def run(*args: Any, **kwargs: Any) -> Any:
        return apply(params, buffers, *args, train=train, **kwargs)[0]

    examples = _forms(to_jax((tuple(args), dict(kwargs or {}))))
    forms = examples
    if shapes is not None:
        specs = jax_export.symbolic_args_specs(examples[0], shapes, constraints=tuple(constraints))
        forms = (specs, examples[1])
    return exported(run, forms, examples, platforms)


def _forms(tree: Any) -> Any:
    def form(leaf: Any) -> Any:
        array = jnp.asarray(leaf)
        return jax.ShapeDtypeStruct(array.shape, array.dtype)

    return jax.tree.map(form, tree)


def exported(
    function: Callable, forms: Any, examples: Any, platforms: Sequence[str] | None = None
) -> jax_export.Exported:
    """Export a pure function of arrays.

    Args:
        function: of ``(*args, **kwargs)``.
        forms: a pair of these, with shapes and dtypes; sizes may be symbolic.
        examples: the same with numbers for symbolic sizes.
        platforms: see ``export``.
    """
    flat, structure = jax.tree.flatten(forms)
    if any(jax_export.is_symbolic_dim(size) for form in flat for size in form.shape):
        results: list[Any] = []

        def leaves(*arrays: Any) -> list[Any]:
            args, kwargs = jax.tree.unflatten(structure, arrays)
            found, own = jax.tree.flatten(function(*args, **kwargs))
            results[:] = [own]
            return found

        merged = symbolic(leaves, flat, jax.tree.leaves(examples))

        def run(*args: Any, **kwargs: Any) -> Any:
            arrays = jax.tree.leaves((args, kwargs))
            return jax.tree.unflatten(results[0], merged(*arrays))
    else:
        run = function
    args, kwargs = forms
    names = None if platforms is None else tuple(platforms)
    return jax_export.export(jax.jit(run), platforms=names)(*args, **kwargs)


def symbolic_sizes(names: Sequence[str], constraints: Sequence[str] = ()) -> dict[str, Any]:
    """Return symbolic sizes by name, all of one scope.

    Args:
        names: of the sizes.
        constraints: what is known of them.
    """
    if not names:
        return {}
    sizes = jax_export.symbolic_shape(", ".join(names), constraints=tuple(constraints))
    return dict(zip(names, sizes, strict=True))


def written(program: jax_export.Exported) -> bytes:
    """Return a program as bytes, with its gradient where it has one.

    Raises:
        ImportError: the package ``flatbuffers`` is not installed.
    """
    _need_flatbuffers()
    try:
        return bytes(program.serialize(vjp_order=1))
    except (TypeError, ValueError, NotImplementedError):  # of integers alone
        return bytes(program.serialize())


def read(data: bytes) -> jax_export.Exported:
    """Return the program of ``written``."""
    _need_flatbuffers()
    return jax_export.deserialize(bytearray(data))


def _need_flatbuffers() -> None:
    try:
        import flatbuffers  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: F401
    except ImportError:
        raise ImportError(
            "exported programs are written and read with the package flatbuffers, which is not "
            "installed: pip install flatbuffers"
        ) from None


def exported_module(
    module: Module,
    args: tuple,
    kwargs: dict[str, Any],
    names: Sequence[Sequence[str | None]],
    constraints: Sequence[str],
) -> jax_export.Exported:
    """Export a module as a function of its parameters and buffers too, for ``torch.export``.

    Args:
        module, args, kwargs: see ``export``.
        names: for each tensor of the arguments the names of sizes that may vary.
        constraints: see ``export``.
    Returns:
        Program of ``(state, args, kwargs)`` that returns the outputs and the buffers it updates.
    """
    apply, params, buffers = functional(module)

    def run(state: dict[str, Any], args: tuple, kwargs: dict[str, Any]) -> tuple[Any, Any]:
        held = {name: state[name] for name in buffers}
        trained = {name: state[name] for name in params}
        outputs, after = apply(trained, held, *args, train=None, **kwargs)
        return outputs, {name: array for name, array in after.items() if array is not held[name]}

    examples = _forms(to_jax(({**params, **buffers}, args, kwargs)))
    known = symbolic_sizes(
        list(dict.fromkeys(name for own in names for name in own if name)), constraints
    )
    given = iter(names)

    def named(form: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        shape = [known[name] if name else size for name, size in zip(next(given), form.shape)]
        return jax.ShapeDtypeStruct(tuple(shape), form.dtype)

    forms = (examples[0], *jax.tree.map(named, examples[1:]))
    return exported(run, (forms, {}), (examples, {}))
