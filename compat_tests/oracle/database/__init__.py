"""PyTorch's operator database, docstring examples and public names, run through both libraries.

``python -m compat_tests.oracle.database ops``, ``docs``, ``surface`` and ``table``; ``--help`` says
more. What falls short stands in ``known_gaps.toml``, ``documented_gaps.toml`` and
``surface_gaps.toml``, each entry with its reason; an entry that passes fails the run, and so does a
failure that is not listed.
"""
