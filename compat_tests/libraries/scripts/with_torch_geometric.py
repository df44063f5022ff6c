"""PyTorch Geometric: networks on graphs."""

import torch
import torch_geometric
from programs import run_programs
from torch_geometric import nn
from torch_geometric.data import Batch, Data, HeteroData
from torch_geometric.loader import DataLoader


def _graph(nodes=8):
    edges = torch.randint(0, nodes, (2, 20))
    return Data(x=torch.randn(nodes, 4), edge_index=edges, y=torch.randint(0, 3, (nodes,)))


def convolutions():
    graph = _graph()
    for layer in (
        nn.GCNConv(4, 3),
        nn.GATConv(4, 3, heads=2, concat=False),
        nn.SAGEConv(4, 3),
        nn.GINConv(torch.nn.Linear(4, 3)),
        nn.TransformerConv(4, 3),
        nn.ChebConv(4, 3, K=2),
    ):
        print(layer, layer(graph.x, graph.edge_index)[0])


def training():
    graph = _graph()
    model = nn.models.GCN(4, 8, num_layers=2, out_channels=3, dropout=0.2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for step in range(4):
        loss = torch.nn.functional.cross_entropy(model(graph.x, graph.edge_index), graph.y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))


def batches():
    graphs = [_graph(n) for n in (3, 5, 4)]
    batch = next(iter(DataLoader(graphs, batch_size=3)))
    print(batch, batch.batch, nn.global_mean_pool(batch.x, batch.batch))
    print(nn.global_max_pool(batch.x, batch.batch), Batch.to_data_list(batch)[1])
    print(
        torch_geometric.utils.to_dense_adj(graphs[0].edge_index),
        torch_geometric.utils.degree(batch.batch),
    )
    mixed = HeteroData()
    mixed["a"].x, mixed["b"].x = torch.randn(3, 4), torch.randn(2, 4)
    mixed["a", "to", "b"].edge_index = torch.tensor([[0, 1, 2], [0, 1, 1]])
    layer = nn.HeteroConv({("a", "to", "b"): nn.SAGEConv((4, 4), 2)})
    print(mixed, layer(mixed.x_dict, mixed.edge_index_dict))


run_programs()
