"""Options of a command line that take their defaults from environment variables."""

from __future__ import annotations

import os
from argparse import Action, ArgumentParser, Namespace
from typing import Any

__all__ = ["check_env", "env"]

#: Before the name of the option, in capitals.
_PREFIX = "PET_"


class env(Action):
    """An option with a value, which ``PET_<NAME>`` gives where the command line does not."""

    def __init__(self, dest: str, default: Any = None, required: bool = False, **kwargs: Any):
        default = os.environ.get(_PREFIX + dest.upper(), default)
        super().__init__(dest=dest, default=default, required=required and not default, **kwargs)

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: Any = None
    ) -> None:
        setattr(namespace, self.dest, values)


class check_env(Action):
    """An option without a value, which ``PET_<NAME>=1`` sets where the command line does not."""

    def __init__(self, dest: str, default: Any = False, **kwargs: Any):
        default = bool(int(os.environ.get(_PREFIX + dest.upper(), "1" if default else "0")))
        super().__init__(dest=dest, const=True, default=default, nargs=0, **kwargs)

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: Any = None
    ) -> None:
        setattr(namespace, self.dest, self.const)
