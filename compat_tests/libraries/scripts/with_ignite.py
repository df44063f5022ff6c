"""ignite: loops with handlers and metrics."""

import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.metrics import Accuracy, Loss, Precision
from programs import run_programs
from torch.utils.data import DataLoader, TensorDataset


def _batches():
    x = torch.randn(64, 4)
    return DataLoader(TensorDataset(x, (x.sum(1) > 0).long()), batch_size=16)


def supervised():
    batches, model = _batches(), torch.nn.Linear(4, 2)
    criterion = torch.nn.CrossEntropyLoss()
    trainer = create_supervised_trainer(model, torch.optim.SGD(model.parameters(), 0.5), criterion)
    metrics = {
        "accuracy": Accuracy(),
        "loss": Loss(criterion),
        "precision": Precision(average=True),
    }
    evaluator = create_supervised_evaluator(model, metrics=metrics)

    @trainer.on(Events.EPOCH_COMPLETED)
    def report(engine):
        evaluator.run(batches)
        print(engine.state.epoch, {k: round(v, 4) for k, v in evaluator.state.metrics.items()})

    trainer.run(batches, max_epochs=3)


run_programs()
