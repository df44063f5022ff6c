"""Names of PyTorch's own code: ``torch.ops.aten`` and internal forms."""
