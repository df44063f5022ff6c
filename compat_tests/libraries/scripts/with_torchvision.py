"""torchvision: networks, transforms and boxes."""

import torch
import torchvision
from programs import run_programs
from torchvision.transforms import v2


def vision_transformer():
    model = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3).eval()
    x = torch.randn(2, 3, 32, 32)
    print(model(x), torchvision.models.mobilenet_v3_small(num_classes=3).eval()(x))


def transforms():
    image = torch.randint(0, 256, (3, 24, 32), dtype=torch.uint8)
    chain = v2.Compose(
        [
            v2.RandomResizedCrop(16, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.3, 0.3, 0.3),
            v2.RandomRotation(20),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5] * 3, [0.25] * 3),
        ]
    )
    print(chain(image)[:, ::5, ::5])
    print(v2.functional.gaussian_blur(image, 3)[0, :3], v2.functional.equalize(image)[0, :3])
    boxes = torchvision.tv_tensors.BoundingBoxes(
        [[2, 3, 10, 12]], format="XYXY", canvas_size=(24, 32)
    )
    print(v2.Resize((12, 16))(image, boxes)[1], v2.RandomAffine(10)(boxes))


def boxes():
    a = torch.rand(4, 2)
    a = torch.cat([a, a + torch.rand(4, 2)], 1)
    print(torchvision.ops.box_iou(a, a), torchvision.ops.generalized_box_iou(a, a))
    print(torchvision.ops.sigmoid_focal_loss(torch.randn(5), torch.ones(5), reduction="mean"))
    print(torchvision.utils.make_grid(torch.rand(4, 3, 4, 4), nrow=2).shape)


run_programs()
