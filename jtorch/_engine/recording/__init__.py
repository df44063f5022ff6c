"""What happens when an operator is called, until its trace is flushed."""
