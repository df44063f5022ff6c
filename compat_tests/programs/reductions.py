"""Sums, extrema, sorting, counting; what comes back when a dimension goes."""

import torch

table = torch.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]])
print(table.sum(), table.sum(0), table.sum(1, keepdim=True), table.sum((0, 1)))
print(table.mean(1), table.var(0), table.std(unbiased=False), table.prod(1), table.norm())
print(table.max(), table.min(1), table.max(0, keepdim=True), table.argmax(), table.argmin(1))
print(torch.maximum(table[0], table[1]), torch.aminmax(table))
print(table.sort(1), table.argsort(descending=True), table.topk(2), table.kthvalue(2))
print(table.median(), table.median(1), torch.tensor([1.0, 2.0, 2.0]).mode())
print(table.cumsum(1), table.cumprod(0), table.cummax(1), table.logcumsumexp(1).shape)
print(table.any(), (table > 3).all(1), (table > 3).sum(), table.count_nonzero())
print(torch.unique(torch.tensor([3, 1, 3, 2]), return_counts=True))
print(torch.tensor([1, 1, 2]).unique_consecutive(), torch.bincount(torch.tensor([0, 2, 2])))
print(torch.histc(torch.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3))
print(torch.logsumexp(table, 1), table.softmax(1), table.log_softmax(1).exp().sum())
print(torch.quantile(table, 0.5), torch.quantile(table, torch.tensor([0.25, 0.75]), dim=1))
print(torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([0, 3, 6])))
print(torch.tensor([1.0, float("nan")]).sum(), torch.tensor([1.0, float("nan")]).nansum())
print(torch.tensor([1.0, float("nan")]).max(), torch.tensor([2.0, 2.0]).argmax())
print(torch.empty(0).sum(), torch.empty(0).prod(), torch.empty(0).mean())
print(torch.empty(0, 3).sum(0), torch.cat([torch.ones(1, 2), torch.zeros(2, 2)]))
print(torch.var_mean(table, 1), torch.dist(table[0], table[1]), torch.cdist(table, table))
print(torch.diff(torch.tensor([1, 4, 9])), torch.tensor([1, 2, 3]).cumsum(0).flip(0))
print(torch.allclose(table, table + 1e-9), torch.equal(table, table.clone()), table.eq(3).nonzero())
maximum = table.max(1)
print(type(maximum).__name__, maximum.values, maximum.indices, maximum[0] is maximum.values)
values, indices = table.sort(0, descending=True)
print(values, indices)
print(torch.einsum("ij,kj->ik", table, table), torch.tensordot(table, table, dims=([1], [1])))
print(torch.outer(table[0], table[1]), torch.dot(table[0], table[1]), table @ table.T)
print(
    torch.linalg.norm(table, ord=1),
    torch.trace(table),
    torch.tril(table),
    torch.cross(*table, dim=0),
)
print(torch.linalg.solve(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), torch.tensor([1.0, 2.0])))
print(torch.linalg.det(torch.eye(3) * 2), torch.linalg.matrix_rank(table))
