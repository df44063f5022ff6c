"""Every message of ``torch.optim``, in PyTorch's words."""

from __future__ import annotations

from typing import Any

DUPLICATES = (
    "optimizer contains a parameter group with duplicate parameters; "
    "in future, this will cause an error; "
    "see github.com/pytorch/pytorch/issues/40967 for more information"
)


def params_is_tensor(name: str) -> TypeError:
    return TypeError(
        "params argument given to the optimizer should be "
        f"an iterable of Tensors or dicts, but got {name}"
    )


def no_parameters() -> ValueError:
    return ValueError("optimizer got an empty parameter list")


def pre_hook_result(func: Any, result: Any) -> RuntimeError:
    return RuntimeError(
        f"{func} must return None or a tuple of (new_args, new_kwargs), but got {result}."
    )


def group_count() -> ValueError:
    return ValueError("loaded state dict has a different number of parameter groups")


def group_size() -> ValueError:
    return ValueError(
        "loaded state dict contains a parameter group "
        "that doesn't match the size of optimizer's group"
    )


def group_type(kind: type) -> TypeError:
    return TypeError(f"param_group must be a dict, but got {kind}")


def parameters_in_set() -> TypeError:
    return TypeError(
        "optimizer parameters need to be organized in ordered collections, but "
        "the ordering of tensors in sets will change between runs. Please use a list instead."
    )


def some_names_missing() -> ValueError:
    return ValueError(
        "all optimizer params should be with/without names. Some param names are missing"
    )


def names_differ(named: bool) -> ValueError:
    return ValueError(
        "all optimizer param groups should be with/without names. "
        f"cannot add param group {'with names' if named else 'without names'} to the optimizer"
    )


def option_required(name: str) -> ValueError:
    return ValueError(
        f"parameter group didn't specify a value of required optimization parameter {name}"
    )


def parameter_in_two_groups() -> ValueError:
    return ValueError("some parameters appear in more than one parameter group")


def not_a_tensor(name: str) -> TypeError:
    return TypeError(f"optimizer can only optimize Tensors, but one of the params is {name}")


def not_a_leaf() -> ValueError:
    return ValueError("can't optimize a non-leaf Tensor")


# Options


def tensor_not_single(name: str) -> ValueError:
    return ValueError(f"Tensor {name} must be 1-element")


def invalid(what: str, value: Any) -> ValueError:
    """Say that a number is out of range: ``Invalid learning rate: -1``."""
    return ValueError(f"Invalid {what}: {value}")


def tensor_with_foreach(name: str) -> ValueError:
    return ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")


def tensor_with_foreach_in_step(name: str) -> RuntimeError:
    return RuntimeError(
        f"{name} as a Tensor is not supported for capturable=False and foreach=True"
    )


def betas_of_two_kinds() -> ValueError:
    return ValueError("betas must be either both floats or both Tensors")


def nesterov_needs_momentum() -> ValueError:
    return ValueError("Nesterov momentum requires a momentum and zero dampening")


def fused_differentiable() -> RuntimeError:
    return RuntimeError("`fused` does not support `differentiable`")


def fused_foreach() -> RuntimeError:
    return RuntimeError("`fused` and `foreach` cannot be `True` together.")


def fused_needs_floats(devices: list[str], dtype: Any, device: str) -> RuntimeError:
    return RuntimeError(
        "`fused=True` requires all the params to be floating point Tensors of "
        f"supported devices: {devices} but {dtype} and {device}"
    )


def step_requires_grad() -> RuntimeError:
    return RuntimeError("`requires_grad` is not supported for `step` in differentiable mode")


def capturable_devices(devices: list[str], what: str) -> AssertionError:
    return AssertionError(f"If capturable=True, {what} must be on supported devices: {devices}.")


def foreach_differentiable() -> AssertionError:
    return AssertionError("_foreach ops don't support autograd")


def scaler_unexpected() -> AssertionError:
    return AssertionError("Expected grad_scale and found_inf to be None")


def steps_not_tensors(name: str = "state_steps") -> RuntimeError:
    return RuntimeError(
        f"API has changed, `{name}` argument must contain a list of singleton tensors"
    )


def sparse_gradients(optimiser: type) -> RuntimeError:
    """Say that an algorithm needs dense gradients."""
    name = "Adam" if optimiser.__name__ == "AdamW" else optimiser.__name__
    advice = ", please consider SparseAdam instead" if name == "Adam" else ""
    return RuntimeError(f"{name} does not support sparse gradients{advice}")


def sparse_only() -> RuntimeError:
    return RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")


def sparse_params(places: list) -> ValueError:
    return ValueError(
        f"Sparse params at indices {places}: SparseAdam requires dense parameter tensors"
    )


def complex_params(places: list) -> ValueError:
    return ValueError(
        f"Complex params at indices {places}: SparseAdam does not support complex parameters"
    )


def should_be(what: str, bound: str, value: object) -> ValueError:
    """Say that a number is out of range: ``Learning rate should be >= 0 but is: -1``."""
    return ValueError(f"{what} should be {bound} but is: {value}")


def no_complex(name: str) -> RuntimeError:
    return RuntimeError(f"{name} does not support complex parameters")


def scaling_outside() -> AssertionError:
    return AssertionError("Grad scaling should occur outside of optimizer.step()")


def muon_dimensions(size: object) -> ValueError:
    return ValueError(
        f"Muon only supports 2D parameters whereas we found a parameter with size: {size}"
    )


def muon_adjustment(name: object) -> ValueError:
    return ValueError(f"Adjust learning rate function {name} is not supported")


def muon_many_steps() -> ValueError:
    return ValueError("Number of steps must be less than 100 for computational efficiency")


def muon_not_matrix() -> ValueError:
    return ValueError("Param gradient must be a 2D matrix")


def muon_coefficients() -> ValueError:
    return ValueError("Coefficients must be a tuple of exactly 3 values")


def muon_foreach() -> RuntimeError:
    return RuntimeError("Foreach is not supported for Muon yet")


def lbfgs_groups() -> ValueError:
    return ValueError("LBFGS doesn't support per-parameter options (parameter groups)")


def lbfgs_search() -> RuntimeError:
    return RuntimeError("only 'strong_wolfe' is supported")
