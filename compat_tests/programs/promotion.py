"""Which dtype comes out when dtypes meet."""

import itertools

import torch

DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int32, torch.int64]
DTYPES += [torch.bfloat16, torch.float32, torch.float64, torch.complex64]

for left, right in itertools.combinations_with_replacement(DTYPES, 2):
    a, b = torch.ones(2, dtype=left), torch.ones(2, dtype=right)
    zero_dimensional = torch.ones((), dtype=right)
    print(
        left, right, (a * b).dtype, (a * zero_dimensional).dtype, torch.promote_types(left, right)
    )

for dtype in DTYPES:
    ones = torch.ones(2, dtype=dtype)
    found = [(ones * number).dtype for number in (True, 2, 2.5, 1j)]
    print(dtype, *found, (ones / 2).dtype if dtype != torch.bool else (ones / 1).dtype)
    print(dtype, ones.sum().dtype, ones.cumsum(0).dtype, (ones == 1).dtype, ones.prod().dtype)

print(torch.tensor([7, -7]) / 2, torch.tensor([7, -7]) // 2, torch.tensor([7, -7]) % 3)
print(
    torch.tensor([7.5, -7.5]) // 2, torch.tensor([7.5, -7.5]) % 2, torch.fmod(torch.tensor(-7), 3)
)
print(torch.tensor([200], dtype=torch.uint8) + 100, torch.tensor([100], dtype=torch.int8) + 100)
print(torch.tensor([2**31 - 1], dtype=torch.int32) + 1, 2 ** torch.tensor([3, 62]))
print(torch.tensor([1.9, -1.9]).int(), torch.tensor([0.0, 0.5]).bool(), torch.tensor(3.7).long())
print(
    torch.tensor([1, 2]).true_divide(2),
    torch.tensor([5]).float().dtype,
    torch.sqrt(torch.tensor(4)),
)
print(torch.result_type(torch.tensor([1]), 1.5), torch.can_cast(torch.float32, torch.int32))
print(torch.tensor([1, 0]) & torch.tensor([1, 1]), ~torch.tensor([0, 5]), torch.tensor([1]) << 3)
print(torch.tensor([True, False]) | True, torch.tensor([True]) ^ torch.tensor([True]))
torch.set_default_dtype(torch.float64)
print(torch.tensor(1.5).dtype, (torch.tensor([1]) / 2).dtype, torch.ones(1).dtype)
torch.set_default_dtype(torch.float32)
