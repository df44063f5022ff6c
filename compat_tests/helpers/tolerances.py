"""How far results may lie from PyTorch's: the bounds of every comparison of the suite.

A bound is (relative, absolute), by the name of the result's dtype without ``torch.``; a dtype that
a table lacks must be equal.  The tables differ because what they bound does: one operator, a whole
training, the worst of the operator database's samples.
"""

from __future__ import annotations

Bounds = tuple[float, float]

EXACT: Bounds = (0.0, 0.0)

#: A short computation: a few units in the last place, because XLA and PyTorch order a sum and
#: approximate a function each in its own way.
SHORT: dict[str, Bounds] = {
    "float64": (1e-12, 1e-12),
    "float32": (2e-6, 1e-6),
    "float16": (2e-3, 1e-3),
    "bfloat16": (1.6e-2, 1e-2),
    "complex128": (1e-12, 1e-12),
    "complex64": (2e-6, 1e-6),
    "complex32": (2e-3, 1e-3),
}
#: Operators of elements with their gradients, special values among the operands.
ELEMENTWISE: dict[str, Bounds] = {
    "float64": (1e-11, 1e-11),
    "float32": (6e-6, 6e-6),
    "float16": (2e-3, 2e-3),
    "bfloat16": (1.6e-2, 1.6e-2),
    "complex128": (1e-11, 1e-11),
    "complex64": (2e-5, 2e-5),
}
#: Samples of PyTorch's operator database. float32 and float64 are the database's own; the 16-bit
#: types are PyTorch's defaults for them, with an absolute part of one rounding at 1.
DATABASE: dict[str, Bounds] = {
    "float64": (1e-6, 1e-7),
    "float32": (2e-4, 1e-5),
    "float16": (2e-3, 1e-3),
    "bfloat16": (1.6e-2, 8e-3),
    "complex128": (1e-6, 1e-7),
    "complex64": (2e-4, 1e-5),
    "complex32": (2e-3, 1e-3),
}
#: Distributions and their transforms. The absolute part is for logarithms of numbers close to 1
#: and differences of logarithms, which lose digits to cancellation.
DISTRIBUTIONS: dict[str, Bounds] = {
    "float32": (1e-5, 2e-6),
    "float64": (1e-10, 1e-12),
}
#: The gradient of digamma has nine digits in PyTorch, whatever the dtype.
DIGAMMA_GRADIENT: Bounds = (1e-8, 1e-9)
#: Parameters after some steps of an optimiser: PyTorch adds up in another order and does not fuse
#: multiplications with additions.
TRAJECTORY: dict[str, Bounds] = {"float32": (2e-5, 2e-6), "float64": (1e-10, 1e-12)}
#: Muon's matrices are of bfloat16 inside, whatever the parameters are.
MUON_TRAJECTORY: dict[str, Bounds] = {"float32": (2e-2, 2e-3), "float64": (2e-2, 2e-3)}
#: The least relative bound of the losses of a trajectory.
TRAJECTORY_LOSS = 1e-4
#: Gradients through steps: bias corrections are powers of a float32 counter in PyTorch.
DIFFERENTIABLE_STEP: Bounds = (1e-5, 1e-7)
#: A training script: over how many steps losses agree, to how many significant digits.
LOSS_STEPS, LOSS_DIGITS = 50, 4
#: Final metrics of a training script, relative: what a few last digits grow to.
METRIC = 0.02


def by_name(bounds: Bounds) -> dict[str, float]:
    """Return bounds as the keyword arguments ``relative`` and ``absolute`` of a comparison."""
    return dict(zip(("relative", "absolute"), bounds, strict=True))
