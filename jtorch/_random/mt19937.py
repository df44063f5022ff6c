"""The engine of PyTorch's CPU generator: Mersenne Twister words and the generator's state.

M. Matsumoto, T. Nishimura: Mersenne Twister: a 623-dimensionally equidistributed uniform
pseudo-random number generator, ACM TOMACS 8 (1998). NumPy provides the words; what is PyTorch's
own is how seeds are read, the cached second normal, and the layout of the saved state.
"""

from __future__ import annotations

import secrets

import numpy as np

from . import _xla_words, messages

DEFAULT_SEED = 67280421310721
STATE_SIZE = 5056
_WORDS = 624

# The saved state is a C++ struct; the names are ours, the offsets PyTorch's.
_STATE = np.dtype(
    {
        "names": [
            "seed",
            "left",
            "seeded",
            "next",
            "words",
            "normal_x",
            "normal_y",
            "normal_rho",
            "normal_is_valid",
            "float_normal",
            "float_normal_is_valid",
        ],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", _WORDS)]
        + ["<f8", "<f8", "<f8", "<i4", "<f4", "u1"],
        "offsets": [0, 8, 12, 16, 24, 5016, 5024, 5032, 5040, 5048, 5052],
        "itemsize": STATE_SIZE,
    }
)


class CPUGenerator:
    """A stream of 32-bit words with PyTorch's seeding rules and PyTorch's saved state.

    Long stretches are drawn by compiled programs. Then the key and the position stay in ``_ahead``
    until NumPy's engine is needed again: to write them there takes longer than many a draw.

    Attributes:
        cached_normal: second sample of the last Box-Muller pair, or None. One sample for all
            dtypes, as in PyTorch; it survives every other kind of draw.
    """

    __slots__ = ("_bits", "_stream", "_ahead", "_seed", "_fresh", "cached_normal", "__weakref__")

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self._bits = np.random.MT19937(0)
        self._stream = np.random.RandomState(self._bits)
        self._ahead: tuple[np.ndarray, int] | None = None
        self.manual_seed(seed)

    # ---- seeds

    def manual_seed(self, seed: int) -> CPUGenerator:
        """Start the stream that belongs to a seed, forgetting any cached normal.

        Args:
            seed: from -2**63 to 2**64 - 1; a negative one means ``seed + 2**64``. Only the low 32
                bits choose the stream.
        Raises:
            RuntimeError: the seed is no integer.
            ValueError: the seed is out of range.
        """
        if type(seed) is not int:
            raise messages.seed_is_no_integer(seed)
        if not -(2**63) <= seed < 2**64:
            raise messages.seed_overflow()
        self._seed = seed % 2**64
        # RandomState's scalar seeding is the classic init_genrand, which PyTorch uses too.
        self._stream.seed(self._seed & 0xFFFFFFFF)
        self._ahead = None
        self._fresh = True
        self.cached_normal: float | None = None
        return self

    def seed(self) -> int:
        """Seed from the operating system's entropy and return that seed (53 bits, as PyTorch's)."""
        self.manual_seed(secrets.randbits(53))
        return self._seed

    def initial_seed(self) -> int:
        """Return the last seed that was set, as a number from 0 to 2**64 - 1."""
        return self._seed

    # ---- state

    def get_state(self) -> np.ndarray:
        """Return the whole state: 5056 bytes, laid out as by ``torch.get_rng_state``."""
        key, position = self._place()
        record = np.zeros((), _STATE)
        record["seed"] = self._seed
        record["seeded"] = 1
        record["words"] = key
        # NumPy has one position; PyTorch also tells "just seeded" from "block used up".
        record["left"] = 625 - position
        record["next"] = 0 if self._fresh else position
        if self.cached_normal is not None:
            record["normal_y"] = self.cached_normal
            record["normal_is_valid"] = 1
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> None:
        """Continue from a state that ``get_state`` (or PyTorch) saved.

        Raises:
            TypeError: not an array of bytes.
            RuntimeError: wrong size, or not the state of a seeded generator.
        """
        if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
            raise messages.state_is_no_byte_tensor(state)
        if state.size != STATE_SIZE:
            raise messages.state_size(STATE_SIZE, state.size)
        record = np.frombuffer(np.ascontiguousarray(state).tobytes(), _STATE)[0]
        left, upcoming = int(record["left"]), int(record["next"])
        if record["seeded"] != 1 or not 0 < left <= _WORDS or upcoming > _WORDS:
            raise messages.state_invalid()
        self._seed = int(record["seed"])
        self._fresh = left == 1 and upcoming == 0
        self._ahead = record["words"].astype(np.uint32), _WORDS if left == 1 else upcoming
        self._catch_up()
        valid = bool(record["normal_is_valid"])
        self.cached_normal = float(record["normal_y"]) if valid else None

    def clone_state(self) -> CPUGenerator:
        """Return an independent generator that continues from the same state."""
        twin = CPUGenerator(0)
        twin.set_state(self.get_state())
        return twin

    def _place(self) -> tuple[np.ndarray, int]:
        """Return the block of words before tempering, and how many of them were used up."""
        if self._ahead is not None:
            return self._ahead
        inner = self._bits.state["state"]
        return inner["key"], int(inner["pos"])

    def _catch_up(self) -> None:
        """Let NumPy's engine go on from where the programs are."""
        if self._ahead is not None:
            key, position = self._ahead
            self._bits.state = {
                "bit_generator": "MT19937",
                "state": {"key": key, "pos": position},
            }
            self._ahead = None

    # ---- words

    def words(self, count: int) -> np.ndarray:
        """Return the next ``count`` words as a fresh uint32 array."""
        if count <= 0:
            return np.empty(0, np.uint32)
        self._fresh = False
        if _xla_words.is_worthwhile("words", count):
            drawn, key, position = _xla_words.words(*self._place(), count)
            self._ahead = key, position
            return drawn
        self._catch_up()
        if count < 256:  # less overhead per call, more per word
            return self._bits.random_raw(count).astype(np.uint32)
        return self._stream.randint(0, 2**32, size=count, dtype=np.uint32)

    def words64(self, count: int) -> np.ndarray:
        """Return ``count`` uint64 numbers of two words each, the first word being the high half."""
        pairs = self.words(2 * count).astype(np.uint64).reshape(count, 2)
        joined = pairs[:, 0] << np.uint64(32)
        joined |= pairs[:, 1]
        return joined

    def below(self, count: int, bound: int) -> np.ndarray:
        """Tell of ``count`` numbers of 53 bits (two words each) whether they are below a bound.

        Args:
            count: how many numbers.
            bound: from 0 to 2**53.
        Returns:
            A fresh bool array.
        """
        # The integers themselves are compared: their high words, and the low ones only where those
        # are equal.
        high_bound, low_bound = divmod(bound, 2**32)
        if _xla_words.is_worthwhile("coins", 2 * count):
            self._fresh = False
            drawn, key, position = _xla_words.coins(*self._place(), count, high_bound, low_bound)
            self._ahead = key, position
            return drawn
        words = self.words(2 * count)
        high = words[0::2] & np.uint32(2**21 - 1)
        result = high < np.uint32(high_bound)
        if low_bound:
            equal = np.flatnonzero(high == np.uint32(high_bound))
            if equal.size:
                result[equal] = words[1::2][equal] < np.uint32(low_bound)
        return result

    def doubles(self, count: int) -> np.ndarray:
        """Return ``count`` float64 numbers in [0, 1) of 53 bits (two words) each."""
        bits = self.words64(count)
        bits &= np.uint64(2**53 - 1)
        values = bits.view(np.int64).astype(np.float64)  # signed conversion is the fast one
        values *= 2.0**-53
        return values

    def double(self) -> float:
        """Return one float64 number in [0, 1), as ``doubles(1)`` would."""
        self._fresh = False
        self._catch_up()
        high, low = self._bits.random_raw(2).tolist()
        return ((high << 32 | low) & (2**53 - 1)) * 2.0**-53

    def floats(self, count: int) -> np.ndarray:
        """Return ``count`` float32 numbers in [0, 1) of 24 bits (one word) each."""
        bits = self.words(count)
        bits &= np.uint32(0xFFFFFF)
        values = bits.view(np.int32).astype(np.float32)
        values *= np.float32(2.0**-24)
        return values
