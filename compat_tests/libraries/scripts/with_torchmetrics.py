"""TorchMetrics: metrics over batches."""

import torch
from programs import run_programs
from torchmetrics import MetricCollection
from torchmetrics.classification import (
    BinaryAUROC,
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
)
from torchmetrics.regression import MeanSquaredError, PearsonCorrCoef, R2Score


def classification():
    scores, classes = torch.randn(50, 4).softmax(-1), torch.randint(0, 4, (50,))
    for metric in (
        MulticlassAccuracy(4),
        MulticlassF1Score(4),
        MulticlassConfusionMatrix(4),
    ):
        metric.update(scores[:25], classes[:25])
        metric.update(scores[25:], classes[25:])
        print(type(metric).__name__, metric.compute())
    print(BinaryAUROC()(torch.rand(30), torch.randint(0, 2, (30,))))
    print(MetricCollection([MulticlassAccuracy(4), MulticlassF1Score(4)])(scores, classes))


def regression():
    x = torch.randn(30)
    y = x + 0.1 * torch.randn(30)
    for metric in (MeanSquaredError(), R2Score(), PearsonCorrCoef()):
        print(type(metric).__name__, metric(y, x))


run_programs()
