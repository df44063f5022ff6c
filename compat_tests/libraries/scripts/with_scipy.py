"""SciPy on arrays of PyTorch, through the array interface."""

import torch
from programs import run_programs
from scipy import cluster, fft, ndimage, signal, special, stats


def statistics():
    x, y = torch.randn(20, dtype=torch.float64), torch.randn(20, dtype=torch.float64)
    print(stats.ttest_ind(x, y), stats.skew(x), stats.kurtosis(x))
    print(stats.pearsonr(x, y).statistic, stats.zscore(x)[:3], stats.sem(x))
    print(stats.entropy(x.abs()), stats.gmean(x.abs()), stats.moment(x, 3))


def functions():
    x = torch.rand(6, dtype=torch.float64)
    print(special.gammaln(x), special.erf(x), special.expit(x), special.logsumexp(x))
    print(special.betainc(x, x, x), special.entr(x), special.log_ndtr(x))
    print(fft.fft(x), fft.dct(x.numpy())[:2], fft.fftshift(x), fft.next_fast_len(7))


def signals():
    x = torch.randn(40, dtype=torch.float64)
    print(signal.detrend(x)[:4], signal.welch(x, nperseg=16)[1][:4])
    print(signal.convolve(x, torch.ones(3, dtype=torch.float64))[:4], signal.hilbert(x)[:3])
    print(ndimage.gaussian_filter(x.numpy(), 1.0)[:3], type(cluster.vq.whiten(x[:, None])).__name__)


run_programs()
