"""Recurrent layers, cells and packed sequences."""
