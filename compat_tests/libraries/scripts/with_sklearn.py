"""scikit-learn on arrays of PyTorch, through the array interface."""

import numpy as np
import sklearn
import torch
from programs import run_programs
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, mean_squared_error, pairwise
from sklearn.preprocessing import MinMaxScaler, StandardScaler


def _data():
    x, y = make_classification(60, 6, random_state=0)
    return torch.asarray(x), torch.asarray(y)


def estimators():
    x, y = _data()
    with sklearn.config_context(array_api_dispatch=True):
        found = LinearDiscriminantAnalysis().fit(x, y)
        print(type(found.coef_).__name__, found.predict(x)[:8], found.score(x, y))
        ridge = Ridge(alpha=0.5, solver="svd").fit(x, y.double())
        print(ridge.coef_, ridge.predict(x)[:3])
        components = PCA(2, svd_solver="full").fit(x)
        print(components.explained_variance_ratio_, components.transform(x)[:2].abs())


def preparation():
    x, y = _data()
    with sklearn.config_context(array_api_dispatch=True):
        print(MinMaxScaler().fit_transform(x)[:2], StandardScaler().fit(x).mean_)
        print(accuracy_score(y, 1 - y), mean_squared_error(x[:, 0], x[:, 1]))
        print(pairwise.cosine_similarity(x[:3]), pairwise.euclidean_distances(x[:3]))
    print(np.asarray(x[:1]).round(3))


run_programs()
