"""Joining the files of a checkpoint in the format of Hugging Face, which is not there."""

from __future__ import annotations

from typing import Any, NoReturn


def consolidate_safetensors_files(
    input_dir: str,
    output_dir: str,
    fqn_to_index_mapping: dict[str, int] | None = None,
    num_threads: int = 1,
    *args: Any,
    **kwargs: Any,
) -> NoReturn:
    """Refuse: save the whole state with the package ``safetensors`` in one process.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        "torch.distributed.checkpoint.consolidate_safetensors_files: jtorch writes PyTorch's "
        "distributed checkpoints alone"
    )
