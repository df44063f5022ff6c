"""What the usual first lessons on tensors teach: the same behaviour and the same figures.

Programs of our own, held to the text that PyTorch 2.13 prints. COMPAT_BACKEND=torch runs them under
PyTorch itself, which is how the expectations were checked.
"""

from __future__ import annotations

import pytest

SAMPLES = [[0.076, 34.0, 5.0], [0.098, 67.0, 5.0], [0.092, 54.0, 5.0], [0.075, 60.0, 6.0]]


@pytest.fixture
def prints(capsys):
    """Return a function that asserts what has been printed since it was last called."""

    def check(*lines):
        assert capsys.readouterr().out == "".join(f"{line}\n" for line in lines)

    return check


# Tensors and arithmetic


def test_integers_and_floats_print_as_pytorch_prints_them(torch, prints):
    print(torch.tensor([1, 2, 3]), torch.tensor([0.6, 1.2, 0.9]))
    prints("tensor([1, 2, 3]) tensor([0.6000, 1.2000, 0.9000])")


def test_numbers_reach_every_element(torch, prints):
    print(torch.tensor([1, 2, 3]) * 3)
    print(torch.tensor([0.6, 1.2, 0.9]) ** 2)
    print(10 - torch.tensor([1, 2, 3]), 1 / torch.tensor([1, 2, 4]))
    prints(
        "tensor([3, 6, 9])",
        "tensor([0.3600, 1.4400, 0.8100])",
        "tensor([9, 8, 7]) tensor([1.0000, 0.5000, 0.2500])",
    )


def test_an_integer_and_a_float_tensor_add_up_to_floats(torch, prints):
    total = torch.tensor([1, 2, 3]) + torch.tensor([0.6, 1.2, 0.9])
    print(total, total.dtype)
    prints("tensor([1.6000, 3.2000, 3.9000]) torch.float32")


def test_statistics_are_tensors_without_dimensions(torch, prints):
    values = torch.tensor([0.6, 1.2, 0.9])
    print(values.mean(), values.std(), values.mean().shape)
    difference = torch.tensor([1, 2, 3]) - values
    print((difference**2).mean())
    prints("tensor(0.9000) tensor(0.3000) torch.Size([])", "tensor(1.7367)")


def test_matrices_add_elementwise_and_multiply_by_rows_and_columns(torch, prints):
    left = torch.tensor([[0.4, 1.8], [0.1, 1.4]])
    right = torch.tensor([[0.6, 1.2], [0.9, 1.6]])
    print(left)
    print(2 * (left + right))
    print(left @ right)
    prints(
        "tensor([[0.4000, 1.8000],\n        [0.1000, 1.4000]])",
        "tensor([[2., 6.],\n        [2., 6.]])",
        "tensor([[1.8600, 3.3600],\n        [1.3200, 2.3600]])",
    )


def test_a_dimension_given_is_the_one_that_goes(torch, prints):
    matrix = torch.tensor([[0.4, 1.8], [0.1, 1.4]])
    print(matrix.mean(), matrix.mean(0), matrix.mean(1))
    prints("tensor(0.9250) tensor([0.2500, 1.6000]) tensor([1.1000, 0.7500])")


# Indexing, shuffling, normalising


def test_rows_by_number_and_by_list(torch, prints):
    table = torch.tensor(SAMPLES)
    print(table[3])
    print(table[[3, 2, 1, 0]])
    prints(
        "tensor([ 0.0750, 60.0000,  6.0000])",
        "tensor([[ 0.0750, 60.0000,  6.0000],\n"
        "        [ 0.0920, 54.0000,  5.0000],\n"
        "        [ 0.0980, 67.0000,  5.0000],\n"
        "        [ 0.0760, 34.0000,  5.0000]])",
    )


def test_slices_split_rows_and_columns(torch, prints):
    table = torch.tensor(SAMPLES)
    features, scores = table[:2, :-1], table[:2, -1:]
    print(features)
    print(scores)
    prints(
        "tensor([[ 0.0760, 34.0000],\n        [ 0.0980, 67.0000]])",
        "tensor([[5.],\n        [5.]])",
    )


def test_slices_are_views(torch, prints):
    table = torch.tensor(SAMPLES)
    table[:, -1:] -= 5
    print(table[:, 2])
    prints("tensor([0., 0., 0., 1.])")


