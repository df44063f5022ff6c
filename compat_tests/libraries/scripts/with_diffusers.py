"""diffusers: networks and schedules of diffusion."""

import tempfile

import diffusers
import torch
from programs import run_programs


def _unet():
    return diffusers.UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, norm_num_groups=4,
        block_out_channels=(8, 16), down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"), attention_head_dim=4,
    )  # fmt: skip


def training():
    model, schedule = _unet(), diffusers.DDPMScheduler(num_train_timesteps=100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x = torch.randn(2, 1, 8, 8)
    for step in range(2):
        noise, times = torch.randn_like(x), torch.randint(0, 100, (2,))
        loss = (model(schedule.add_noise(x, noise, times), times).sample - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        again = diffusers.UNet2DModel.from_pretrained(folder)
    model.eval()
    print(torch.equal(again(x, 3).sample, model(x, 3).sample))


def schedules():
    model = _unet().eval()
    for kind in (
        diffusers.DDIMScheduler,
        diffusers.EulerDiscreteScheduler,
        diffusers.DPMSolverMultistepScheduler,
        diffusers.UniPCMultistepScheduler,
    ):
        schedule = kind(num_train_timesteps=100)
        schedule.set_timesteps(3)
        x = (
            torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
            * schedule.init_noise_sigma
        )
        for time in schedule.timesteps:
            with torch.no_grad():
                predicted = model(schedule.scale_model_input(x, time), time).sample
            x = schedule.step(predicted, time, x).prev_sample
        print(kind.__name__, schedule.timesteps, x[0, 0, 0])


def pipeline():
    pipe = diffusers.DDPMPipeline(_unet(), diffusers.DDPMScheduler(num_train_timesteps=10))
    pipe.set_progress_bar_config(disable=True)
    images = pipe(
        num_inference_steps=2, generator=torch.Generator().manual_seed(0), output_type="np"
    )
    print(images.images.shape, images.images[0, 0, :3, 0].round(3))
    autoencoder = diffusers.AutoencoderKL(
        in_channels=1, out_channels=1, latent_channels=2, block_out_channels=(8,), norm_num_groups=4
    )
    print(autoencoder(torch.randn(1, 1, 8, 8)).sample[0, 0, 0])


run_programs()
