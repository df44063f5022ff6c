"""Averages of the parameters of processes that train by themselves for a while."""
