"""torchaudio: transforms of sound."""

import torch
from programs import run_programs
from torchaudio import functional, transforms


def spectra():
    wave = torch.sin(torch.linspace(0, 200, 1600))[None] + 0.1 * torch.randn(1, 1600)
    print(transforms.MelSpectrogram(8000, n_fft=128, n_mels=8)(wave)[0, :, 3])
    print(transforms.MFCC(8000, n_mfcc=5, melkwargs={"n_fft": 128, "n_mels": 16})(wave)[0, :, 2])
    print(transforms.AmplitudeToDB()(transforms.Spectrogram(n_fft=64)(wave))[0, :4, 5])
    whole = transforms.Spectrogram(n_fft=64, power=None)(wave)
    print((transforms.InverseSpectrogram(n_fft=64)(whole, 1600) - wave).abs().max() < 1e-5)
    print(transforms.GriffinLim(64, n_iter=2, rand_init=False)(whole.abs().square())[0, 100:104])


def filters():
    wave = torch.randn(1, 800, requires_grad=True)
    changed = functional.resample(wave, 8000, 6000)
    print(changed.shape, changed[0, :4], transforms.Resample(8000, 16000)(wave)[0, :4])
    changed.sum().backward()
    print(wave.grad[0, :4], functional.mu_law_encoding(wave.tanh(), 256)[0, :5])
    print(functional.fftconvolve(wave, torch.randn(1, 5))[0, :4])
    print(transforms.TimeMasking(4)(torch.ones(1, 4, 12)), functional.preemphasis(wave)[0, :3])


run_programs()