@pytest.mark.parametrize(
    ("seed", "expected"),
    [(0, [0, 1, 3, 2]), (1, [1, 3, 2, 0]), (7, [3, 2, 0, 1])],
)
def test_a_seeded_permutation_is_pytorchs(torch, seed, expected):
    torch.manual_seed(seed)
    order = torch.randperm(4)
    assert order.tolist() == expected
    assert order.dtype is torch.int64


def test_a_tensor_of_row_numbers_reorders_a_table(torch, prints):
    table = torch.tensor(SAMPLES)
    print(table[torch.tensor([1, 1, 0])][:, 1])
    prints("tensor([67., 67., 34.])")


def test_columns_are_normalised_and_restored(torch, prints):
    table = torch.tensor(SAMPLES)
    mean, deviation = table.mean(0), table.std(0)
    print(mean)
    print(deviation)
    normal = (table - mean) / deviation
    print(normal)
    print(normal * deviation + mean)
    prints(
        "tensor([ 0.0853, 53.7500,  5.2500])",
        "tensor([1.1529e-02, 1.4198e+01, 5.0000e-01])",
        "tensor([[-0.8023, -1.3910, -0.5000],\n"
        "        [ 1.1059,  0.9332, -0.5000],\n"
        "        [ 0.5855,  0.0176, -0.5000],\n"
        "        [-0.8891,  0.4402,  1.5000]])",
        "tensor([[ 0.0760, 34.0000,  5.0000],\n"
        "        [ 0.0980, 67.0000,  5.0000],\n"
        "        [ 0.0920, 54.0000,  5.0000],\n"
        "        [ 0.0750, 60.0000,  6.0000]])",
    )


def test_large_tensors_are_shown_by_their_corners(torch, prints):
    print(torch.arange(12000.0).reshape(1000, 12) / 10)
    prints(
        "tensor([[0.0000e+00, 1.0000e-01, 2.0000e-01,  ..., 9.0000e-01, 1.0000e+00,\n"
        "         1.1000e+00],\n"
        "        [1.2000e+00, 1.3000e+00, 1.4000e+00,  ..., 2.1000e+00, 2.2000e+00,\n"
        "         2.3000e+00],\n"
        "        [2.4000e+00, 2.5000e+00, 2.6000e+00,  ..., 3.3000e+00, 3.4000e+00,\n"
        "         3.5000e+00],\n"
        "        ...,\n"
        "        [1.1964e+03, 1.1965e+03, 1.1966e+03,  ..., 1.1973e+03, 1.1974e+03,\n"
        "         1.1975e+03],\n"
        "        [1.1976e+03, 1.1977e+03, 1.1978e+03,  ..., 1.1985e+03, 1.1986e+03,\n"
        "         1.1987e+03],\n"
        "        [1.1988e+03, 1.1989e+03, 1.1990e+03,  ..., 1.1997e+03, 1.1998e+03,\n"
        "         1.1999e+03]])"
    )


def test_a_saved_tensor_is_loaded_as_it_was(torch, prints, tmp_path):
    torch.save(torch.tensor(SAMPLES)[1:, :-1], tmp_path / "features.pt")
    loaded = torch.load(tmp_path / "features.pt")
    print(loaded, loaded.shape)
    prints(
        "tensor([[ 0.0980, 67.0000],\n"
        "        [ 0.0920, 54.0000],\n"
        "        [ 0.0750, 60.0000]]) torch.Size([3, 2])"
    )


def test_the_wine_file(torch, prints, wine_folder):
    wines = torch.load(wine_folder / "wine-red.pt")
    print(wines.shape)
    print(wines)
    prints(
        "torch.Size([1599, 12])",
        "tensor([[ 7.4000,  0.7000,  0.0000,  ...,  0.5600,  9.4000,  5.0000],\n"
        "        [ 7.8000,  0.8800,  0.0000,  ...,  0.6800,  9.8000,  5.0000],\n"
        "        [ 7.8000,  0.7600,  0.0400,  ...,  0.6500,  9.8000,  5.0000],\n"
        "        ...,\n"
        "        [ 6.3000,  0.5100,  0.1300,  ...,  0.7500, 11.0000,  6.0000],\n"
        "        [ 5.9000,  0.6450,  0.1200,  ...,  0.7100, 10.2000,  5.0000],\n"
        "        [ 6.0000,  0.3100,  0.4700,  ...,  0.6600, 11.0000,  6.0000]])",
    )


# Dtypes and devices


def test_default_dtypes(torch, prints):
    print(torch.tensor([1, 2, 3]).dtype, torch.tensor([1.2, 3.6]).dtype)
    prints("torch.int64 torch.float32")


