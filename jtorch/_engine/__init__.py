"""The engine: operators are recorded into a trace, and run as one XLA program when looked at."""
