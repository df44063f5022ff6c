"""Operators of elements: operands promote and broadcast."""
