"""Runs the programs of a script: its public functions, in their order, from the same seed."""

import random
import sys
import types
import warnings

import numpy as np
import torch


def run_programs():
    """Run each program under its name; one that fails says so, and the others run all the same."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    chosen = sys.argv[1:]
    for name, function in vars(sys.modules["__main__"]).copy().items():
        if name.startswith("_") or not isinstance(function, types.FunctionType):
            continue
        if function.__module__ != "__main__" or (chosen and name not in chosen):
            continue
        print(f"# {name}")
        random.seed(0)
        np.random.seed(0)
        torch.manual_seed(0)
        try:
            function()
        except Exception as error:
            print(f"failed: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}")
            print(f"{function.__name__} failed", file=sys.stderr)
            sys.excepthook(type(error), error, error.__traceback__)
