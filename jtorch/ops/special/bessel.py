"""Bessel functions of order 0 and 1, and the Airy function: ``torch.special``.

The rational and Chebyshev approximations, and their coefficients, are those of S. L. Moshier,
*Methods and Programs for Mathematical Functions* (1989), and his Cephes library, which PyTorch
evaluates too. None of these functions has a gradient in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax.scipy import special

from ..._core import dtypes
from ..._engine.declare import SPECIAL_FUNCTIONS, op
from ..._engine.recording.kinds.pointwise import Pointwise, only

_PRECISE = frozenset((dtypes.float32, dtypes.float64))
_HALF_PI_ROOT = math.sqrt(2 / math.pi)

_P0 = (
    7.96936729297347051624e-04, 8.28352392107440799803e-02, 1.23953371646414299388e+00,
    5.44725003058768775090e+00, 8.74716500199817011941e+00, 5.30324038235394892183e+00,
    9.99999999999999997821e-01,
)  # fmt: skip
_Q0 = (
    9.24408810558863637013e-04, 8.56288474354474431428e-02, 1.25352743901058953537e+00,
    5.47097740330417105182e+00, 8.76190883237069594232e+00, 5.30605288235394617618e+00,
    1.00000000000000000218e+00,
)  # fmt: skip
_R0 = (
    -1.13663838898469149931e-02, -1.28252718670509318512e+00, -1.95539544257735972385e+01,
    -9.32060152123768231369e+01, -1.77681167980488050595e+02, -1.47077505154951170175e+02,
    -5.14105326766599330220e+01, -6.05014350600728481186e+00,
)  # fmt: skip
_S0 = (
    6.43178256118178023184e+01, 8.56430025976980587198e+02, 3.88240183605401609683e+03,
    7.24046774195652478189e+03, 5.93072701187316984827e+03, 2.06209331660327847417e+03,
    2.42005740240291393179e+02,
)  # fmt: skip
_J0_ABOVE = (
    -4.79443220978201773821e+09, 1.95617491946556577543e+12, -2.49248344360967716204e+14,
    9.70862251047306323952e+15,
)  # fmt: skip
_J0_BELOW = (
    4.99563147152651017219e+02, 1.73785401676374683123e+05, 4.84409658339962045305e+07,
    1.11855537045356834862e+10, 2.11277520115489217587e+12, 3.10518229857422583814e+14,
    3.18121955943204943306e+16, 1.71086294081043136091e+18,
)  # fmt: skip
_Y0_ABOVE = (
    1.55924367855235737965e+04, -1.46639295903971606143e+07, 5.43526477051876500413e+09,
    -9.82136065717911466409e+11, 8.75906394395366999549e+13, -3.46628303384729719441e+15,
    4.42733268572569800351e+16, -1.84950800436986690637e+16,
)  # fmt: skip
_Y0_BELOW = (
    1.04128353664259848412e+03, 6.26107330137134956842e+05, 2.68919633393814121987e+08,
    8.64002487103935000337e+10, 2.02979612750105546709e+13, 3.17157752842975028269e+15,
    2.50596256172653059228e+17,
)  # fmt: skip
_P1 = (
    7.62125616208173112003e-04, 7.31397056940917570436e-02, 1.12719608129684925192e+00,
    5.11207951146807644818e+00, 8.42404590141772420927e+00, 5.21451598682361504063e+00,
    1.00000000000000000254e+00,
)  # fmt: skip
_Q1 = (
    5.71323128072548699714e-04, 6.88455908754495404082e-02, 1.10514232634061696926e+00,
    5.07386386128601488557e+00, 8.39985554327604159757e+00, 5.20982848682361821619e+00,
    9.99999999999999997461e-01,
)  # fmt: skip
_R1 = (
    5.10862594750176621635e-02, 4.98213872951233449420e+00, 7.58238284132545283818e+01,
    3.66779609360150777800e+02, 7.10856304998926107277e+02, 5.97489612400613639965e+02,
    2.11688757100572135698e+02, 2.52070205858023719784e+01,
)  # fmt: skip
_S1 = (
    7.42373277035675149943e+01, 1.05644886038262816351e+03, 4.98641058337653607651e+03,
    9.56231892404756170795e+03, 7.99704160447350683650e+03, 2.82619278517639096600e+03,
    3.36093607810698293419e+02,
)  # fmt: skip
_J1_ABOVE = (
    -8.99971225705559398224e+08, 4.52228297998194034323e+11, -7.27494245221818276015e+13,
    3.68295732863852883286e+15,
)  # fmt: skip
_J1_BELOW = (
    6.20836478118054335476e+02, 2.56987256757748830383e+05, 8.35146791431949253037e+07,
    2.21511595479792499675e+10, 4.74914122079991414898e+12, 7.84369607876235854894e+14,
    8.95222336184627338078e+16, 5.32278620332680085395e+18,
)  # fmt: skip
_Y1_ABOVE = (
    1.26320474790178026440e+09, -6.47355876379160291031e+11, 1.14509511541823727583e+14,
    -8.12770255501325109621e+15, 2.02439475713594898196e+17, -7.78877196265950026825e+17,
)  # fmt: skip
_Y1_BELOW = (
    5.94301592346128195359e+02, 2.35564092943068577943e+05, 7.34811944459721705660e+07,
    1.87601316108706159478e+10, 3.88231277496238566008e+12, 6.20557727146953693363e+14,
    6.87141087355300489866e+16, 3.97270608116560655612e+18,
)  # fmt: skip
_K0_NEAR = (
    1.37446543561352307156e-16, 4.25981614279661018399e-14, 1.03496952576338420167e-11,
    1.90451637722020886025e-09, 2.53479107902614945675e-07, 2.28621210311945178607e-05,
    1.26461541144692592338e-03, 3.59799365153615016266e-02, 3.44289899924628486886e-01,
    -5.35327393233902768720e-01,
)  # fmt: skip
_K0_FAR = (
    5.30043377268626276149e-18, -1.64758043015242134646e-17, 5.21039150503902756861e-17,
    -1.67823109680541210385e-16, 5.51205597852431940784e-16, -1.84859337734377901440e-15,
    6.34007647740507060557e-15, -2.22751332699166985548e-14, 8.03289077536357521100e-14,
    -2.98009692317273043925e-13, 1.14034058820847496303e-12, -4.51459788337394416547e-12,
    1.85594911495471785253e-11, -7.95748924447710747776e-11, 3.57739728140030116597e-10,
    -1.69753450938905987466e-09, 8.57403401741422608519e-09, -4.66048989768794782956e-08,
    2.76681363944501510342e-07, -1.83175552271911948767e-06, 1.39498137188764993662e-05,
    -1.28495495816278026384e-04, 1.56988388573005337491e-03, -3.14481013119645005427e-02,
    2.44030308206595545468e+00,
)  # fmt: skip
_K1_NEAR = (
    -7.02386347938628759343e-18, -2.42744985051936593393e-15, -6.66690169419932900609e-13,
    -1.41148839263352776110e-10, -2.21338763073472585583e-08, -2.43340614156596823496e-06,
    -1.73028895751305206302e-04, -6.97572385963986435018e-03, -1.22611180822657148235e-01,
    -3.53155960776544875667e-01, 1.52530022733894777053e+00,
)  # fmt: skip
_K1_FAR = (
    -5.75674448366501715755e-18, 1.79405087314755922667e-17, -5.68946255844285935196e-17,
    1.83809354436663880070e-16, -6.05704724837331885336e-16, 2.03870316562433424052e-15,
    -7.01983709041831346144e-15, 2.47715442448130437068e-14, -8.97670518232499435011e-14,
    3.34841966607842919884e-13, -1.28917396095102890680e-12, 5.13963967348173025100e-12,
    -2.12996783842756842877e-11, 9.21831518760500529508e-11, -4.19035475934189648750e-10,
    2.01504975519703286596e-09, -1.03457624656780970260e-08, 5.74108412545004946722e-08,
    -3.50196060308781257119e-07, 2.40648494783721712015e-06, -1.93619797416608296024e-05,
    1.95215518471351631108e-04, -2.85781685962277938680e-03, 1.03923736576817238437e-01,
    2.72062619048444266945e+00,
)  # fmt: skip


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Evaluate a polynomial whose highest coefficient comes first."""
    result = jnp.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        result = result * x + coefficient
    return result


