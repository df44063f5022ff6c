"""segmentation-models-pytorch: encoders with decoders."""

import segmentation_models_pytorch as segmentation
import torch
from programs import run_programs


def training():
    model = segmentation.Unet(
        "resnet18", encoder_weights=None, encoder_depth=3, decoder_channels=(16, 8, 4), classes=1
    )
    loss_of = segmentation.losses.DiceLoss("binary")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x = torch.randn(2, 3, 32, 32)
    y = (x[:, :1] > 0).float()
    for step in range(2):
        loss = loss_of(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    model.eval()
    print(model(x)[0, 0, 0, :5])


def decoders():
    x = torch.randn(1, 3, 32, 32)
    for make in (segmentation.FPN, segmentation.Linknet, segmentation.PSPNet):
        model = make("resnet18", encoder_weights=None, classes=2).eval()
        print(make.__name__, model(x)[0, :, 3, 3])


def measures():
    found, target = torch.rand(2, 1, 8, 8), torch.randint(0, 2, (2, 1, 8, 8))
    counts = segmentation.metrics.get_stats(found, target, mode="binary", threshold=0.5)
    print(counts, segmentation.metrics.iou_score(*counts, reduction="micro"))
    for kind in (
        segmentation.losses.JaccardLoss,
        segmentation.losses.FocalLoss,
        segmentation.losses.LovaszLoss,
    ):
        print(kind.__name__, kind("binary")(torch.randn(2, 1, 8, 8), target.float()))


run_programs()
