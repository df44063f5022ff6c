"""Special functions: values, gradients, dtypes and words as PyTorch 2.13 gives them."""

from __future__ import annotations

import math

import pytest

INF, NAN = math.inf, math.nan
POINTS = [-10.5, -3.0, -1.25, -0.5, 0.0, 0.25, 0.5, 1.0, 1.75, 4.0, 9.5, 30.0]
#: By name: the values at the points, in float64.
UNARY = {
    "airy_ai": [-0.311926035051, -0.37881428833, 0.520045477435, 0.475728091611, 0.355028053888,
        0.291163954349, 0.231693606481, 0.135292416313, 0.0505698808058, 0.000951563851205,
        5.33026370462e-10, 3.20821759155e-49],
    "bessel_j0": [-0.236648194485, -0.260051954907, 0.645906085271, 0.938469807241, 1.0,
        0.984435929296, 0.938469807241, 0.765197686558, 0.369032530185, -0.397149810603,
        -0.193928747496, -0.086367983581],
    "bessel_j1": [0.0788500143986, -0.339058958528, -0.51062326032, -0.242268457675, 0.0,
        0.124025977323, 0.242268457675, 0.440050585745, 0.580156197639, -0.0660433280642,
        0.161264430266, -0.118751062617],
    "bessel_y0": [NAN, NAN, NAN, NAN, -INF, -0.93157302493, -0.444518733507, 0.0882569642157,
        0.465492628647, -0.0169407396853, 0.171210626425, -0.117295731687],
    "bessel_y1": [NAN, NAN, NAN, NAN, -INF, -2.70410522932, -1.47147239267, -0.7812128213,
        -0.253972985946, 0.397925711025, 0.20317989981, 0.0844255706617],
    "digamma": [2.39823912954, NAN, 3.71413912021, 0.0364899739786, -INF, -4.22745353338,
        -1.96351002602, -0.577215664902, 0.247472453547, 1.25611766843, 2.1977378764,
        3.38443813269],
    "entr": [-INF, -INF, -INF, -INF, 0.0, 0.34657359028, 0.34657359028, -0.0, -0.979327628887,
        -5.54517744448, -21.3872720868, -102.03592145],
    "erf": [-1.0, -0.999977909503, -0.922900128256, -0.520499877813, 0.0, 0.276326390168,
        0.520499877813, 0.84270079295, 0.986671671219, 0.999999984583, 1.0, 1.0],
    "erfc": [2.0, 1.9999779095, 1.92290012826, 1.52049987781, 1.0, 0.723673609832, 0.479500122187,
        0.15729920705, 0.0133283287808, 1.54172579003e-08, 3.76921448565e-41, 0.0],
    "erfcx": [1.520535715e+48, 16205.988854, 9.17364344748, 1.95236048918, 1.0, 0.770346547731,
        0.615690344193, 0.427583576156, 0.284972234737, 0.136999457625, 0.0590646783526,
        0.0187958888614],
    "erfinv": [NAN, NAN, NAN, -0.476936276204, 0.0, 0.225312055012, 0.476936276204, INF, NAN, NAN,
        NAN, NAN],
    "exp2": [0.000690533966002, 0.125, 0.420448207627, 0.707106781187, 1.0, 1.189207115,
        1.41421356237, 2.0, 3.36358566101, 16.0, 724.077343935, 1073741824.0],
    "expit": [2.75356911146e-05, 0.0474258731776, 0.222700138825, 0.377540668798, 0.5,
        0.562176500886, 0.622459331202, 0.73105857863, 0.851952801968, 0.982013790038,
        0.999925153772, 1.0],
    "expm1": [-0.999972463551, -0.950212931632, -0.71349520314, -0.393469340287, 0.0,
        0.284025416688, 0.6487212707, 1.71828182846, 4.75460267601, 53.5981500331, 13358.7268297,
        10686474581500.0],
    "gammaln": [-15.1472705907, INF, 1.36643176124, 1.26551212348, INF, 1.2880225247,
        0.572364942925, 0.0, -0.0844011210205, 1.79175946923, 11.6893334208, 71.2570389672],
    "i0": [4527.44171464, 4.88079258587, 1.43046871772, 1.06348337074, 1.0, 1.01568614122,
        1.06348337074, 1.26606587775, 1.92525215386, 11.3019219521, 1753.48099053, 781672297824.0],
    "i0e": [0.124669669459, 0.243000354162, 0.409836149386, 0.645035270449, 1.0, 0.79101716214,
        0.645035270449, 0.465759607594, 0.334558658912, 0.207001921224, 0.131251260814,
        0.0731459464822],
    "i1": [-4306.1348751, -3.9533702174, -0.755281418341, -0.257894305391, 0.0, 0.125979108945,
        0.257894305391, 0.565159103992, 1.25553751224, 9.7594651537, 1658.45307778, 768532038939.0],
    "i1e": [-0.118575664881, -0.196826713297, -0.216391749334, -0.156420803185, 0.0,
        0.0981126286974, 0.156420803185, 0.20791041535, 0.218179704652, 0.178750839502,
        0.124138247655, 0.0719163305986],
    "log1p": [NAN, NAN, NAN, -0.69314718056, 0.0, 0.223143551314, 0.405465108108, 0.69314718056,
        1.01160091168, 1.60943791243, 2.35137525716, 3.43398720449],
    "log_ndtr": [-58.4041870611, -6.60772622151, -2.24762567721, -1.17591176159, -0.69314718056,
        -0.512984075409, -0.368946415289, -0.172753779023, -0.0408836181521, -3.16717433775e-05,
        -1.04945150754e-21, -4.90671392715e-198],
    "logit": [NAN, NAN, NAN, NAN, -INF, -1.09861228867, 0.0, INF, NAN, NAN, NAN, NAN],
    "modified_bessel_i0": [4527.44171464, 4.88079258587, 1.43046871772, 1.06348337074, 1.0,
        1.01568614122, 1.06348337074, 1.26606587775, 1.92525215386, 11.3019219521, 1753.48099053,
        781672297824.0],
    "modified_bessel_i1": [-4306.1348751, -3.9533702174, -0.755281418341, -0.257894305391, 0.0,
        0.125979108945, 0.257894305391, 0.565159103992, 1.25553751224, 9.7594651537,
        1658.45307778, 768532038939.0],
    "modified_bessel_k0": [NAN, NAN, NAN, NAN, INF, 1.54150675125, 0.924419071228, 0.421024438241,
        0.155379812387, 0.0111596760859, 3.00578849579e-05, 2.13247749646e-14],
    "modified_bessel_k1": [NAN, NAN, NAN, NAN, INF, 3.74702597444, 1.65644112, 0.601907230197,
        0.195477453474, 0.0124834988873, 3.16020341104e-05, 2.16773200189e-14],
    "ndtr": [0.0, 0.00134989803163, 0.105649773667, 0.308537538726, 0.5, 0.598706325683,
        0.691462461274, 0.841344746069, 0.959940843136, 0.999968328758, 1.0, 1.0],
    "ndtri": [NAN, NAN, NAN, NAN, -INF, -0.674489750196, 0.0, INF, NAN, NAN, NAN, NAN],
    "psi": [2.39823912954, NAN, 3.71413912021, 0.0364899739786, -INF, -4.22745353338,
        -1.96351002602, -0.577215664902, 0.247472453547, 1.25611766843, 2.1977378764,
        3.38443813269],
    "scaled_modified_bessel_k0": [NAN, NAN, NAN, NAN, INF, 1.9793338486, 1.52410938577,
        1.14446307981, 0.894149084157, 0.609297669257, 0.401565132115, 0.227886665616],
    "scaled_modified_bessel_k1": [NAN, NAN, NAN, NAN, INF, 4.81127658817, 2.73100970821,
        1.63615348626, 1.12489507686, 0.681575945186, 0.422194542977, 0.231654129378],
    "sinc": [0.0303152272556, 3.89817183252e-17, -0.180063263231, 0.636619772368, 1.0,
        0.900316316157, 0.636619772368, 3.89817183252e-17, -0.128616616594, -3.89817183252e-17,
        -0.0335063038088, -1.14372644108e-16],
    "spherical_bessel_j0": [-0.0837805485687, 0.0470400026866, 0.759187695484, 0.958851077208,
        1.0, 0.989615837018, 0.958851077208, 0.841470984808, 0.562277683928, -0.189200623827,
        -0.00791064425914, -0.0329343874698],
}  # fmt: skip
#: By name: the values of orders 2, 5 and 9 at each of these places.
PLACES = [-1.5, -1.0, -0.25, 0.0, 0.5, 1.0, 2.0]
POLY = {
    "chebyshev_polynomial_t": [3.5, -61.5, -2889.0, 1.0, -1.0, -1.0, -0.875, -0.953125,
        -0.7626953125, -1.0, 0.0, 5.51091059616e-16, -0.5, 0.5, -1.0, 1.0, 1.0, 1.0, 7.0, 362.0,
        70226.0],
    "chebyshev_polynomial_u": [8.0, -144.0, -6765.0, 3.0, -6.0, -10.0, -0.75, -1.03125,
        -0.595703125, -1.0, 0.0, 6.12323399574e-16, 0.0, 0.0, -1.0, 3.0, 6.0, 10.0, 15.0, 780.0,
        151316.0],
    "chebyshev_polynomial_v": [11.0, -199.0, -9349.0, 5.0, -11.0, -19.0, -0.25, -1.34375,
        0.072265625, -1.0, -1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 11.0, 571.0, 110771.0],
    "chebyshev_polynomial_w": [5.0, -89.0, -4181.0, 1.0, -1.0, -1.0, -1.25, -0.71875,
        -1.263671875, -1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 5.0, 11.0, 19.0, 19.0, 989.0, 191861.0],
    "hermite_polynomial_h": [7.0, 117.0, -2835.0, 2.0, 8.0, 10720.0, -1.75, -27.53125,
        -6346.68945312, -2.0, 0.0, 0.0, -1.0, 41.0, 6481.0, 2.0, -8.0, -10720.0, 14.0, -16.0,
        46144.0],
    "hermite_polynomial_he": [1.25, 3.65625, 541.212890625, 0.0, -6.0, -28.0, -0.9375,
        -3.5947265625, -216.929447174, -1.0, 0.0, 0.0, -0.75, 6.28125, 326.533203125, 0.0, 6.0,
        28.0, 3.0, -18.0, -190.0],
    "laguerre_polynomial_l": [5.125, 26.49296875, 138.258337838, 3.5, 12.8833333333,
        48.4240354938, 1.53125, 2.58936360677, 4.61531212558, 1.0, 1.0, 1.0, 0.125,
        -0.445572916667, -0.452919520356, -0.5, -0.466666666667, 0.309744268078, -1.0,
        0.733333333333, 0.00811287477954],
    "legendre_polynomial_p": [2.875, -33.08203125, -1165.5561676, 1.0, -1.0, -1.0, -0.40625,
        -0.339721679688, -0.176824420691, -0.5, 0.0, 0.0, -0.125, 0.08984375, -0.26789855957, 1.0,
        1.0, 1.0, 5.5, 185.75, 27100.671875],
    "shifted_chebyshev_polynomial_t": [31.0, -15124.0, -58106404.0, 17.0, -3363.0, -3880899.0,
        3.5, -61.5, -2889.0, 1.0, -1.0, -1.0, -1.0, 0.0, 5.51091059616e-16, 1.0, 1.0, 1.0, 17.0,
        3363.0, 3880899.0],
    "shifted_chebyshev_polynomial_u": [63.0, -30744.0, -118118440.0, 35.0, -6930.0, -7997214.0,
        8.0, -144.0, -6765.0, 3.0, -6.0, -10.0, -1.0, 0.0, 6.12323399574e-16, 3.0, 6.0, 10.0,
        35.0, 6930.0, 7997214.0],
    "shifted_chebyshev_polynomial_v": [71.0, -34649.0, -133121449.0, 41.0, -8119.0, -9369319.0,
        11.0, -199.0, -9349.0, 5.0, -11.0, -19.0, -1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 29.0, 5741.0,
        6625109.0],
    "shifted_chebyshev_polynomial_w": [55.0, -26839.0, -103115431.0, 29.0, -5741.0, -6625109.0,
        5.0, -89.0, -4181.0, 1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 5.0, 11.0, 19.0, 41.0, 8119.0,
        9369319.0],
}  # fmt: skip
#: By name: two operands and the values.
PAIRS = {
    "zeta": ([1.5, 2.0, 3.0, 2.0, 0.5], [0.5, -1.5, -9.25, -2.0, 1.0], [4.77653794755,
        9.37924664499, -62.0073074113, INF, NAN]),
    "gammainc": ([0.5, 3.0, 0.0, 200.0, 1.0], [0.25, 2.0, 1.0, 190.0, 0.0], [0.520499877813,
        0.323323583817, 1.0, 0.243347427101, 0.0]),
    "gammaincc": ([0.5, 3.0, 0.0, 200.0, 1.0], [0.25, 2.0, 1.0, 190.0, 0.0], [0.479500122187,
        0.676676416183, 0.0, 0.756652572899, 1.0]),
    "xlogy": ([0.0, 2.0, 1.0], [0.0, 3.0, 0.0], [0.0, 2.19722457734, -INF]),
    "xlog1py": ([0.0, 2.0, 1.0], [-1.0, 3.0, -1.0], [0.0, 2.77258872224, -INF]),
}  # fmt: skip
#: By name: first and second derivative at 0.25, 0.5 and 0.75.
GRADS = {
    "digamma": ([17.1973291534, 4.93480220207, 2.54187964876], [-129.327739938, -16.8287966442,
        -5.30263321634]),
    "entr": ([0.38629436112, -0.30685281944, -0.712317927548], [-4.0, -2.0, -1.33333333333]),
    "erfcx": ([-0.74320589323, -0.512688822903, -0.367972691656], [1.16909014885, 0.718691865483,
        0.461916263103]),
    "i0": ([0.125979108945, 0.257894305391, 0.401992461581], [0.511769705442, 0.54769475996,
        0.609656829269]),
    "i0e": ([-0.692904533442, -0.488614467264, -0.351277425899], [0.993358552095, 0.664387328159,
        0.449371127391]),
    "i1": ([0.511769705442, 0.54769475996, 0.609656829269], [0.094566030306, 0.194082007035,
        0.303769954254]),
    "i1e": ([0.300454018653, 0.175772860895, 0.0980937014922], [-0.625372567549, -0.390249837208,
        -0.242584430172]),
    "log_ndtr": ([0.645839371017, 0.509160433837, 0.389382056736], [-0.57856833591,
        -0.513824564304, -0.44365492866]),
    "ndtr": ([0.386668116803, 0.352065326764, 0.301137432155], [-0.0966670292007, -0.176032663382,
        -0.225853074116]),
    "ndtri": ([3.14686508056, 2.50662827463, 3.14686508056], [-6.67931000753, 0.0, 6.67931000753]),
    "sinc": ([-0.772838139882, -1.27323954474, -1.34294962654], [-2.70306075726, -1.19022712824,
        0.619277045336]),
    "gammaln": ([-4.22745353338, -1.96351002602, -1.08586087979], [17.1973291534, 4.93480220207,
        2.54187964876]),
}  # fmt: skip
WITHOUT_GRADIENT = ("airy_ai", "bessel_j0", "modified_bessel_k1", "spherical_bessel_j0")
PRECISE_ONLY = ("airy_ai", "bessel_y1", "erfcx", "log_ndtr", "ndtri", "modified_bessel_i0")