def _chebyshev_series(x: Any, coefficients: Sequence[float]) -> Any:
    """Evaluate a series of Chebyshev polynomials of ``x / 2``, the highest one first."""
    last = before = jnp.zeros_like(x)
    current = jnp.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        before, last = last, current
        current = x * last - before + coefficient
    return 0.5 * (current - before)


def _waves(x: Any, order: int) -> tuple[Any, Any, Any, Any, Any]:
    """Return amplitudes, sine, cosine and size of the wave that x above 5 makes."""
    tables = (_P0, _Q0, _R0, _S0) if order == 0 else (_P1, _Q1, _R1, _S1)
    above, below, second_above, second_below = tables
    inverse = 25 / (x * x)
    first = _polynomial(inverse, above) / _polynomial(inverse, below)
    second = 5 / x * (_polynomial(inverse, second_above) / _polynomial(inverse, second_below))
    angle = x - (math.pi / 4 if order == 0 else 3 * math.pi / 4)
    return first, second, jnp.sin(angle), jnp.cos(angle), _HALF_PI_ROOT / jnp.sqrt(x)


def _j0(x):
    x = jnp.abs(x)
    first, second, sine, cosine, size = _waves(x, 0)
    square = x * x
    near = (square - 5.78318596294678452118) * (square - 30.4712623436620863991)
    near = near * _polynomial(square, _J0_ABOVE) / _polynomial(square, _J0_BELOW)
    near = jnp.where(x < 1e-5, 1 - square / 4, near)
    return jnp.where(x <= 5, near, (first * cosine - second * sine) * size)


