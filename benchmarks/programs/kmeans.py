"""Group points around k means by boolean masks, for every k, until nothing changes."""

import torch

torch.manual_seed(0)

true = 8 * torch.rand(6, 2)
points = true[torch.randint(0, 6, (3000,))] + 0.5 * torch.randn(3000, 2)
for k in range(2, 12):
    means = points[:: 3000 // k][:k].clone()
    for turn in range(60):
        nearest = torch.cdist(points, means).argmin(1)
        moved = means.clone()
        for group in range(k):
            members = points[nearest == group]
            if len(members):
                moved[group] = members.mean(0)
        change = (moved - means).norm()
        means = moved
        if turn == 0:
            first = change.item()
        if change < 1e-3:
            break
    spread = (points - means[nearest]).square().sum(1).mean()
    sizes = torch.bincount(nearest, minlength=k).sort().values
    print(f"k = {k}: first change {first:.3f}, spread {spread.item():.3f}")
    print(f"roughly turns {turn + 1}, smallest {sizes[0].item()}, largest {sizes[-1].item()}")
