"""``torch.backends``: settings are kept, and what is no setting is refused.

``COMPAT_BACKEND=torch`` holds PyTorch's build for CPUs against these expectations.
"""

from __future__ import annotations

import pytest

FLAGS = [
    ("cudnn", "enabled", True),
    ("cudnn", "benchmark", False),
    ("cudnn", "deterministic", False),
    ("cudnn", "allow_tf32", True),
    ("cuda.matmul", "allow_tf32", False),
    ("mkldnn", "enabled", True),
    ("mkldnn", "deterministic", False),
]


def group(torch, path):
    found = torch.backends
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(("path", "name", "usual"), FLAGS)
def test_a_setting_is_kept(torch, path, name, usual):
    settings = group(torch, path)
    assert getattr(settings, name) is usual
    setattr(settings, name, not usual)
    assert getattr(settings, name) is not usual
    setattr(settings, name, usual)
    with pytest.raises(RuntimeError, match="expects a bool, but got int"):
        setattr(settings, name, 1)


@pytest.mark.parametrize("path", ["cudnn", "mkldnn"])
def test_settings_of_a_block_end_with_it(torch, path):
    settings = group(torch, path)
    with settings.flags(enabled=False, deterministic=True, allow_tf32=path == "cudnn" or None):
        assert (settings.enabled, settings.deterministic) == (False, True)
    assert (settings.enabled, settings.deterministic) == (True, False)


def test_what_a_build_for_cpus_says(torch):
    backends = torch.backends
    assert not backends.cudnn.is_available()
    assert backends.cudnn.version() is None
    assert not backends.cudnn.is_acceptable(torch.ones(1))
    assert not backends.cuda.is_built()
    assert not backends.mps.is_available()
    assert not backends.mps.is_built()
    assert backends.mkl.is_available()
    assert backends.openmp.is_available()
    assert backends.opt_einsum.is_available()
    assert backends.opt_einsum.strategy == "auto"
    assert backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")


def test_ways_of_attention_are_those_of_sdpa_kernel(torch):
    cuda = torch.backends.cuda
    assert cuda.flash_sdp_enabled()
    cuda.enable_flash_sdp(False)
    assert not cuda.flash_sdp_enabled()
    cuda.enable_flash_sdp(True)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        assert cuda.math_sdp_enabled()
        assert not cuda.flash_sdp_enabled()
    with pytest.warns(FutureWarning, match="sdp_kernel"), cuda.sdp_kernel(enable_math=False):
        assert not cuda.math_sdp_enabled()
    assert cuda.math_sdp_enabled()


def test_what_there_is_not(torch):
    with pytest.raises(AttributeError, match=r"module 'torch.backends.cudnn' has no attribute 'x'"):
        torch.backends.cudnn.x
    with pytest.raises(AttributeError, match="Unknown attribute x"):
        torch.backends.cuda.matmul.x
    with pytest.raises(RuntimeError, match="Unknown precision: x"):
        torch.backends.fp32_precision = "x"


def test_kinds_of_operators_have_settings_of_their_own(torch):
    mkldnn = torch.backends.mkldnn
    before = mkldnn.conv.fp32_precision, mkldnn.matmul.fp32_precision
    mkldnn.conv.fp32_precision = "ieee"
    assert (mkldnn.conv.fp32_precision, mkldnn.matmul.fp32_precision) == ("ieee", before[1])
    mkldnn.conv.fp32_precision = before[0]


def test_a_block_gives_back_what_was_not_set(torch):
    cudnn = torch.backends.cudnn
    assert cudnn.benchmark_limit is None
    with cudnn.flags(enabled=True):
        pass
    assert cudnn.benchmark_limit is None
