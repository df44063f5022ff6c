"""timm: networks for images."""

import tempfile

import timm
import torch
from programs import run_programs
from timm.data import Mixup
from timm.loss import LabelSmoothingCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler


def _train(model, size, steps=2):
    optimizer = create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.05)
    schedule = CosineLRScheduler(optimizer, t_initial=4, warmup_t=1, warmup_lr_init=1e-4)
    x, y = torch.randn(2, 3, size, size), torch.randint(0, 4, (2,))
    x = x.to(next(model.parameters()).dtype)
    for step in range(steps):
        loss = LabelSmoothingCrossEntropy()(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step(step + 1)
        print(step, round(loss.item(), 4), optimizer.param_groups[0]["lr"])
    model.eval()
    with torch.no_grad():
        print(model(x))


def vision_transformer():
    model = timm.create_model(
        "vit_tiny_patch16_224",
        img_size=32,
        patch_size=8,
        embed_dim=32,
        depth=2,
        num_heads=2,
        num_classes=4,
    )
    _train(model, 32)


def convolutional():
    # The last layers normalise two pixels, and Adam's first step has the same length for a gradient
    # that is rounding alone: in float32 PyTorch itself is 5e-4 away from its float64.
    model = timm.create_model("resnet10t", num_classes=4)
    _train(model.double(), 32)
    features = timm.create_model("resnet10t", features_only=True, out_indices=(1, 2))
    print([f.shape for f in features(torch.randn(1, 3, 32, 32))])


def save_and_mix():
    model = timm.create_model("efficientnet_lite0", num_classes=3).eval()
    other = timm.create_model("efficientnet_lite0", num_classes=3).eval()
    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        torch.save(model.state_dict(), file.name)
        timm.models.load_checkpoint(other, file.name)
    x = torch.randn(1, 3, 32, 32)
    print(other(x), torch.equal(model(x), other(x)))
    mixed, targets = Mixup(mixup_alpha=0.8, num_classes=3)(
        torch.randn(4, 3, 8, 8), torch.tensor([0, 1, 2, 1])
    )
    print(mixed[0, 0, 0], targets)


run_programs()