def _j1(x):
    sign, x = jnp.where(x < 0, -1, 1).astype(x.dtype), jnp.where(x < 0, -x, x)  # -0 stays it
    first, second, sine, cosine, size = _waves(x, 1)
    square = x * x
    near = _polynomial(square, _J1_ABOVE) / _polynomial(square, _J1_BELOW) * x
    near = near * (square - 14.6819706421238932572) * (square - 49.2184563216946036703)
    return sign * jnp.where(x <= 5, near, (first * cosine - second * sine) * size)


def _at_origin(x, result, limit: float):
    """Return the result, a limit at 0 and NaN below."""
    return jnp.where(x == 0, limit, jnp.where(x < 0, jnp.nan, result)).astype(x.dtype)


def _y0(x):
    first, second, sine, cosine, size = _waves(x, 0)
    square = x * x
    near = _polynomial(square, _Y0_ABOVE) / _polynomial(square, _Y0_BELOW)
    near = near + 2 / math.pi * jnp.log(x) * _j0(x)
    far = (first * sine + second * cosine) * size
    return _at_origin(x, jnp.where(x <= 5, near, far), -jnp.inf)


def _y1(x):
    first, second, sine, cosine, size = _waves(x, 1)
    square = x * x
    near = x * (_polynomial(square, _Y1_ABOVE) / _polynomial(square, _Y1_BELOW))
    near = near + 2 / math.pi * (_j1(x) * jnp.log(x) - 1 / x)
    far = (first * sine + second * cosine) * size
    return _at_origin(x, jnp.where(x <= 5, near, far), -jnp.inf)


def _modified_i0(x):
    return jnp.exp(jnp.abs(x)) * special.i0e(x)


def _modified_i1(x):
    return jnp.exp(jnp.abs(x)) * special.i1e(x)


