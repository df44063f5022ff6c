"""jtorch and JAX in one program: a module is a function of JAX, a function of JAX an operator.

jtorch is JAX underneath, and here it shows. Arrays of JAX and tensors share their memory; what a
function of tensors records is a pure function that JAX transforms; a function of JAX is recorded
into the same program as every operator, with gradients of any order.

    ============================  ==================================================================
    what there is                 what it is wanted as
    ============================  ==================================================================
    a tensor                      an array of JAX: ``to_jax(tensor)``, ``jnp.asarray(tensor)``
    an array of JAX               a tensor: ``from_jax(array)``, ``torch.as_tensor(array)``
    a module                      a pure function of JAX: ``functional(module)``, back by ``load``
    a function of tensors         a pure function of JAX: ``as_jax(function)``
    a function of JAX             a function of tensors: ``as_operator(function)``, ``call``
    a module                      StableHLO that runs without jtorch: ``export(module, args)``
    a transformation of JAX       one of functions of tensors: ``transform(jax.vmap, function)``
    ============================  ==================================================================

64-bit types are real wherever jtorch is imported (``jax_enable_x64``): arrays that JAX makes of
Python numbers are of float64 and int64 unless a dtype is given. Where a tensor and an array meet in
an operator, the first decides what comes out: ``tensor + array`` is a tensor, ``array + tensor`` an
array. JAX takes no tensor as an index: ``array[to_jax(index)]``.
"""

from ._arrays import from_jax, to_jax
from ._export import export
from ._operators import as_operator, call, jit, transform
from ._pure import as_jax, functional, load

__all__ = [
    "as_jax",
    "as_operator",
    "call",
    "export",
    "from_jax",
    "functional",
    "jit",
    "load",
    "to_jax",
    "transform",
]
