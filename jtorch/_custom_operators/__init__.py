"""Operators that programs define: what stands behind ``torch.library`` and ``torch.ops``."""