def test_a_float_sum_does_not_fit_into_an_integer_tensor(torch):
    counts = torch.tensor([1, 2, 3])
    with pytest.raises(RuntimeError) as raised:
        counts += torch.tensor([1.2, 3.6, 2.4])
    assert str(raised.value) == "result type Float can't be cast to the desired output type Long"
    assert counts.tolist() == [1, 2, 3]


def test_a_converted_tensor_takes_the_float_sum(torch, prints):
    counts = torch.tensor([1, 2, 3]).to(torch.float32)
    counts += torch.tensor([1.2, 3.6, 2.4])
    print(counts, counts.dtype)
    prints("tensor([2.2000, 5.6000, 5.4000]) torch.float32")


def test_tensors_live_on_the_cpu_by_default(torch, prints):
    device = torch.tensor([1, 2, 3]).device
    print(device, repr(device))
    prints("cpu device(type='cpu')")


def test_there_is_no_way_to_a_gpu_without_one(torch):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(AssertionError) as raised:
        torch.tensor([1, 2, 3]).to("cuda")
    assert str(raised.value) == "Torch not compiled with CUDA enabled"


@pytest.mark.gpu
def test_tensors_on_a_gpu(torch, prints):
    moved = torch.tensor([1, 2, 3]).to("cuda")
    print(moved.device)
    print(moved * torch.tensor([4, 5, 6]).to("cuda"))
    prints("cuda:0", "tensor([ 4, 10, 18], device='cuda:0')")


@pytest.mark.gpu
def test_devices_do_not_mix(torch):
    with pytest.raises(RuntimeError) as raised:
        torch.tensor([1, 2, 3]).to("cuda") * torch.tensor([4, 5, 6])
    assert str(raised.value).startswith(
        "Expected all tensors to be on the same device, "
        "but found at least two devices, cuda:0 and cpu!"
    )


# Derivatives


def test_a_tensor_says_that_it_requires_grad(torch, prints):
    print(torch.tensor(2.5, requires_grad=True))
    print(torch.tensor(2.0, requires_grad=True))
    prints("tensor(2.5000, requires_grad=True)", "tensor(2., requires_grad=True)")


def test_backward_returns_nothing_and_fills_grad(torch, prints):
    point = torch.tensor(2.5, requires_grad=True)
    print(point.grad, (point**2).backward(), point.grad)
    prints("None None tensor(5.)")


def test_the_derivative_of_a_fraction(torch, prints):
    point = torch.tensor(2.5, requires_grad=True)
    value = point**2 + (2 * point - 5) / (10 - 2 * point) ** 2
    value.backward()
    print(value, point.grad)
    prints("tensor(6.2500, grad_fn=<AddBackward0>) tensor(5.0800)")


def test_every_tensor_that_requires_it_gets_its_gradient(torch, prints):
    first = torch.tensor(2.5, requires_grad=True)
    second = torch.tensor(1.5, requires_grad=True)
    constant = torch.tensor(4.0)
    (first**2 + (second - constant) ** 2).backward()
    print(first.grad, second.grad, constant.grad)
    prints("tensor(5.) tensor(-5.) None")


def test_elements_of_one_tensor_share_its_gradient(torch, prints):
    point = torch.tensor([2.5, 1.5], requires_grad=True)
    value = point[0] ** 2 + (point[1] - 4) ** 2
    value.backward()
    print(point.grad)
    prints("tensor([ 5., -5.])")


def test_a_polynomial_and_its_slope_as_plain_numbers(torch, prints):
    at = torch.tensor(2.0, requires_grad=True)
    value = 5 * at**3 + 2 * at**2 + 4 * at + 8
    value.backward()
    print(f"value {value}, slope {at.grad}, rounded {value:.2f}")
    prints("value 64.0, slope 72.0, rounded 64.00")


def test_the_old_way_to_spell_a_variable(torch, prints):
    from_class = torch.Tensor([[1.0, 2.0], [2.0, 3.0]])
    variable = torch.autograd.Variable(from_class, requires_grad=True)
    root = torch.sqrt(variable)
    total = root.sum()
    print(variable.requires_grad, from_class.requires_grad)
    print(root)
    print(total)
    total.backward()
    print(variable.grad)
    prints(
        "True False",
        "tensor([[1.0000, 1.4142],\n        [1.4142, 1.7321]], grad_fn=<SqrtBackward0>)",
        "tensor(5.5605, grad_fn=<SumBackward0>)",
        "tensor([[0.5000, 0.3536],\n        [0.3536, 0.2887]])",
    )


