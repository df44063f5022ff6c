"""Products, decompositions and solvers: ``torch.linalg`` and its older names."""
