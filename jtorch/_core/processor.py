"""What the processor can do."""

from __future__ import annotations

import functools


@functools.cache
def cpu_flags() -> tuple[str, ...]:
    """Return the processor's model and features as Linux names them; nothing elsewhere."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            first = file.read(8192).partition("\n\n")[0]
    except OSError:
        return ()
    found = []
    for line in first.splitlines():
        name, _, text = line.partition(":")
        if name.strip() in ("model name", "flags", "Features", "CPU part"):
            found += text.split()
    return tuple(found)
