"""Signatures in PyTorch's argument language, and the errors of arguments that do not fit."""

from .schema import Parameter as Parameter
from .schema import Schema as Schema
