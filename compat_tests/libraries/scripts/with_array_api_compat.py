"""array-api-compat: one interface for arrays of every library."""

import array_api_compat
import torch
from array_api_compat import torch as xp
from programs import run_programs


def functions():
    x = xp.reshape(xp.arange(12, dtype=xp.float64), (3, 4))
    print(array_api_compat.array_namespace(x).__name__, array_api_compat.is_torch_array(x))
    print(
        xp.sum(x, axis=(0, 1)), xp.mean(x, axis=1, keepdims=True), xp.std(x, axis=0, correction=1)
    )
    print(
        xp.concat([x, x], axis=1).shape, xp.permute_dims(x, (1, 0)).shape, xp.matrix_transpose(x)[0]
    )
    print(
        xp.astype(x, xp.int32)[0],
        xp.isdtype(x.dtype, "real floating"),
    )
    print(xp.take(x, xp.asarray([2, 0]), axis=1), xp.roll(x, 1, axis=0)[0], xp.clip(x, 2, 5)[0])
    print(xp.add(xp.asarray(1), xp.asarray(2.5)), xp.result_type(xp.int32, xp.float32))
    print(array_api_compat.device(x), array_api_compat.size(x), xp.cumulative_sum(x, axis=1)[0])


def linear_algebra():
    a = xp.asarray(torch.randn(3, 3, dtype=torch.float64))
    symmetric = a @ a.T + xp.eye(3, dtype=xp.float64)
    print(
        xp.linalg.cholesky(symmetric),
        xp.linalg.inv(symmetric),
        xp.linalg.eigh(symmetric).eigenvalues,
    )
    print(
        xp.linalg.vector_norm(a, axis=1), xp.linalg.matrix_norm(a), xp.linalg.solve(symmetric, a)[0]
    )
    print(xp.linalg.svdvals(a), xp.linalg.cross(a[0], a[1]), xp.linalg.matrix_rank(a))
    print(xp.fft.fft(a[0]), xp.fft.rfftfreq(5))


run_programs()
