"""Which blocks of queries attend to which blocks of keys: ``BlockMask``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor

DEFAULT_BLOCK_SIZE = 128
_CELLS = 20  # of a drawing, along either side


def noop_mask(batch: Any, head: Any, token_q: Any, token_kv: Any) -> Tensor:
    """Return true for every query and key."""
    return torch.ones((), dtype=torch.bool)


def positions(batches: Any, heads: Any, queries: int, keys: int, device: Any) -> tuple:
    """Return the indices of batch, head, query and key, shaped to broadcast with each other."""
    shapes = ((-1, 1, 1, 1), (1, -1, 1, 1), (1, 1, -1, 1), (1, 1, 1, -1))
    counts = (batches or 1, heads or 1, queries, keys)
    return tuple([torch.arange(n, device=device).view(shape) for n, shape in zip(counts, shapes)])


def create_mask(
    mod_fn: Callable, B: Any, H: Any, Q_LEN: int, KV_LEN: int, device: Any = None
) -> Tensor:
    """Return what a mask or score function says of every query and key: (B, H, Q_LEN, KV_LEN).

    Args:
        mod_fn: a mask function of (batch, head, query, key), or a score function that takes a
            score before these.
        B, H: numbers of batches and heads, 1 for ``None``.
        Q_LEN, KV_LEN: numbers of queries and keys.
        device: where to compute.
    """
    import inspect

    shape = (B or 1, H or 1, Q_LEN, KV_LEN)
    where = positions(B, H, Q_LEN, KV_LEN, device)
    takes_score = len(inspect.signature(mod_fn).parameters) == len(where) + 1
    given = (torch.zeros(shape, device=device), *where) if takes_score else where
    return torch.as_tensor(mod_fn(*given)).expand(shape).contiguous()


def _ordered(dense: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many blocks are set in each row, and the numbers of the set ones first."""
    count = dense.sum(-1).to(torch.int32)
    order = torch.argsort(dense.to(torch.int32), dim=-1, descending=True, stable=True)
    return count, order.to(torch.int32)


def _dense(count: Tensor, indices: Tensor) -> Tensor:
    """Undo ``_ordered``."""
    columns = indices.shape[-1]
    taken = torch.arange(columns, device=indices.device) < count[..., None]
    result = torch.zeros(indices.shape, dtype=torch.int32, device=indices.device)
    return result.scatter(-1, indices.long(), taken.to(torch.int32))


