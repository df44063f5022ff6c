"""Datasets and loaders, with the order that a seed gives."""

import torch
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    RandomSampler,
    Subset,
    TensorDataset,
    random_split,
)


class Squares(Dataset):
    """Numbers and their squares."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        return {"number": index, "square": torch.tensor(float(index**2)), "name": f"n{index}"}


torch.manual_seed(0)
print(*[batch["number"].tolist() for batch in DataLoader(Squares(), batch_size=4, shuffle=True)])
print(next(iter(DataLoader(Squares(), batch_size=3))))
print(len(DataLoader(Squares(), batch_size=4)), len(DataLoader(Squares(), 4, drop_last=True)))

pairs = TensorDataset(torch.arange(6.0).view(3, 2), torch.tensor([0, 1, 0]))
print(pairs[1], len(pairs))
for features, labels in DataLoader(pairs, batch_size=2):
    print(features, labels)
generator = torch.Generator().manual_seed(3)
train, test = random_split(Squares(), [7, 3], generator=generator)
print(train.indices, test.indices, len(train), train[0]["number"])
print([len(part) for part in random_split(Squares(), [0.5, 0.3, 0.2])])
print(list(RandomSampler(range(5), generator=torch.Generator().manual_seed(1))))
print(len(ConcatDataset([pairs, pairs])), Subset(pairs, [2, 0])[0])
print(list(DataLoader(range(5), batch_size=2, collate_fn=tuple)))
for epoch in range(2):
    torch.manual_seed(epoch)
    print(epoch, [b.tolist() for b in DataLoader(torch.arange(5), batch_size=2, shuffle=True)])
