"""Plain data about what was recorded: operators, values, the trie, gradient rules."""
