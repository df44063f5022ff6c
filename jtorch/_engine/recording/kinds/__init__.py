"""Families of operators that are planned alike."""
