"""pytorch-metric-learning: losses over pairs and triplets."""

import torch
from programs import run_programs
from pytorch_metric_learning import distances, losses, miners, reducers, regularizers


def _embeddings():
    return torch.randn(12, 6, requires_grad=True), torch.arange(12) % 3


def many_losses():
    for make in (
        losses.TripletMarginLoss,
        losses.ContrastiveLoss,
        losses.NTXentLoss,
        losses.MultiSimilarityLoss,
        losses.CircleLoss,
        losses.SupConLoss,
        lambda: losses.ArcFaceLoss(3, 6),
        lambda: losses.ProxyNCALoss(3, 6),
    ):
        x, y = _embeddings()
        loss = make()(x, y)
        loss.backward()
        print(round(loss.item(), 4), x.grad[0])


def mining():
    x, y = _embeddings()
    found = miners.TripletMarginMiner(margin=0.3, type_of_triplets="semihard")(x, y)
    print([index.shape for index in found], miners.BatchHardMiner()(x, y))
    loss_of = losses.TripletMarginLoss(
        distance=distances.CosineSimilarity(),
        reducer=reducers.ThresholdReducer(low=0),
        embedding_regularizer=regularizers.LpRegularizer(),
    )
    print(loss_of(x, y, found))
    print(miners.MultiSimilarityMiner()(x, y))


run_programs()
