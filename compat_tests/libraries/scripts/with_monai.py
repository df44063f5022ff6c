"""MONAI: networks, losses and transforms for medical images."""

import numpy as np
import torch
from monai import losses, metrics, networks, transforms
from monai.inferers import sliding_window_inference
from monai.utils import set_determinism
from programs import run_programs


def segmentation():
    model = networks.nets.UNet(2, 1, 2, channels=(4, 8), strides=(2,), num_res_units=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    loss_of = losses.DiceCELoss(to_onehot_y=True, softmax=True)
    x = torch.randn(2, 1, 16, 16)
    y = (x > 0.5).long()
    for step in range(3):
        loss = loss_of(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    model.eval()
    with torch.no_grad():
        print(sliding_window_inference(torch.randn(1, 1, 24, 24), (16, 16), 2, model)[0, 0, 0, :5])


def transforms_of_images():
    set_determinism(0)
    image = np.random.RandomState(0).rand(1, 12, 12).astype("float32")
    chain = transforms.Compose(
        [
            transforms.ScaleIntensity(),
            transforms.RandRotate(0.5, prob=1.0),
            transforms.RandGaussianNoise(prob=1.0),
            transforms.Resize((8, 8)),
            transforms.ToTensor(),
        ]
    )
    found = chain(image)
    print(type(found).__name__, found.shape, found.as_tensor()[0, 3])
    print(transforms.Spacing(pixdim=(2.0, 2.0))(torch.rand(1, 6, 6)).shape)


def measures():
    one = (torch.rand(2, 2, 6, 6) > 0.5).float()
    two = (torch.rand(2, 2, 6, 6) > 0.5).float()
    print(metrics.compute_dice(one, two), metrics.compute_iou(one, two))
    print(metrics.ROCAUCMetric()(torch.rand(9), torch.tensor([0, 1] * 4 + [1])))
    print(losses.FocalLoss()(torch.randn(2, 1, 4, 4), torch.ones(2, 1, 4, 4)))
    print(networks.one_hot(torch.tensor([[1], [0]]), 3))


run_programs()
