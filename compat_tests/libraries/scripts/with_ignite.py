"""A loop with handlers and metrics."""

import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.metrics import Accuracy, Loss
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(64, 4)
batches = DataLoader(TensorDataset(x, (x.sum(1) > 0).long()), batch_size=16)
model = torch.nn.Linear(4, 2)
criterion = torch.nn.CrossEntropyLoss()
trainer = create_supervised_trainer(model, torch.optim.SGD(model.parameters(), 0.5), criterion)
metrics = {"accuracy": Accuracy(), "loss": Loss(criterion)}
evaluator = create_supervised_evaluator(model, metrics=metrics)


@trainer.on(Events.EPOCH_COMPLETED)
def report(engine):
    evaluator.run(batches)
    print(engine.state.epoch, {k: round(v, 4) for k, v in evaluator.state.metrics.items()})


trainer.run(batches, max_epochs=3)
