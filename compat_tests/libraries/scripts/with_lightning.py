"""lightning: training loops without the loop."""

import logging
import tempfile

import lightning
import torch
from programs import run_programs
from torch.utils.data import DataLoader, TensorDataset

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Regression(lightning.LightningModule):
    def __init__(self, width=8):
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, width), torch.nn.ReLU(), torch.nn.Linear(width, 1)
        )

    def forward(self, x):
        return self.layers(x)

    def training_step(self, batch, index):
        loss = torch.nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("train", loss)
        return loss

    def validation_step(self, batch, index):
        self.log("valid", torch.nn.functional.mse_loss(self(batch[0]), batch[1]), prog_bar=True)

    def predict_step(self, batch, index):
        return self(batch[0])

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=0.01)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]


def _batches(shuffle=False):
    x = torch.randn(32, 4)
    return DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8, shuffle=shuffle)


def trainer():
    lightning.seed_everything(1, verbose=False)
    model = Regression()
    with tempfile.TemporaryDirectory() as folder:
        keep = lightning.pytorch.callbacks.ModelCheckpoint(folder, monitor="valid", filename="best")
        made = lightning.Trainer(
            max_epochs=3, accelerator="cpu", logger=False, enable_progress_bar=False,
            enable_model_summary=False, callbacks=[keep], gradient_clip_val=1.0,
        )  # fmt: skip
        batches = _batches()
        made.fit(model, _batches(shuffle=True), batches)
        print({name: round(value.item(), 4) for name, value in made.callback_metrics.items()})
        print(torch.cat(made.predict(model, batches))[:3])
        again = Regression.load_from_checkpoint(keep.best_model_path)
    print(round(keep.best_model_score.item(), 4), again.hparams)


def fabric():
    lightning.seed_everything(2, verbose=False)
    made = lightning.Fabric(accelerator="cpu", devices=1)
    model = torch.nn.Linear(4, 1)
    model, optimizer = made.setup(model, torch.optim.SGD(model.parameters(), lr=0.1))
    for step, (x, y) in enumerate(made.setup_dataloaders(_batches())):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        made.backward(loss)
        made.clip_gradients(model, optimizer, max_norm=1.0)
        optimizer.step()
        print(step, round(loss.item(), 4))
    print(model.weight)


run_programs()
