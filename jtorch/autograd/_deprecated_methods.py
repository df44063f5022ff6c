"""Methods of ``Tensor`` that PyTorch keeps for programs written before it had their successors."""

from __future__ import annotations

import warnings
from typing import Any, NoReturn

from .._engine.declare import publish
from ._functions import Resize

_NO_REINFORCE = """reinforce() was removed.
Use torch.distributions instead.
See https://pytorch.org/docs/main/distributions.html

Instead of:

probs = policy_network(state)
action = probs.multinomial()
next_state, reward = env.step(action)
action.reinforce(reward)
action.backward()

Use:

probs = policy_network(state)
# NOTE: categorical is equivalent to what used to be called multinomial
m = torch.distributions.Categorical(probs)
action = m.sample()
next_state, reward = env.step(action)
loss = -m.log_prob(action) * reward
loss.backward()
"""


def reinforce(self: Any, reward: Any) -> NoReturn:
    """Refuse the call: a distribution's ``log_prob`` does what this did.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError(_NO_REINFORCE)


def resize(self: Any, *sizes: int) -> Any:
    """Return the tensor in another shape; ``reshape`` is its successor.

    Args:
        sizes: of each dimension; as many elements as the tensor has.
    Raises:
        RuntimeError: the shape has another number of elements.
    """
    warnings.warn("non-inplace resize is deprecated", stacklevel=2)
    return Resize.apply(self, sizes)


def resize_as(self: Any, tensor: Any) -> Any:
    """Return the tensor in another one's shape; ``reshape_as`` is its successor.

    Args:
        tensor: one of as many elements.
    Raises:
        RuntimeError: it has another number of elements.
    """
    warnings.warn("non-inplace resize_as is deprecated", stacklevel=2)
    return Resize.apply(self, tensor.size())


for _method in (reinforce, resize, resize_as):
    publish(_method.__name__, method=_method)
