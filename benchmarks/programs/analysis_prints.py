"""Look at a table of measurements once: a hundred different numbers, each printed."""

import torch

torch.manual_seed(0)
torch.set_printoptions(precision=3, sci_mode=False)

rooms = torch.randint(1, 7, (400,)).float()
area = 15 * rooms + 12 * torch.rand(400)
age = 60 * torch.rand(400)
distance = 10 * torch.rand(400) ** 2
noise = torch.randn(400)
price = 40 + 2.5 * area - 0.6 * age - 6 * distance + 8 * noise
table = torch.stack([rooms, area, age, distance, price], 1)
names = ["rooms", "area", "age", "distance", "price"]

print("table", tuple(table.shape), table.dtype)
print(table[:5])
for index, name in enumerate(names):
    column = table[:, index]
    print(name, "mean", f"{column.mean().item():.3f}", "deviation", f"{column.std().item():.3f}")
    print(name, "range", f"{column.min().item():.3f}", f"{column.max().item():.3f}")
    print(name, "median", f"{column.median().item():.3f}")
    print(name, "quartiles", column.quantile(torch.tensor([0.25, 0.75])))
    print(name, "largest", column.topk(index + 2).values)
    print(name, "above its mean", (column > column.mean()).sum().item())
    print(name, "first differences", column.diff()[: index + 3])
    centred = column - column.mean()
    skewness = (centred**3).mean() / centred.pow(2).mean() ** 1.5
    print(name, "skewness", f"{skewness.item():.2f}")

print(torch.corrcoef(table.T))
print(torch.cov(table.T).diagonal())
for number in range(1, 7):
    chosen = price[rooms == number]
    print(number, "rooms", len(chosen), "flats, mean price", f"{chosen.mean().item():.3f}")
    print(number, "rooms, spread", f"{(chosen.max() - chosen.min()).item():.3f}")

bins = torch.bucketize(age, torch.tensor([10.0, 20.0, 30.0, 40.0, 50.0]))
for index in range(6):
    inside = table[bins == index]
    print("decade", index, inside.mean(0))
    print("decade", index, "farthest", f"{inside[:, 3].amax().item():.3f}")
print("flats of each decade", torch.bincount(bins))
print("prices in 8 bins", torch.histc(price, 8, 0.0, 400.0))

design = torch.cat([torch.ones(400, 1), table[:, :4]], 1)
for columns in range(2, 6):
    part = design[:, :columns]
    solution = torch.linalg.lstsq(part, price[:, None]).solution[:, 0]
    rest = price - part @ solution
    print("fit with", columns - 1, "columns", solution)
    print("unexplained", f"{(rest.var() / price.var()).item():.4f}")

standard = (table - table.mean(0)) / table.std(0)
_, values, directions = torch.linalg.svd(standard, full_matrices=False)
print("explained", values.square() / values.square().sum())
print("first direction", directions[0].abs())
order = price.argsort()
for share in (1, 2, 5, 10, 20):
    count = 400 * share // 100
    print("cheapest", count, table[order[:count]].mean(0))
    print("dearest", count, table[order[-count:]].mean(0))
for window in (3, 7, 15, 31):
    smooth = price[order].unfold(0, window, window).mean(1)
    print("windows of", window, "give", len(smooth), smooth[:3])
for power in (0.5, 1.5, 2.5):
    print("mean of distance to the power", power, f"{distance.pow(power).mean().item():.3f}")
for shift in (1, 2, 3, 5, 8):
    print("with itself", shift, "later", f"{(noise[shift:] * noise[:-shift]).mean().item():.3f}")
far = distance > 5
print("far and old", (far & (age > 30)).sum().item(), "far or old", (far | (age > 30)).sum().item())
print("where", far.nonzero()[:4, 0])
print("distances of", torch.cdist(standard[:3], standard[:3]))
print("sum of the digits", table.long().remainder(10).sum(0))