def _k0(x, scaled: bool):
    near = _chebyshev_series(x * x - 2, _K0_NEAR) - jnp.log(0.5 * x) * _modified_i0(x)
    far = _chebyshev_series(8 / x - 2, _K0_FAR) / jnp.sqrt(x)
    near, far = (near * jnp.exp(x), far) if scaled else (near, jnp.exp(-x) * far)
    return _at_origin(x, jnp.where(x <= 2, near, far), jnp.inf)


def _k1(x, scaled: bool):
    near = jnp.log(0.5 * x) * _modified_i1(x) + _chebyshev_series(x * x - 2, _K1_NEAR) / x
    far = _chebyshev_series(8 / x - 2, _K1_FAR) / jnp.sqrt(x)
    near, far = (near * jnp.exp(x), far) if scaled else (near, jnp.exp(-x) * far)
    return _at_origin(x, jnp.where(x <= 2, near, far), jnp.inf)


def _spherical_j0(x):
    square = x * x
    series = jnp.ones_like(x)
    for order in (13, 11, 9, 7, 5, 3):
        series = 1 - square / (order * (order - 1)) * series
    small = jnp.abs(x) < 0.5
    wave = jnp.sin(x) / jnp.where(small, 1, x)
    return jnp.where(jnp.isinf(x), 0, jnp.where(small, series, wave)).astype(x.dtype)


# The Airy function

_AI_ABOVE = (
    3.46538101525629032477e-01, 1.20075952739645805542e+01, 7.62796053615234516538e+01,
    1.68089224934630576269e+02, 1.59756391350164413639e+02, 7.05360906840444183113e+01,
    1.40264691163389668864e+01, 9.99999999999999995305e-01,
)  # fmt: skip
_AI_BELOW = (
    5.67594532638770212846e-01, 1.47562562584847203173e+01, 8.45138970141474626562e+01,
    1.77318088145400459522e+02, 1.64234692871529701831e+02, 7.14778400825575695274e+01,
    1.40959135607834029598e+01, 1.00000000000000000470e+00,
)  # fmt: skip
_F_ABOVE = (
    -1.31696323418331795333e-01, -6.26456544431912369773e-01, -6.93158036036933542233e-01,
    -2.79779981545119124951e-01, -4.91900132609500318020e-02, -4.06265923594885404393e-03,
    -1.59276496239262096340e-04, -2.77649108155232920844e-06, -1.67787698489114633780e-08,
)  # fmt: skip
_F_BELOW = (
    1.33560420706553243746e+01, 3.26825032795224613948e+01, 2.67367040941499554804e+01,
    9.18707402907259625840e+00, 1.47529146771666414581e+00, 1.15687173795188044134e-01,
    4.40291641615211203805e-03, 7.54720348287414296618e-05, 4.51850092970580378464e-07,
)  # fmt: skip
_G_ABOVE = (
    1.97339932091685679179e-02, 3.91103029615688277255e-01, 1.06579897599595591108e+00,
    9.39169229816650230044e-01, 3.51465656105547619242e-01, 6.33888919628925490927e-02,
    5.85804113048388458567e-03, 2.82851600836737019778e-04, 6.98793669997260967291e-06,
    8.11789239554389293311e-08, 3.41551784765923618484e-10,
)  # fmt: skip
_G_BELOW = (
    9.30892908077441974853e+00, 1.98352928718312140417e+01, 1.55646628932864612953e+01,
    5.47686069422975497931e+00, 9.54293611618961883998e-01, 8.64580826352392193095e-02,
    4.12656523824222607191e-03, 1.01259085116509135510e-04, 1.17166733214413521882e-06,
    4.91834570062930015649e-09,
)  # fmt: skip
_ROOT_PI = math.sqrt(math.pi)
#: Ai and -Ai' at 0.
_AI_AT_0, _SLOPE_AT_0 = 0.355028053887817239260, 0.258819403792806798405
#: Terms of the power series that double precision needs up to 2.09.
_TERMS = 16


