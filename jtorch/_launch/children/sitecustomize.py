"""Read by each Python that a program under jtorch starts: ``torch`` is jtorch there, too.

Nothing of jtorch is imported before ``torch`` is. A Python of another environment is left alone.
The ``sitecustomize`` that would have been read without this one is read after it.
"""

import importlib
import os
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))


class _UntilTorchIsImported:
    """Installs jtorch's hook at the first import of ``torch``, and steps aside for it."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ("torch", "functorch"):
            return None
        sys.meta_path.remove(self)
        hook = importlib.import_module("jtorch._launch.hook")
        hook._install()
        hook.follow_into_spawned_processes()
        return importlib.util.find_spec(name)


def _read_the_other():
    """Read the ``sitecustomize`` that this one stands before."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _FOLDER]
    own = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        if own is not None:
            sys.modules["sitecustomize"] = own


if os.environ.get("JTORCH_CHILDREN") == sys.prefix:
    import importlib.util

    sys.meta_path.insert(0, _UntilTorchIsImported())
_read_the_other()
