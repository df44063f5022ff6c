"""What a function of tensors is told that JAX cannot run as a pure function."""

from __future__ import annotations


def no_key(name: str) -> RuntimeError:
    """Random numbers are drawn, and there is no key."""
    return RuntimeError(
        f"jtorch.interop.{name}: random numbers are drawn (dropout, torch.rand), which would be "
        "the same at each call: give a key, rng=jax.random.key(0), or train=False"
    )


def no_such_draw(name: str) -> NotImplementedError:
    """Numbers are drawn of a distribution that has no counterpart."""
    return NotImplementedError(
        f"jtorch.interop.{name}: these random numbers cannot be drawn from a key of JAX; uniform, "
        "normal, Bernoulli, exponential, geometric, Cauchy and integer ones can (not where the "
        "elements of a tensor decide: torch.multinomial, RReLU)"
    )


def looked_at(name: str, reason: str) -> RuntimeError:
    """A value is looked at whose elements only JAX will know."""
    return RuntimeError(
        f"jtorch.interop.{name}: the function looks at a value ({reason}) that depends on its "
        "arguments, which a pure function of JAX cannot; use torch.where for a choice, and "
        "jtorch.interop.as_operator for functions of JAX"
    )


def escaped() -> RuntimeError:
    """A tensor of a pure function is used outside of it."""
    return RuntimeError(
        "a tensor is used outside of the function of jtorch.interop that made it: it has no "
        "elements there, since JAX runs the function; return it instead of keeping it"
    )
