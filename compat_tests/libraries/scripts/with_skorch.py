"""skorch: networks as estimators of scikit-learn."""

import pickle

import numpy as np
import torch
from programs import run_programs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import EarlyStopping, EpochScoring, LRScheduler
from torch import nn


class Network(nn.Module):
    def __init__(self, width=8, outputs=2):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, x):
        return self.layers(x)


def _data():
    x = np.random.RandomState(0).randn(100, 5).astype("float32")
    return x, (x.sum(1) > 0).astype("int64")


def classifier():
    x, y = _data()
    network = NeuralNetClassifier(
        Network,
        criterion=nn.CrossEntropyLoss,
        max_epochs=3,
        lr=0.1,
        iterator_train__shuffle=True,
        verbose=0,
    )
    network.fit(x, y)
    for epoch in network.history:
        print(round(float(epoch["train_loss"]), 4), round(float(epoch["valid_loss"]), 4))
    print(network.predict(x)[:10], (network.predict(x) == y).mean())
    again = pickle.loads(pickle.dumps(network))
    print((again.predict_proba(x) == network.predict_proba(x)).all())


def grid_search():
    x, y = _data()
    network = NeuralNetRegressor(
        Network,
        module__outputs=1,
        max_epochs=3,
        verbose=0,
        optimizer=torch.optim.Adam,
        callbacks=[
            LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=2),
            EpochScoring("r2", lower_is_better=False),
            EarlyStopping(patience=2),
        ],
    )
    search = GridSearchCV(
        make_pipeline(StandardScaler(), network),
        {"neuralnetregressor__lr": [0.01, 0.1], "neuralnetregressor__module__width": [4]},
        cv=2,
        scoring="neg_mean_squared_error",
    )
    search.fit(x, y[:, None].astype("float32"))
    print(search.best_params_, search.cv_results_["mean_test_score"].round(4))


run_programs()
