"""Record what PyTorch makes of the expressions of sparse tensors.

``python -m tools.record_goldens.sparse_expressions``, where PyTorch is installed. The expressions
are the keys of ``golden/sparse_expressions.json``: add one there, then record it.
"""

from __future__ import annotations

from compat_tests.helpers.sparse_expressions import outcome, read, write


def main() -> None:
    """Write golden/sparse_expressions.json."""
    import torch

    write({expression: outcome(torch, expression) for expression in read()})


if __name__ == "__main__":
    main()
