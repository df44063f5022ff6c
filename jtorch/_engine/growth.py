"""Bounds on what is remembered, and a warning for lines that keep compiling."""
from . import stats
def explain(): return ""
def forget_everything(): pass
