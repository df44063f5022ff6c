"""Ultralytics: detectors made from their descriptions."""

import torch
from programs import run_programs
from ultralytics.nn.tasks import ClassificationModel, DetectionModel
from ultralytics.utils import ops
from ultralytics.utils.metrics import bbox_iou


def classification():
    model = ClassificationModel("yolov8n-cls.yaml", ch=3, nc=4, verbose=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x, y = torch.randn(4, 3, 64, 64), torch.randint(0, 4, (4,))
    for step in range(2):
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 3))
    print(sum(p.numel() for p in model.parameters()), len(model.state_dict()))


def detection():
    model = DetectionModel("yolov8n.yaml", ch=3, nc=2, verbose=False).eval()
    found = model(torch.rand(1, 3, 64, 64))[0]
    print(found.shape, found[0, :, 0])


def boxes():
    a = torch.rand(5, 4) * 10
    print(ops.xywh2xyxy(a), ops.xyxy2xywh(a)[0])
    print(bbox_iou(a[:1], a, xywh=True, CIoU=True), ops.clip_boxes(a.clone(), (5, 5))[0])


run_programs()
