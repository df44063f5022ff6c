"""Functions that PyTorch took away and that only say what to use instead."""

from __future__ import annotations

from ..._engine.declare import publish
from . import _messages


def matrix_rank(input, tol=None, symmetric=False, *, out=None):
    """Refuse: ``torch.linalg.matrix_rank`` is what there is."""
    raise _messages.removed("matrix_rank")


def solve(input, A, *, out=None):
    """Refuse: ``torch.linalg.solve`` is what there is."""
    raise _messages.removed("solve")


def lstsq(input, A, *, out=None):
    """Refuse: ``torch.linalg.lstsq`` is what there is."""
    raise _messages.removed("lstsq")


def eig(self, eigenvectors=False, *, e=None, v=None):
    """Refuse: ``torch.linalg.eig`` is what there is."""
    raise _messages.removed("eig")


def symeig(input, eigenvectors=False, upper=True, *, out=None):
    """Refuse: ``torch.linalg.eigh`` is what there is."""
    raise _messages.removed("symeig")


publish("matrix_rank", matrix_rank)
publish("solve", solve, method=lambda self, other: solve(self, other))
publish("lstsq", lstsq, method=lambda self, other: lstsq(self, other))
publish("eig", eig, method=lambda self, eigenvectors=False: eig(self, eigenvectors))
publish("symeig", symeig, method=lambda self, eigenvectors=False: symeig(self, eigenvectors))
