"""jtorch and JAX in one program: arrays for tensors, and the other way round.

jtorch is JAX underneath, and here it shows. Arrays of JAX and tensors share their memory
(``to_jax``, ``from_jax``).

    ============================  ==================================================================
    what there is                 what it is wanted as
    ============================  ==================================================================
    a tensor                      an array of JAX: ``to_jax(tensor)``, ``jnp.asarray(tensor)``
    an array of JAX               a tensor: ``from_jax(array)``, ``torch.as_tensor(array)``
    ============================  ==================================================================

64-bit types are real wherever jtorch is imported (``jax_enable_x64``): arrays that JAX makes of
Python numbers are of float64 and int64 unless a dtype is given.
"""

from ._arrays import from_jax, to_jax

__all__ = ["from_jax", "to_jax"]
