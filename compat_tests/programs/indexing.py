"""Reading and writing by index: numbers, slices, lists, masks, and their mixtures."""

import torch

cube = torch.arange(24).view(2, 3, 4)
print(cube[1], cube[1, 2], cube[1, 2, 3])
print(cube[..., 0], cube[:, None, 0].shape, cube[None].shape)
print(cube[-1, ::2, 1:3])
print(cube[[0, 1], [2, 0]])
print(cube[:, [2, 0, 0]].shape, cube[[1], :, [3, 2]].shape)
print(cube[cube > 20], cube[cube[..., 0] > 4].shape)
print(cube[torch.tensor([[0, 1], [1, 0]])].shape)
print(cube[True].shape, cube[False].shape, cube[torch.tensor(1)].shape)

board = torch.zeros(3, 3)
board[1] = torch.tensor([1.0, 2.0, 3.0])
board[:, 2] = 7
board[0, 0] = torch.tensor(5)
board[board == 0] = -1
board[[0, 2], [1, 1]] += 10
board[[2, 2], [0, 0]] += 1
print(board)
board[torch.tensor([True, False, True])] = torch.tensor([[1.0], [2.0]])
print(board)
board.diagonal().fill_(0)
print(board, board.diagonal())

print(board.index_select(1, torch.tensor([2, 0])))
print(torch.gather(board, 1, torch.tensor([[0, 1], [2, 2], [1, 0]])))
print(torch.zeros(2, 4).scatter_(1, torch.tensor([[1, 3], [0, 0]]), 1.5))
print(torch.zeros(3).index_add_(0, torch.tensor([0, 2, 0]), torch.tensor([1.0, 2.0, 3.0])))
print(torch.zeros(2, 2).masked_fill(torch.eye(2) > 0, 9.0))
print(torch.arange(5).masked_select(torch.tensor([True, False, True, False, True])))
print(torch.where(board > 1, board, 0))
print(torch.nonzero(torch.tensor([[0, 1], [2, 0]])), torch.tensor([0, 3]).nonzero(as_tuple=True))
print(torch.take(board, torch.tensor([0, 4, -1])))
print(torch.arange(10)[2:8:3], torch.arange(3)[5:].shape)


def attempt(mistake):
    """Print what a mistake raises, or returns."""
    try:
        print(mistake())
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


attempt(lambda: cube[2])
attempt(lambda: cube[0, 0, 0, 0])
attempt(lambda: cube[::-1])
attempt(lambda: cube[[0, 5]])
attempt(lambda: cube[1.0])
attempt(lambda: cube[torch.tensor([True, False, True])])
attempt(lambda: cube[[0, 1], [0, 1, 2]])
attempt(lambda: torch.tensor(1)[0])
attempt(lambda: board.__setitem__(0, torch.ones(2)))

for row in torch.arange(4).view(2, 2):
    print(row, len(row), row.tolist())
print(3 in torch.arange(4), 9 in torch.arange(4))
