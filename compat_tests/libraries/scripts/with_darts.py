"""Darts: forecasts by networks."""

import logging

import numpy as np
import torch
from darts import TimeSeries
from darts.metrics import mae
from darts.models import BlockRNNModel, NBEATSModel, TCNModel
from darts.utils.timeseries_generation import sine_timeseries
from programs import run_programs

for name in ("pytorch_lightning", "lightning.pytorch", "darts"):
    logging.getLogger(name).setLevel(logging.ERROR)
QUIET = {
    "accelerator": "cpu",
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "logger": False,
}


def _forecast(kind, **options):
    series = sine_timeseries(length=60, value_frequency=0.1).astype(np.float32)
    model = kind(
        input_chunk_length=8, output_chunk_length=4, n_epochs=1, batch_size=16, random_state=0,
        pl_trainer_kwargs=QUIET, **options,
    )  # fmt: skip
    model.fit(series[:48])
    found = model.predict(6)
    print(kind.__name__, found.values().flatten().round(4), round(float(mae(series, found)), 4))


def recurrent():
    _forecast(BlockRNNModel, model="LSTM", hidden_dim=4)


def stacks():
    _forecast(NBEATSModel, num_stacks=2, num_blocks=1, num_layers=2, layer_widths=8)
    _forecast(TCNModel, num_filters=2, kernel_size=2)
    print(TimeSeries.from_values(np.arange(3.0)).values().flatten(), torch.get_default_dtype())


run_programs()
