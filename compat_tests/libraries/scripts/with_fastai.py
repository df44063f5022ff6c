"""fastai: learners, schedules and tables."""

import tempfile

import numpy as np
import pandas
import torch
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.tabular.all import (
    Categorify,
    FillMissing,
    Normalize,
    TabularDataLoaders,
    tabular_learner,
)
from programs import run_programs
from torch.utils.data import TensorDataset


def learner():
    x = torch.randn(64, 4)
    rows = TensorDataset(x, (x.sum(1) > 0).long())
    loaders = DataLoaders.from_dsets(rows, rows, bs=16, device=torch.device("cpu"))
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    with tempfile.TemporaryDirectory() as folder:
        made = Learner(loaders, model, CrossEntropyLossFlat(), metrics=accuracy, path=folder)
        with made.no_bar(), made.no_logging():
            made.fit_one_cycle(2, 0.05)
            print([[round(float(value), 4) for value in row] for row in made.recorder.values])
            made.save("kept")
            made.fit(1, 0.1)
            made.load("kept")
            print([round(float(value), 4) for value in made.validate()])


def table():
    random = np.random.RandomState(0)
    frame = pandas.DataFrame(
        {"a": random.randn(60), "b": random.choice(["x", "y", "z"], 60), "c": random.rand(60)}
    )
    frame["y"] = (frame.a > 0).map({True: "yes", False: "no"})
    frame.loc[3, "c"] = np.nan
    loaders = TabularDataLoaders.from_df(
        frame, procs=[Categorify, FillMissing, Normalize], cat_names=["b"], cont_names=["a", "c"],
        y_names="y", valid_idx=list(range(40, 60)), bs=16, device=torch.device("cpu"),
    )  # fmt: skip
    made = tabular_learner(loaders, layers=[8, 4], metrics=accuracy)
    with made.no_bar(), made.no_logging():
        made.fit_one_cycle(2)
        print([[round(float(value), 4) for value in row] for row in made.recorder.values])
        print(made.get_preds()[0][:3])


run_programs()
