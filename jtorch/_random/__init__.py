"""PyTorch's random numbers, bit for bit, drawn with NumPy.

``CPUGenerator`` is the engine; every sampling function takes one and returns a NumPy array. Nothing
here knows tensors or traces. ``philox`` holds the counter-based generator of CUDA devices.
"""

from .continuous import cauchy as cauchy
from .continuous import exponential as exponential
from .continuous import geometric as geometric
from .discrete import bernoulli as bernoulli
from .discrete import bernoulli_tensor as bernoulli_tensor
from .discrete import multinomial as multinomial
from .discrete import randint as randint
from .discrete import random_ as random_
from .discrete import randperm as randperm
from .mt19937 import DEFAULT_SEED as DEFAULT_SEED
from .mt19937 import STATE_SIZE as STATE_SIZE
from .mt19937 import CPUGenerator as CPUGenerator
from .normal import log_normal as log_normal
from .normal import normal as normal
from .normal import truncated_normal as truncated_normal
from .rejection import binomial as binomial
from .rejection import dirichlet as dirichlet
from .rejection import poisson as poisson
from .rejection import standard_gamma as standard_gamma
from .uniform import rand as rand
from .uniform import uniform as uniform
