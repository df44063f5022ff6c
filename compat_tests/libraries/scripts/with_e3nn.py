"""e3nn: layers that turn with their inputs."""

import torch
from e3nn import o3
from e3nn.nn import Gate
from programs import run_programs


def representations():
    irreps = o3.Irreps("2x0e + 1x1o + 1x2e")
    rotation = o3.rand_matrix()
    print(irreps, irreps.dim, irreps.D_from_matrix(rotation).shape)
    print(o3.wigner_3j(1, 1, 2)[0], o3.spherical_harmonics([0, 1, 2], torch.randn(3, 3), True))


def tensor_product():
    product = o3.FullyConnectedTensorProduct("2x0e+1x1o", "1x0e+1x1o", "2x0e+2x1o")
    x, y = torch.randn(4, 5), torch.randn(4, 4)
    rotation = o3.rand_matrix()
    into, other, out = (
        i.D_from_matrix(rotation)
        for i in (product.irreps_in1, product.irreps_in2, product.irreps_out)
    )
    turned = product(x @ into.T, y @ other.T)
    print(product(x, y)[0], torch.allclose(turned, product(x, y) @ out.T, atol=1e-4))
    linear = o3.Linear("2x0e+2x1o", "3x0e+1x1o")
    linear(product(x, y)).square().sum().backward()
    print(product.weight.grad[:4])


def gate():
    layer = Gate("2x0e", [torch.tanh], "1x0e", [torch.sigmoid], "1x1o")
    print(layer, layer(torch.randn(2, layer.irreps_in.dim)))


run_programs()
