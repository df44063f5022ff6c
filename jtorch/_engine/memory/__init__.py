"""Views, in-place writes, and memory shared with the host."""