def _close(actual, expected, relative=1e-9):
    wanted = [pytest.approx(each, rel=relative, abs=1e-14, nan_ok=True) for each in expected]
    assert actual == wanted


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_function_of_one_element(name, dtype):
    import jtorch as torch

    x = torch.tensor(POINTS, dtype=getattr(torch, dtype))
    result = getattr(torch.special, name)(x)
    assert result.dtype is x.dtype
    if dtype == "float64":
        # PyTorch's own digamma and trigamma are good to nine digits.
        _close(result.tolist(), UNARY[name])
    else:
        exact = torch.tensor(UNARY[name], dtype=torch.float64).float()
        kept = (exact.abs() > 1e-4) & (exact.abs() < 1e30)
        assert torch.allclose(result[kept], exact[kept], rtol=3e-5)
        assert torch.equal(result.isnan(), exact.isnan())


@pytest.mark.parametrize("name", POLY)
def test_polynomial(name):
    import jtorch as torch

    x = torch.tensor(PLACES, dtype=torch.float64)[:, None]
    result = getattr(torch.special, name)(x, torch.tensor([2, 5, 9]))
    _close(result.flatten().tolist(), POLY[name])
    low = getattr(torch.special, name)(torch.tensor([0.3]), torch.tensor([-1.0, 0.0]))
    assert low.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("name", PAIRS)
