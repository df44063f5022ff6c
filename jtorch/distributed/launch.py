"""The older way to start a program in several processes: ``python -m torch.distributed.launch``.

It passes ``--local-rank`` to the program, unless ``--use-env`` is given; ``torchrun`` never does.
"""

from __future__ import annotations

import sys
import warnings
from argparse import Namespace
from collections.abc import Sequence

from .run import as_program, get_args_parser, run

_DEPRECATED = """The module torch.distributed.launch is deprecated
and will be removed in future. Use torchrun.
Note that --use-env is set by default in torchrun.
If your script expects `--local-rank` argument to be set, please
change it to read from `os.environ['LOCAL_RANK']` instead. See \n\
https://pytorch.org/docs/stable/distributed.html#launch-utility for \n\
further instructions
"""


def parse_args(args: Sequence[str] | None) -> Namespace:
    """Return the options of a command line: those of ``torchrun``, and ``--use-env``."""
    parser = get_args_parser()
    parser.add_argument(
        "--use-env",
        "--use_env",
        default=False,
        action="store_true",
        help="Leave the local rank to LOCAL_RANK instead of passing --local-rank.",
    )
    return parser.parse_args(args)


def launch(args: Namespace) -> None:
    """Start the processes that a command line asks for, and wait for them."""
    run(args)


def main(args: Sequence[str] | None = None) -> None:
    """Start a program in several processes.

    Args:
        args: the command line, without the name of the module.
    """
    warnings.warn(_DEPRECATED, FutureWarning, stacklevel=2)
    launch(parse_args(args))


if __name__ == "__main__":
    if __spec__ is not None and __spec__.name.startswith("torch."):
        main()
    else:
        as_program("launch", sys.argv[1:])
