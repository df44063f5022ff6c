"""Record what PyTorch makes of the expressions of ``expressions_<family>.json``.

``python -m tools.record_goldens.expressions [FAMILY ...]``, where PyTorch is installed; without
families, all of them. The expressions are the keys of the file: add one there, then record it.
"""

from __future__ import annotations

import sys

from compat_tests.helpers.expressions import families, record


def main(*chosen: str) -> None:
    """Write golden/expressions_<family>.json of the chosen families, or of all."""
    known = families()
    if unknown := sorted(set(chosen) - set(known)):
        raise SystemExit(
            f"no expressions named {', '.join(unknown)}; there are: {', '.join(known)}"
        )
    for family in chosen or known:
        record(family)


if __name__ == "__main__":
    main(*sys.argv[1:])