def _airy_below(x):
    """Return Ai left of -2.09, where it oscillates."""
    depth = jnp.where(x < -2.09, -x, 2.09)
    angle = 2 * depth * jnp.sqrt(depth) / 3
    inverse = 1 / angle
    square = inverse * inverse
    sine = 1 + square * _polynomial(square, _F_ABOVE) / _polynomial(square, _F_BELOW)
    cosine = inverse * _polynomial(square, _G_ABOVE) / _polynomial(square, _G_BELOW)
    angle = angle + math.pi / 4
    wave = jnp.sin(angle) * sine - jnp.cos(angle) * cosine
    return wave / (_ROOT_PI * jnp.sqrt(jnp.sqrt(depth)))


def _airy_above(x):
    """Return Ai right of 2.09, where it decays."""
    height = jnp.where(x >= 2.09, x, 2.09)
    angle = 2 * height * jnp.sqrt(height) / 3
    inverse = 1 / angle
    ratio = _polynomial(inverse, _AI_ABOVE) / _polynomial(inverse, _AI_BELOW)
    return ratio / (_ROOT_PI * 2 * jnp.sqrt(jnp.sqrt(height)) * jnp.exp(angle))


def _airy_between(x):
    """Return Ai around 0 by its power series."""
    cube = x * x * x
    even, odd = jnp.ones_like(x), x
    first, second = even, odd
    for place in range(1, _TERMS):
        even = even * cube / ((3 * place - 1) * (3 * place))
        odd = odd * cube / ((3 * place) * (3 * place + 1))
        first, second = first + even, second + odd
    return _AI_AT_0 * first - _SLOPE_AT_0 * second


def _airy(x):
    near = _airy_between(jnp.where(jnp.abs(x) > 2.09, 0, x))
    result = jnp.where(x < -2.09, _airy_below(x), jnp.where(x >= 2.09, _airy_above(x), near))
    result = jnp.where(x > 103.892, 0, result)
    return jnp.where(jnp.isinf(x) | jnp.isnan(x), jnp.nan, result).astype(x.dtype)


def _declare(name: str, summary: str, function: Callable, parameter: str = "input") -> None:
    def pure(**operands):
        return function(operands[parameter])

    pure.__doc__ = f"""{summary}

    Args:
        {parameter}: tensor; integers and bool are converted to the default dtype.
    Returns:
        Tensor of float32 or float64, without a gradient.
    """
    op(
        f"special_{name}(Tensor {parameter}, *, Tensor out=None)",
        kind=Pointwise(
            operands=(parameter,), promote="float", check=only(_PRECISE, kernel=f"{name}_cpu")
        ),
        arity="unary",
        method=False,
        registry=SPECIAL_FUNCTIONS,
        differentiable=False,
    )(pure)


_declare("bessel_j0", "Bessel function of the first kind of order 0.", _j0)
_declare("bessel_j1", "Bessel function of the first kind of order 1.", _j1)
_declare("bessel_y0", "Bessel function of the second kind of order 0.", _y0)
_declare("bessel_y1", "Bessel function of the second kind of order 1.", _y1)
for _order, _i, _k in (("0", _modified_i0, _k0), ("1", _modified_i1, _k1)):
    _kind = f"of order {_order}"
    _declare(f"modified_bessel_i{_order}", f"Modified Bessel function I {_kind}.", _i)
    _declare(
        f"modified_bessel_k{_order}",
        f"Modified Bessel function K {_kind}.",
        lambda x, function=_k: function(x, False),
    )
    _declare(
        f"scaled_modified_bessel_k{_order}",
        f"Modified Bessel function K {_kind}, times ``exp(x)``.",
        lambda x, function=_k: function(x, True),
        "x",
    )
_declare(
    "spherical_bessel_j0", "Spherical Bessel function ``sin(x) / x``, 1 at 0.", _spherical_j0, "x"
)
_declare("airy_ai", "Airy function Ai.", _airy, "x")
