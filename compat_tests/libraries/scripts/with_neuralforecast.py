"""NeuralForecast: forecasts of many series."""

import logging

import numpy as np
import pandas
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE, MQLoss
from neuralforecast.models import MLP, NHITS
from programs import run_programs

for name in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)
QUIET = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "logger": False,
    "max_steps": 4,
    "random_seed": 1,
}


def _forecast(model):
    days = pandas.date_range("2020-01-01", periods=40)
    parts = [
        pandas.DataFrame({"unique_id": name, "ds": days, "y": np.sin(np.arange(40) / rate)})
        for name, rate in (("a", 2.0), ("b", 3.0))
    ]
    made = NeuralForecast(models=[model], freq="D")
    made.fit(pandas.concat(parts))
    print(made.predict().drop(columns=["ds", "unique_id"], errors="ignore").round(3).to_string())


def perceptron():
    _forecast(
        MLP(h=3, input_size=8, hidden_size=8, num_layers=1, loss=MAE(), batch_size=2, **QUIET)
    )


def hierarchical():
    small = {"mlp_units": [[8, 8]] * 3}
    _forecast(NHITS(h=3, input_size=8, loss=MQLoss(level=[80]), batch_size=2, **small, **QUIET))


run_programs()