def test_function_of_two_elements(name):
    import jtorch as torch

    left, right, expected = PAIRS[name]
    left, right = (torch.tensor(each, dtype=torch.float64) for each in (left, right))
    _close(getattr(torch.special, name)(left, right).tolist(), expected)


@pytest.mark.parametrize("name", GRADS)
def test_gradients(name):
    import jtorch as torch

    x = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(getattr(torch.special, name)(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    _close(first.tolist(), GRADS[name][0], 1e-8)
    _close(second.tolist(), GRADS[name][1], 1e-6)


@pytest.mark.parametrize("name", WITHOUT_GRADIENT)
def test_no_gradient(name):
    import jtorch as torch

    assert not getattr(torch.special, name)(torch.ones(2, requires_grad=True)).requires_grad


@pytest.mark.parametrize("name", PRECISE_ONLY)
def test_halves_are_refused(name):
    import jtorch as torch

    with pytest.raises(NotImplementedError, match=f"\"{name}_cpu\" not implemented for 'Half'"):
        getattr(torch.special, name)(torch.ones(2).half())


def test_refused_gradient_is_refused_at_backward():
    import jtorch as torch

    shape = torch.ones(2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="the derivative for 'igamma: input'"):
        torch.igamma(shape, torch.ones(2)).sum().backward()
    with pytest.raises(NotImplementedError, match="the derivative for 'zeta'"):
        torch.special.zeta(shape + 1, torch.ones(2)).sum().backward()
    place = torch.ones(2, requires_grad=True)
    torch.igamma(torch.ones(2), place).sum().backward()
    assert place.grad.tolist() == pytest.approx([math.exp(-1)] * 2)


def test_in_place_forms():
    import jtorch as torch

    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert x.polygamma_(1) is x
    assert x.tolist() == pytest.approx([math.pi**2 / 6, math.pi**2 / 6 - 1])
    y = torch.tensor([1.0])
    assert y.igamma_(torch.tensor([2.0])).item() == pytest.approx(1 - math.exp(-2), rel=1e-6)
    z = (torch.ones(1, requires_grad=True) * 1).polygamma_(2)
    assert type(z.grad_fn).__name__ == "PolygammaBackward1"


def test_words_name_the_namespace():
    import jtorch as torch

    with pytest.raises(TypeError, match=r"special_exp2.*must be Tensor, not str"):
        torch.special.exp2("a")
    with pytest.raises(NotImplementedError, match="\"igamma_cpu\" not implemented for 'Long'"):
        torch.igamma(torch.tensor([1]), torch.tensor([1]))
    with pytest.raises(RuntimeError, match=r"polygamma\(n, x\) does not support negative n."):
        torch.special.polygamma(-1, torch.ones(1))


def test_logarithm_of_gamma_is_0_at_1():
    import jtorch as torch

    assert torch.lgamma(torch.tensor([1.0, 2.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("dtype", "close"), [("float32", 2e-7), ("float64", 1e-14)])
def test_the_scaled_error_function_where_the_plain_one_is_subnormal(dtype, close):
    import jtorch as torch

    real = getattr(torch, dtype)
    x = torch.tensor([9.195, 9.4, 26.55, 26.64, 30.0, 1e20], dtype=real)
    expected = [
        *(0.061001695777748985, 0.05968614284746154, 0.02123503737574592, 0.021163398286570656),
        *(0.018795888861416754, 5.6418958354775626e-21),
    ]
    assert torch.special.erfcx(x).tolist() == pytest.approx(expected, rel=close)
    assert torch.special.erfcx(torch.tensor([math.inf], dtype=real)).item() == 0
    low = torch.special.log_ndtr(torch.tensor([-13.1, -37.6], dtype=real))
    assert low.tolist() == pytest.approx([-89.30229538374473, -711.4266486707764], rel=close)
