"""How a program gets jtorch: the import hook, and ``python -m jtorch``."""
