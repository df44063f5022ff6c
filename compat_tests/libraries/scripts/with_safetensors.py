"""safetensors: files of tensors alone."""

import tempfile

import torch
from programs import run_programs
from safetensors import safe_open
from safetensors.torch import load, load_file, load_model, save, save_file, save_model


def files():
    tensors = {
        str(kind): torch.arange(6).reshape(2, 3).to(kind)
        for kind in (
            torch.float32,
            torch.float16,
            torch.bfloat16,
            torch.int64,
            torch.uint8,
            torch.bool,
        )
    }
    with tempfile.TemporaryDirectory() as folder:
        save_file(tensors, f"{folder}/all.safetensors", metadata={"format": "pt"})
        print(load_file(f"{folder}/all.safetensors"))
        with safe_open(f"{folder}/all.safetensors", framework="pt") as file:
            print(file.metadata(), sorted(file.keys()), file.get_slice("torch.int64")[:, 1:])
    data = save(tensors)
    print(len(data), hash(data) == hash(save(load(data))))


def models():
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3)
    )
    model[2].weight = torch.nn.Parameter(model[0].weight.detach().T.contiguous())
    other = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3)
    )
    with tempfile.TemporaryDirectory() as folder:
        save_model(model, f"{folder}/model.safetensors")
        print(load_model(other, f"{folder}/model.safetensors"))
    x = torch.randn(2, 3)
    print(other(x), torch.equal(model(x), other(x)))


run_programs()
