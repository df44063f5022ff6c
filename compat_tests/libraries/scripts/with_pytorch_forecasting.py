"""PyTorch Forecasting: data sets of series, and networks for them."""

import lightning.pytorch as lightning
import numpy as np
import pandas
from programs import run_programs
from pytorch_forecasting import DeepAR, TemporalFusionTransformer, TimeSeriesDataSet
from pytorch_forecasting.metrics import MAE, SMAPE, QuantileLoss


def _rows():
    frame = pandas.DataFrame(
        {"time": np.tile(np.arange(30), 2), "group": np.repeat(["a", "b"], 30)}
    )
    frame["value"] = np.sin(frame.time / 3.0) + (frame.group == "a")
    return TimeSeriesDataSet(
        frame, time_idx="time", target="value", group_ids=["group"], max_encoder_length=8,
        max_prediction_length=3, time_varying_unknown_reals=["value"],
        static_categoricals=["group"], time_varying_known_reals=["time"],
    )  # fmt: skip


def _train(model, rows):
    batches = rows.to_dataloader(train=False, batch_size=16)
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, limit_train_batches=2,
    )  # fmt: skip
    trainer.fit(model, batches)
    print({name: round(v.item(), 3) for name, v in trainer.callback_metrics.items()})


def fusion_transformer():
    rows = _rows()
    model = TemporalFusionTransformer.from_dataset(
        rows,
        hidden_size=4,
        attention_head_size=1,
        hidden_continuous_size=2,
        loss=QuantileLoss([0.1, 0.5]),
    )  # fmt: skip
    _train(model, rows)


def measures():
    x, y = next(iter(_rows().to_dataloader(train=False, batch_size=4)))
    print({name: value.shape for name, value in x.items() if hasattr(value, "shape")})
    print(MAE()(y[0] * 0.9, y[0]), SMAPE()(y[0] * 0.9, y[0]), x["encoder_cont"][0, :2])
    print(sum(p.numel() for p in DeepAR.from_dataset(_rows(), hidden_size=4).parameters()))


run_programs()
