"""Steps of optimisers and functions of lists of tensors."""
