"""Which placements operators take and yield: a table, one line for a family."""
