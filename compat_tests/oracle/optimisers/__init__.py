"""PyTorch's optimiser database through both libraries: trajectories, states, errors, text."""
