"""captum: which inputs an output is due to."""

import torch
from captum import attr
from programs import run_programs


def _model():
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)).eval()


def gradients():
    model, x = _model(), torch.randn(2, 4, requires_grad=True)
    for method in (attr.IntegratedGradients, attr.Saliency, attr.InputXGradient, attr.DeepLift):
        print(method.__name__, method(model).attribute(x, target=1))
    found, delta = attr.IntegratedGradients(model).attribute(
        x, target=0, return_convergence_delta=True
    )
    print(found.sum(1), delta.abs() < 1e-2)
    print(attr.GradientShap(model).attribute(x, torch.zeros(3, 4), target=1, n_samples=4))


def layers():
    model, x = _model(), torch.randn(2, 4)
    print(attr.LayerConductance(model, model[0]).attribute(x, target=1))
    print(attr.LayerActivation(model, model[1]).attribute(x))
    print(attr.GuidedBackprop(model).attribute(x.requires_grad_(), target=2))


def perturbations():
    model, x = _model(), torch.randn(2, 4)
    print(attr.FeatureAblation(model).attribute(x, target=1))
    print(attr.Occlusion(model).attribute(x, sliding_window_shapes=(2,), target=1))
    print(attr.ShapleyValueSampling(model).attribute(x, target=1, n_samples=3))
    print(
        attr.NoiseTunnel(attr.Saliency(model)).attribute(x.requires_grad_(), target=0, nt_samples=3)
    )


run_programs()
