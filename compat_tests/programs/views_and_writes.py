"""Views share their storage: a write through one is seen by all."""

import torch

base = torch.arange(12.0)
matrix = base.view(3, 4)
column = matrix[:, 1]
turned = matrix.t()
copied = matrix.t().contiguous()
column += 100
turned[0] = -1
base[11:].zero_()
print(base)
print(matrix)
print(copied)
print(column.stride(), column.storage_offset(), turned.stride(), copied.stride())
print(column.is_contiguous(), turned.is_contiguous(), turned.contiguous().is_contiguous())
print(matrix.data_ptr() == base.data_ptr(), matrix[1:].data_ptr() - base.data_ptr())
print(base._version, matrix._version, copied._version)
print(matrix._base is base, base._base, column._base is base, copied._is_view())

window = torch.arange(8).as_strided((3, 4), (2, 1))
print(window)
print(torch.arange(8).unfold(0, 4, 2))
wide = torch.zeros(3, 1).expand(3, 4)
print(wide.stride(), wide.is_contiguous())
try:
    wide.add_(1)
except RuntimeError as error:
    print(error)
try:
    matrix.t().view(12)
except RuntimeError as error:
    print(error)
print(matrix.t().reshape(12)[:4])

first, second = torch.arange(6).chunk(2)
first.mul_(10)
second.copy_(first)
print(first, second, first._base)
left, right = torch.zeros(2, 2).unbind(1)
left.fill_(5)
print(left._base)

swap = torch.tensor([1, 2, 3])
swap[0], swap[2] = swap[2], swap[0]
print(swap)
swap[:] = swap.flip(0)
print(swap)
overlapping = torch.arange(6)
overlapping[1:] = overlapping[:-1].clone()
print(overlapping)

leaf = torch.ones(3)
alias = leaf
alias += 1
leaf = leaf + 1
print(leaf, alias)
detached = torch.ones(2, requires_grad=True)
detached.detach().mul_(3)
print(detached)
resized = torch.arange(4).resize_(2, 2)
print(resized, resized.squeeze().unsqueeze(1).shape)
print(torch.arange(24).view(2, 3, 4).permute(2, 0, 1).stride())
print(torch.arange(24).view(2, 3, 4).transpose(0, 2).flatten(1).shape)
