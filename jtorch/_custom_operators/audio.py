"""The operators of torchaudio's extension, in place of its compiled ones.

The loops of its recursive filters are here; alignment and the transducer's loss refuse.
"""

from __future__ import annotations

import jtorch as torch

from . import operators, vision


def _cuda_version() -> None:
    """Return ``None``: the operators were compiled for no version of CUDA."""


def _is_align_available() -> bool:
    """Return ``False``: there is no operator for alignment."""
    return False


def _lfilter_core_loop(
    input_signal_windows: torch.Tensor,
    a_coeff_flipped: torch.Tensor,
    padded_output_waveform: torch.Tensor,
) -> None:
    """Run a recursive filter: ``y[t] = x[t] - sum_k a[k] y[t - order + k]``, into the output.

    Args:
        input_signal_windows: ``x``, ``(batch, channel, time)``.
        a_coeff_flipped: ``(channel, order + 1)``, the last one for ``y[t]`` itself.
        padded_output_waveform: ``(batch, channel, time + order)``, which begins with the past.
    """
    signal, weights = input_signal_windows.cpu().numpy(), a_coeff_flipped.cpu().numpy()
    output = padded_output_waveform.cpu().numpy().copy()
    order = weights.shape[1] - 1
    for time in range(signal.shape[2]):
        value = signal[:, :, time].copy()
        for step in range(order):
            value -= weights[:, step] * output[:, :, time + step]
        output[:, :, time + order] = value
    padded_output_waveform.copy_(torch.from_numpy(output))


def _overdrive_core_loop(
    waveform: torch.Tensor,
    temp: torch.Tensor,
    last_in: torch.Tensor,
    last_out: torch.Tensor,
    output_waveform: torch.Tensor,
) -> None:
    """Mix a signal with its distortion, behind a filter that takes the mean away.

    Args:
        waveform: ``(channel, time)``.
        temp: its distortion, of the same shape.
        last_in: the distortion before it, ``(channel,)``.
        last_out: the filter's result before it.
        output_waveform: written to, of the shape of ``waveform``.
    """
    signal, distorted = waveform.cpu().numpy(), temp.cpu().numpy()
    before, filtered = last_in.cpu().numpy().copy(), last_out.cpu().numpy().copy()
    output = output_waveform.cpu().numpy().copy()
    for time in range(signal.shape[1]):
        filtered = distorted[:, time] - before + 0.995 * filtered
        before = distorted[:, time]
        output[:, time] = 0.5 * signal[:, time] + 0.75 * filtered
    output_waveform.copy_(torch.from_numpy(output))


def define() -> None:
    """Make the operators those of ``torch.ops.torchaudio`` and ``torch.ops._torchaudio``."""
    if "cuda_version" in vars(operators.namespaces.namespace("_torchaudio")):
        return  # torchaudio asks for two extensions
    vision.define_one("_torchaudio", "cuda_version() -> int?", _cuda_version)
    vision.define_one("_torchaudio", "is_align_available() -> bool", _is_align_available)
    vision.define_one(
        "torchaudio",
        "_lfilter_core_loop(Tensor input_signal_windows, Tensor a_coeff_flipped, "
        "Tensor(a!) padded_output_waveform) -> ()",
        _lfilter_core_loop,
    )
    vision.define_one(
        "torchaudio",
        "_overdrive_core_loop(Tensor waveform, Tensor temp, Tensor(a!) last_in, "
        "Tensor(b!) last_out, Tensor(c!) output_waveform) -> ()",
        _overdrive_core_loop,
    )
    for schema in (
        "rnnt_loss_forward(Tensor logits, Tensor targets, Tensor logit_lengths, "
        "Tensor target_lengths, int blank, float clamp, bool fused_log_softmax)"
        " -> (Tensor, Tensor)",
        "forced_align(Tensor log_probs, Tensor targets, Tensor input_lengths, "
        "Tensor target_lengths, int blank) -> (Tensor, Tensor)",
    ):
        vision.define_one("torchaudio", schema)
