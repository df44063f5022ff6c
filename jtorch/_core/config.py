"""Environment variables: every switch that a user has, read in this one place, at import.

=========================  =======================================================================
``JTORCH_CACHE``           ``0``: keep no compiled programs on disk
``JTORCH_CACHE_DIR``       where to keep them; else ``$XDG_CACHE_HOME/jtorch``, ``~/.cache/jtorch``
``JTORCH_CACHE_MB``        megabytes that they may take (2048); the least recently used ones go
``JTORCH_TIERS``           ``0``: under ``compile``, compile at full optimisation at once
``JTORCH_MALLOC``          ``0``: leave the thresholds of the C library's allocator, and with them
                           asynchronous dispatch, as they are
``JTORCH_XLA_OPTIONS``     ``0``: compile with XLA's own defaults
``JTORCH_EXECUTION``       ``auto``: interpret a program on the CPU until that has cost as much as
                           compiling it; ``compile``: compile every program when it first runs;
                           ``interpret``: never compile on the CPU
``JTORCH_EAGER``           ``1``: run every operator when it is called, to debug
``JTORCH_LOG``             ``1``: write a line to standard error for each program compiled
``JTORCH_RECOMPILE_WARNING``  how often the same operators may be compiled for one line before a
                           warning says what keeps changing (16); ``0``: never warn
``JTORCH_MAX_PENDING``     operators that may wait before a loop that never looks is cut (256); one
                           with a backward pass is cut at an eighth of that
``JTORCH_MAX_PROGRAMS``    compiled programs kept in memory (2000)
``JTORCH_MAX_NODES``       recorded operators kept in memory (200000)
``JTORCH_FAKE_CUDA``       ``1``: a second device of the host stands in for ``cuda:0``, for tests
=========================  =======================================================================

``JTORCH_FULL_TRACEBACK`` is read when a traceback is shown, see ``traceback_filter``.
"""

from __future__ import annotations

import os


def _switch(name: str, default: bool) -> bool:
    text = os.environ.get(name, "").strip()
    return default if text == "" else text not in ("0", "false", "no", "off")


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    try:
        return int(text)
    except ValueError:
        return default


def _choice(name: str, words: tuple[str, ...]) -> str:
    text = os.environ.get(name, "").strip()
    return text if text in words else words[0]


CACHE = _switch("JTORCH_CACHE", True)
CACHE_DIR = os.environ.get("JTORCH_CACHE_DIR", "")
CACHE_MB = _number("JTORCH_CACHE_MB", 2048)
TIERS = _switch("JTORCH_TIERS", True)
MALLOC = _switch("JTORCH_MALLOC", True)
XLA_OPTIONS = _switch("JTORCH_XLA_OPTIONS", True)
EXECUTION = _choice("JTORCH_EXECUTION", ("auto", "compile", "interpret"))
_CHOSEN_EXECUTION = EXECUTION
EAGER = _switch("JTORCH_EAGER", False)
LOG = _switch("JTORCH_LOG", False)
RECOMPILE_WARNING = _number("JTORCH_RECOMPILE_WARNING", 16)
MAX_PENDING = max(16, _number("JTORCH_MAX_PENDING", 256))
MAX_PROGRAMS = max(8, _number("JTORCH_MAX_PROGRAMS", 2000))
MAX_NODES = max(1000, _number("JTORCH_MAX_NODES", 200_000))
FAKE_CUDA = _switch("JTORCH_FAKE_CUDA", False)


def pin_one_tier(pinned: bool) -> None:
    """Have every program run by the compiler from the start, or by the tier that was chosen.

    Under ``auto`` the first runs of a program and the later ones may differ in the last bits.
    """
    global EXECUTION
    if _CHOSEN_EXECUTION == "auto":
        EXECUTION = "compile" if pinned else "auto"
