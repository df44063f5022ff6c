"""accelerate: one loop for every device."""

import tempfile

import torch
from accelerate import Accelerator, init_empty_weights
from accelerate.utils import find_executable_batch_size, set_seed
from programs import run_programs
from torch.utils.data import DataLoader, TensorDataset


def loop():
    set_seed(3)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    x = torch.randn(32, 4)
    batches = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8, shuffle=True)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9)
    model, optimizer, batches, schedule = accelerator.prepare(model, optimizer, batches, schedule)
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(2):
            for a, b in batches:
                with accelerator.accumulate(model):
                    loss = torch.nn.functional.mse_loss(model(a), b)
                    accelerator.backward(loss)
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    schedule.step()
                    optimizer.zero_grad()
            print(epoch, round(loss.item(), 4), schedule.get_last_lr())
            if epoch == 0:
                accelerator.save_state(folder)
                kept = model.weight.clone()
        accelerator.load_state(folder)
        print(torch.equal(model.weight, kept), accelerator.gather(loss).shape, accelerator.device)


def empty_weights():
    with init_empty_weights():
        model = torch.nn.Sequential(torch.nn.Linear(1000, 1000), torch.nn.Linear(1000, 10))
    print(model[0].weight.device, model[1].weight.shape)
    tried = []

    @find_executable_batch_size(starting_batch_size=8)
    def attempt(batch_size):
        tried.append(batch_size)
        if batch_size > 2:
            raise RuntimeError("CUDA out of memory.")
        return batch_size

    print(attempt(), tried)


run_programs()
