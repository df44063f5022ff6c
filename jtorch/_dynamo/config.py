"""Settings of the tracer behind ``torch.compile``: kept, and nothing here reads them."""

from __future__ import annotations

from .._runtime.accepted_settings import accept

accept(globals())
