"""Operators of neural networks: ``torch.nn.functional``."""
