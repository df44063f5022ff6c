"""``torch.autograd.functional``: results, and what its modes refuse."""

import torch
from torch.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp

x = torch.arange(6.0).reshape(2, 3)
a, b = x[0], x[1]


def show(*cases):
    for case in cases:
        try:
            print(case())
        except Exception as error:
            print(f"{type(error).__name__}: {error}")


def cubes(v):
    return (v**3).sum()


def squares(v):
    return (v**2).sum()


def constant(v):
    return torch.ones(2)


show(
    lambda: vjp(lambda v: v * 2, x, x),
    lambda: vjp(lambda v: v * 2, x),
    lambda: vjp(lambda v: (v * 2, v), x, (x,)),
    lambda: vjp(lambda v: (v * 2, 1), x, x),
    lambda: vjp(constant, x, torch.ones(2)),
    lambda: vjp(constant, x, torch.ones(2), strict=True),
    lambda: vjp(lambda v: v * 2, x, x, strict=True, create_graph=True),
    lambda: vjp(lambda v, w: v * 2, (x, x), x, strict=True),
    lambda: vjp(lambda v: v.detach(), x, x, strict=True),
)
show(
    lambda: jvp(lambda v: v * 2, x, x),
    lambda: jvp(lambda v: v * 2, x),
    lambda: jvp(constant, x, x),
    lambda: jvp(constant, x, x, strict=True),
    lambda: jvp(lambda v: (v * 2, v.detach()), x, x, strict=True),
    lambda: jvp(lambda v, w: (v * 2, w * 3), (x, x), (x, x), strict=True),
    lambda: jvp(lambda v, w: (v * v,), (x, x), (x, x), strict=True),
    lambda: jvp(lambda v, w: v * 2, (x, x), (x,)),
)
show(
    lambda: jacobian(lambda v: v * 2, a),
    lambda: jacobian(lambda v: v * 2, a, vectorize=True),
    lambda: jacobian(lambda v: v * 2, a, vectorize=True, strategy="forward-mode"),
    lambda: jacobian(lambda v: v * 2, a, strategy="forward-mode"),
    lambda: jacobian(lambda v: v * 2, a, strategy="other"),
    lambda: jacobian(lambda v: v * 2, a, vectorize=True, strict=True),
    lambda: jacobian(lambda v: v, a, True, vectorize=True, strategy="forward-mode"),
    lambda: jacobian(lambda v: v, a, strict=True, vectorize=True, strategy="forward-mode"),
    lambda: jacobian(lambda v: v * 2, a, strict=True, create_graph=True),
    lambda: jacobian(constant, a),
    lambda: jacobian(constant, a, strict=True),
    lambda: jacobian(lambda v: v[:0], a),
    lambda: jacobian(lambda v, w: (v * 2, v.sum() * w), (a, b)),
)
show(
    lambda: hessian(cubes, a),
    lambda: hessian(cubes, a, vectorize=True),
    lambda: hessian(cubes, a, outer_jacobian_strategy="forward-mode"),
    lambda: hessian(cubes, a, outer_jacobian_strategy="other"),
    lambda: hessian(lambda v: v.sum(), a),
    lambda: hessian(lambda v: v.sum(), a, strict=True),
    lambda: hessian(lambda v, w: (v * v).sum(), (a, b), strict=True),
    lambda: hessian(squares, a, strict=True, create_graph=True),
    lambda: hessian(lambda v: v, a),
    lambda: hessian(lambda v: (v.sum(), v), a),
    lambda: hessian(lambda v: 1, a),
)
for product in (hvp, vhp):
    show(
        lambda: product(cubes, a, b),  # noqa: B023
        lambda: product(cubes, a),  # noqa: B023
        lambda: product(cubes, a, x),  # noqa: B023
        lambda: product(cubes, a, b, strict=True),  # noqa: B023
        lambda: product(lambda v: v.sum(), a, b),  # noqa: B023
        lambda: product(lambda v: v.sum(), a, b, strict=True),  # noqa: B023
        lambda: product(lambda v: v, a, b),  # noqa: B023
        lambda: product(lambda v: (v.sum(),), a, b),  # noqa: B023
        lambda: product(lambda v, w: (v * w).sum(), (a, b), (a, a)),  # noqa: B023
        lambda: product(lambda v, w: (v * v).sum(), (a, b), (a, a), strict=True),  # noqa: B023
    )
