"""Sobol sequences: ``torch.quasirandom``."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ._random.sobol import BITS, DIMENSIONS
from ._runtime import sobol_engine

__all__ = ["SobolEngine"]


class SobolEngine:
    """Makes Sobol points, which fill the unit cube more evenly than random ones.

    The direction numbers are those of Joe and Kuo (2008); a scrambled sequence is shifted and
    multiplied by random matrices of bits (Matousek, 1998).

    Args:
        dimension: of the points, at most 21201.
        scramble: whether the sequence is scrambled.
        seed: of the scrambling; the default generator is used without it.
    Raises:
        ValueError: the dimension is out of range.
    """

    MAXBIT = BITS
    MAXDIM = DIMENSIONS

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None):
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(
                f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]"
            )
        self.seed = seed
        self.scramble = scramble
        self.dimension = dimension
        cpu = torch.device("cpu")
        self.sobolstate = torch.zeros(dimension, self.MAXBIT, device=cpu, dtype=torch.long)
        sobol_engine.initialize_state(self.sobolstate, dimension)
        if scramble:
            self._scramble()
        else:
            self.shift = torch.zeros(dimension, device=cpu, dtype=torch.long)
        self.quasi = self.shift.clone(memory_format=torch.contiguous_format)
        self._first_point = (self.quasi / 2**self.MAXBIT).reshape(1, -1)
        self.num_generated = 0

    def draw(
        self,
        n: int = 1,
        out: torch.Tensor | None = None,
        dtype: torch.dtype | None = None,
    ) -> torch.Tensor:
        """Return the next points, of shape (n, dimension).

        Args:
            n: how many.
            out: where they are written to.
            dtype: of the points; the default one without it.
        """
        if dtype is None:
            dtype = torch.get_default_dtype()
        if self.num_generated == 0:
            first = self._first_point.to(dtype)
            points = first if n == 1 else torch.cat((first, self._next(n - 1, 0, dtype)), dim=-2)
        else:
            points = self._next(n, self.num_generated - 1, dtype)
        self.num_generated += n
        if out is None:
            return points
        out.resize_as_(points).copy_(points)
        return out

    def _next(self, n: int, generated: int, dtype: Any) -> Any:
        if n < 0:
            raise RuntimeError(
                f"Trying to create tensor with negative dimension {n}: [{n}, {self.dimension}]"
            )
        points, self.quasi = sobol_engine.draw(
            self.quasi, n, self.sobolstate, self.dimension, generated, dtype=dtype
        )
        return points

    def draw_base2(
        self,
        m: int,
        out: torch.Tensor | None = None,
        dtype: torch.dtype | None = None,
    ) -> torch.Tensor:
        """Return the next ``2 ** m`` points.

        Raises:
            ValueError: with those that came before they are no power of two.
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: "
                f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                "'SobolEngine.draw()' instead."
            )
        return self.draw(n=n, out=out, dtype=dtype)

    def reset(self) -> SobolEngine:
        """Begin the sequence again."""
        self.quasi.copy_(self.shift)
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Pass over ``n`` points."""
        came = self.num_generated
        count, generated = (n - 1, 0) if came == 0 else (n, came - 1)
        if count > 0:
            sobol_engine.fast_forward(self.quasi, count, self.sobolstate, self.dimension, generated)
        self.num_generated += n
        return self

    def _scramble(self) -> None:
        generator = None
        if self.seed is not None:
            generator = torch.Generator()
            generator.manual_seed(self.seed)
        bits = (self.dimension, self.MAXBIT)
        shift = torch.randint(2, bits, device="cpu", generator=generator)
        self.shift = torch.mv(shift, torch.pow(2, torch.arange(0, self.MAXBIT)))
        matrices = torch.randint(2, (*bits, self.MAXBIT), device="cpu", generator=generator).tril()
        sobol_engine.scramble(self.sobolstate, matrices, self.dimension)

    def __repr__(self) -> str:
        text = [f"dimension={self.dimension}"]
        if self.scramble:
            text.append("scramble=True")
        if self.seed is not None:
            text.append(f"seed={self.seed}")
        return f"{type(self).__name__}({', '.join(text)})"
