"""kornia: image processing with gradients."""

import kornia
import torch
from programs import run_programs


def filters():
    x = torch.rand(1, 3, 12, 12, requires_grad=True)
    print(kornia.filters.gaussian_blur2d(x, (3, 3), (1.0, 1.0))[0, 0, 0])
    print(kornia.filters.sobel(x)[0, 0, 0], kornia.filters.median_blur(x, (3, 3))[0, 0, 0])
    print(kornia.filters.canny(x)[1].sum(), kornia.color.rgb_to_hsv(x)[0, :, 0, 0])
    kornia.losses.ssim_loss(x, torch.rand(1, 3, 12, 12), 5).backward()
    print(x.grad[0, 0, 0])


def geometry():
    x = torch.rand(1, 1, 8, 8)
    print(kornia.geometry.rotate(x, torch.tensor([30.0]))[0, 0, 3])
    corners = torch.tensor([[[0.0, 0.0], [7.0, 0.0], [7.0, 7.0], [0.0, 7.0]]])
    moved = corners + torch.randn(1, 4, 2)
    matrix = kornia.geometry.get_perspective_transform(corners, moved)
    print(matrix, kornia.geometry.warp_perspective(x, matrix, (8, 8))[0, 0, 3])
    print(
        kornia.geometry.conversions.axis_angle_to_rotation_matrix(torch.tensor([[0.1, 0.2, 0.3]]))
    )


def augmentation():
    chain = kornia.augmentation.AugmentationSequential(
        kornia.augmentation.RandomHorizontalFlip(p=0.5),
        kornia.augmentation.RandomAffine(15.0, p=1.0),
        kornia.augmentation.ColorJitter(0.1, 0.1, 0.1, 0.1, p=1.0),
        data_keys=["input", "mask"],
    )
    image, mask = chain(torch.rand(2, 3, 8, 8), torch.ones(2, 1, 8, 8))
    print(image[0, 0, 3], mask[1, 0, 0])
    print(kornia.morphology.dilation(torch.rand(1, 1, 5, 5), torch.ones(3, 3))[0, 0])


run_programs()