class BlockMask:
    """Which blocks of queries attend to which blocks of keys.

    ``create_block_mask`` makes one of a function, ``from_kv_blocks`` of block numbers.

    Attributes:
        kv_num_blocks, kv_indices: for each block of queries, how many blocks of keys it attends to
            in part, and their numbers first.
        full_kv_num_blocks, full_kv_indices: the same for blocks that are attended to whole.
        q_num_blocks, q_indices, full_q_num_blocks, full_q_indices: for each block of keys.
        BLOCK_SIZE: numbers of queries and keys in a block.
        mask_mod: says it of each query and key.
        seq_lengths: numbers of queries and keys.
    """

    __module__ = "torch.nn.attention.flex_attention"

    def __init__(
        self,
        seq_lengths: tuple[int, int],
        kv_num_blocks: Tensor,
        kv_indices: Tensor,
        full_kv_num_blocks: Tensor | None,
        full_kv_indices: Tensor | None,
        BLOCK_SIZE: tuple[int, int],
        mask_mod: Callable,
    ):
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        self.seq_lengths, self.BLOCK_SIZE, self.mask_mod = seq_lengths, BLOCK_SIZE, mask_mod
        self.kv_num_blocks, self.kv_indices = kv_num_blocks, kv_indices
        self.full_kv_num_blocks, self.full_kv_indices = full_kv_num_blocks, full_kv_indices
        self.q_num_blocks, self.q_indices = _ordered(
            _dense(kv_num_blocks, kv_indices).transpose(-2, -1)
        )
        self.full_q_num_blocks = self.full_q_indices = None
        if full_kv_num_blocks is not None and full_kv_indices is not None:
            self.full_q_num_blocks, self.full_q_indices = _ordered(
                _dense(full_kv_num_blocks, full_kv_indices).transpose(-2, -1)
            )

    @classmethod
    def from_kv_blocks(
        cls,
        kv_num_blocks: Tensor,
        kv_indices: Tensor,
        full_kv_num_blocks: Tensor | None = None,
        full_kv_indices: Tensor | None = None,
        BLOCK_SIZE: int | tuple[int, int] = DEFAULT_BLOCK_SIZE,
        mask_mod: Callable | None = None,
        seq_lengths: tuple[int, int] | None = None,
        **accepted: Any,
    ) -> BlockMask:
        """Return a mask of block numbers; see the attributes of the class."""
        size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else BLOCK_SIZE
        rows, columns = kv_indices.shape[-2:]
        lengths = seq_lengths or (rows * size[0], columns * size[1])
        return cls(
            lengths, kv_num_blocks, kv_indices, full_kv_num_blocks, full_kv_indices, size,
            mask_mod or noop_mask,
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of batches, heads, queries and keys."""
        return (*self.kv_indices.shape[:-2], *self.seq_lengths)

    def numel(self) -> int:
        """Return how many pairs of a query and a key there are, over batches and heads."""
        total = 1
        for size in self.shape:
            total *= size
        return total

    def to_dense(self) -> Tensor:
        """Return for each block of queries and of keys whether there is attention: 0 or 1."""
        dense = _dense(self.kv_num_blocks, self.kv_indices)
        if self.full_kv_num_blocks is not None and self.full_kv_indices is not None:
            dense = dense | _dense(self.full_kv_num_blocks, self.full_kv_indices)
        return dense

    def sparsity(self) -> float:
        """Return the percentage of pairs that lie in blocks without attention."""
        computed = int(self.to_dense().sum()) * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1]
        return 100 * (1 - computed / self.numel())

    def to(self, device: Any) -> BlockMask:
        """Return the mask on another device."""
        parts = (self.kv_num_blocks, self.kv_indices, self.full_kv_num_blocks,
                 self.full_kv_indices)  # fmt: skip
        moved: list[Any] = [None if part is None else part.to(device) for part in parts]
        count, order, full_count, full_order = moved
        return BlockMask(
            self.seq_lengths, count, order, full_count, full_order, self.BLOCK_SIZE, self.mask_mod
        )

    def elements(self, heads: int, device: Any) -> Tensor:
        """Return which queries attend to which keys, as bools that broadcast to all heads."""
        queries, keys = self.seq_lengths

        def spread(dense: Tensor) -> Tensor:
            rows = dense.bool().repeat_interleave(self.BLOCK_SIZE[0], -2)[..., :queries, :]
            return rows.repeat_interleave(self.BLOCK_SIZE[1], -1)[..., :keys]

        batches, own_heads = self.kv_indices.shape[0], self.kv_indices.shape[1]
        where = positions(batches, max(own_heads, heads), queries, keys, device)
        allowed = spread(_dense(self.kv_num_blocks, self.kv_indices)) & self.mask_mod(*where)
        if self.full_kv_num_blocks is not None and self.full_kv_indices is not None:
            allowed = allowed | spread(_dense(self.full_kv_num_blocks, self.full_kv_indices))
        return allowed

    def to_string(self, grid_size: int | tuple[int, int] = _CELLS, limit: int = 4) -> str:
        """Return a drawing: blocks with attention are filled."""
        rows, columns = (grid_size, grid_size) if isinstance(grid_size, int) else grid_size
        dense = self.to_dense()
        text: list[str] = []
        for batch in range(dense.shape[0]):
            for head in range(dense.shape[1]):
                if len(text) >= limit:
                    return "\n\n".join([*text, "..."])
                text.append(f"({batch}, {head})\n{_drawing(dense[batch, head], rows, columns)}")
        return "\n\n".join(text)

    def __repr__(self) -> str:
        return (
            f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, \n"
            f"{self.to_string()}\n)"
        )


def _drawing(dense: Tensor, rows: int, columns: int) -> str:
    table = dense.tolist()
    high = max(1, -(-len(table) // rows))
    wide = max(1, -(-len(table[0]) // columns))
    lines = []
    for top in range(0, len(table), high):
        line = ""
        for left in range(0, len(table[0]), wide):
            cell = [value for row in table[top : top + high] for value in row[left : left + wide]]
            share = sum(cell) / len(cell)
            line += "██" if share == 1 else "  " if share == 0 else "░░"
        lines.append(line)
    return "\n".join(lines)


def create_block_mask(
    mask_mod: Callable,
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: int | tuple[int, int] = DEFAULT_BLOCK_SIZE,
    _compile: bool = False,
    separate_full_blocks: bool = True,
    **accepted: Any,
) -> BlockMask:
    """Return the blocks of a mask function.

    Args:
        mask_mod: of (batch, head, query, key): whether the query attends to the key.
        B, H: numbers of batches and heads; ``None`` where the function does not look at them.
        Q_LEN, KV_LEN: numbers of queries and keys.
        device: where to compute.
        BLOCK_SIZE: numbers of queries and keys in a block.
        separate_full_blocks: whether blocks that are attended to whole are listed apart.
    """
    size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else tuple(BLOCK_SIZE)
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    down, across = -Q_LEN % size[0], -KV_LEN % size[1]
    padded = torch.nn.functional.pad(mask.to(torch.int32), (0, across, 0, down))
    batches, heads, rows, columns = padded.shape
    blocks = padded.view(batches, heads, rows // size[0], size[0], columns // size[1], size[1]).sum(
        (3, 5)
    )
    whole = blocks == size[0] * size[1]
    some = (blocks > 0) & ~whole if separate_full_blocks else blocks > 0
    full: Any = _ordered(whole) if separate_full_blocks else (None, None)
    count, order = _ordered(some)
    lengths, sizes = (Q_LEN, KV_LEN), (size[0], size[1])
    return BlockMask(lengths, count, order, full[0], full[1], sizes, mask_mod)
