"""New tensors: of regular content, and random ones."""