def test_a_tensor_described_before_and_after_backward(torch, prints):
    ones = torch.ones(2, 2, requires_grad=True)
    product = (ones + 2) * (ones + 5) + 3
    print(f"{product.type()} {product.shape}\n{product}")
    mean = product.mean()
    print(ones.grad is None, mean.shape, f"{mean}")
    mean.backward()
    print(ones.grad is None, ones.grad)
    prints(
        "torch.FloatTensor torch.Size([2, 2])",
        "tensor([[21., 21.],\n        [21., 21.]], grad_fn=<AddBackward0>)",
        "True torch.Size([]) 21.0",
        "False tensor([[2.2500, 2.2500],\n        [2.2500, 2.2500]])",
    )


def test_detached_tensors_are_not_followed(torch, prints):
    source = torch.tensor([1.0, 2.0], requires_grad=True)
    print(source.detach(), source.data, (source * 2).detach().requires_grad)
    with torch.no_grad():
        print((source * 2).requires_grad)
    prints("tensor([1., 2.]) tensor([1., 2.]) False", "False")


def test_only_scalars_have_an_implicit_gradient(torch):
    source = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError) as raised:
        (source * 2).backward()
    assert str(raised.value) == "grad can be implicitly created only for scalar outputs"


# Gradient descent


def test_a_seeded_starting_point_is_pytorchs(torch, prints):
    torch.manual_seed(0)
    point = torch.randn(2, requires_grad=True)
    print(point)
    print(point[0] ** 2 + (point[1] - 4) ** 2)
    prints(
        "tensor([ 1.5410, -0.2934], requires_grad=True)",
        "tensor(20.8082, grad_fn=<AddBackward0>)",
    )


def test_a_leaf_is_not_changed_in_place(torch):
    point = torch.tensor([2.0, 1.0], requires_grad=True)
    (point[0] ** 2 + (point[1] - 4) ** 2).backward()
    with pytest.raises(RuntimeError) as raised:
        point -= 0.1 * point.grad
    assert str(raised.value) == (
        "a leaf Variable that requires grad is being used in an in-place operation."
    )
    assert point.tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    ("forget", "expected"),
    [
        pytest.param(
            True,
            [
                "13.0000 8.3200 5.3248 3.4079 2.1810 ... 0.0000",
                "tensor([2.8545e-05, 4.0000e+00], requires_grad=True)",
            ],
            id="forgetting-gradients",
        ),
        pytest.param(
            False,
            [
                "13.0000 8.3200 2.5168 0.0008 2.6842 ... 12.2078",
                "tensor([-1.4505,  6.1758], requires_grad=True)",
            ],
            id="adding-gradients-up",
        ),
    ],
)
def test_gradient_descent(torch, prints, forget, expected):
    point = torch.tensor([2.0, 1.0], requires_grad=True)
    heights = []
    for _ in range(50):
        height = point[0] ** 2 + (point[1] - 4) ** 2
        height.backward()
        with torch.no_grad():
            point -= 0.1 * point.grad
        if forget:
            point.grad = None
        heights.append(f"{height:.4f}")
    print(*heights[:5], "...", heights[-1])
    print(point)
    prints(*expected)


def test_a_linear_model_on_the_wines(torch, prints, wine_folder):
    """The whole lesson: shuffle, split, normalise, train by hand, validate."""
    torch.manual_seed(0)
    wines = torch.load(wine_folder / "wine-red.pt")
    wines = wines[torch.randperm(wines.shape[0])]
    features, scores = wines[:, :-1], wines[:, -1:]
    mean, deviation = features[:1000].mean(0), features[:1000].std(0)
    train, validation = ((part - mean) / deviation for part in (features[:1000], features[1000:]))
    print(train.shape, validation.shape)
    weights = torch.randn(11, 1, requires_grad=True)
    bias = torch.randn(1, requires_grad=True)
    losses = []
    for _ in range(1000):
        loss = ((train @ weights + bias - scores[:1000]) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            weights -= 0.01 * weights.grad
            bias -= 0.01 * bias.grad
        weights.grad = bias.grad = None
        losses.append(f"{loss:.3f}")
    print(*losses[:3], "...", losses[-1])
    with torch.no_grad():
        error = (validation @ weights + bias - scores[1000:]).abs().mean()
    print(f"mean absolute error {error:.3f}, bias {bias.item():.3f}")
    prints(
        "torch.Size([1000, 11]) torch.Size([599, 11])",
        "44.754 42.232 39.904 ... 0.412",
        "mean absolute error 0.520, bias 5.606",
    )
