"""SpeechBrain: features, networks and losses of speech."""

import torch
from programs import run_programs
from speechbrain.lobes.features import Fbank
from speechbrain.nnet import CNN, RNN, losses, normalization
from speechbrain.nnet.attention import MultiheadAttention
from speechbrain.processing.features import STFT, InputNormalization


def features():
    wave = torch.randn(2, 1600)
    print(STFT(sample_rate=16000)(wave).shape, Fbank(n_mels=8)(wave)[0, 3])
    print(InputNormalization()(torch.randn(2, 5, 4), torch.ones(2))[0, 0])


def networks():
    x = torch.randn(2, 12, 6)
    print(RNN.GRU(hidden_size=4, input_shape=x.shape)(x)[0][0, 0])
    print(CNN.Conv1d(out_channels=3, kernel_size=3, input_shape=x.shape)(x)[0, 0])
    print(normalization.BatchNorm1d(input_shape=x.shape)(x)[0, 0])
    print(MultiheadAttention(2, 6)(x, x, x)[0][0, 0])


def training():
    model = RNN.LSTM(hidden_size=5, input_shape=(2, 12, 6))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    x, lengths = torch.randn(2, 12, 6), torch.ones(2)
    targets, target_lengths = torch.tensor([[1, 2, 3], [3, 1, 4]]), torch.tensor([1.0, 0.67])
    for step in range(3):
        scores = model(x)[0].log_softmax(-1)
        loss = losses.ctc_loss(scores, targets, lengths, target_lengths, blank_index=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, round(loss.item(), 4))


run_programs()
