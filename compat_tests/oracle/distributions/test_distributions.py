"""Distributions held against PyTorch: every property and method, draws, gradients and refusals.

The tables hold Python expressions, evaluated once for each library with these names: ``torch`` the
library, ``D`` its ``distributions``, ``p`` a parameter (a tensor in the test's dtype that requires
a gradient), ``x`` the same without a gradient.
"""

from __future__ import annotations

import copy
import pickle
import warnings

import pytest

from compat_tests.helpers import tolerances

pytestmark = pytest.mark.oracle

MATRICES = "p([[2.0, 0.3], [0.3, 1.0]])"
BATCH_OF_MATRICES = "p([[[2.0, 0.3], [0.3, 1.0]], [[1.5, -0.4], [-0.4, 0.7]]])"
FACTOR = "p([[1.4, 0.0], [0.2, 0.9]])"

DISTRIBUTIONS = (
    "Normal(0.0, 1.0)",
    "Normal(1, 2)",
    "Normal(p([0.5, -1.0]), p([1.0, 2.0]))",
    "Normal(p([[0.5], [-1.0]]), p([1.0, 2.0, 0.25]))",
    "Normal(p([0.5, 2.0]), 3.0)",
    "Normal(x([]), x([]))",
    "Uniform(0.0, 1.0)",
    "Uniform(p([-1.0, 0.5]), p([1.0, 4.0]))",
    "Laplace(0.0, 1.0)",
    "Laplace(p([0.5, -1.0]), p([1.0, 2.0]))",
    "Cauchy(0.0, 1.0)",
    "Cauchy(p([0.5, -1.0]), p([[1.0], [2.0]]))",
    "Exponential(2.0)",
    "Exponential(p([0.5, 3.0]))",
    "Gamma(2.0, 1.5)",
    "Gamma(p([0.3, 2.0, 30.0]), p([1.0, 2.0, 0.5]))",
    "Beta(2.0, 3.0)",
    "Beta(p([0.5, 2.0, 9.0, 1.0]), p([0.5, 3.0, 8.0, 7.0]))",
    "Chi2(3.0)",
    "Chi2(p([1.0, 5.0]))",
    "Dirichlet(p([0.5, 2.0, 3.0]))",
    "Dirichlet(p([[0.5, 0.2, 0.3], [4.0, 8.0, 12.0]]))",
    "StudentT(3.0)",
    "StudentT(p([0.5, 1.5, 4.0]), p([1.0, 0.0, -1.0]), p([1.0, 2.0, 3.0]))",
    "FisherSnedecor(3.0, 5.0)",
    "FisherSnedecor(p([1.0, 3.0, 6.0]), p([1.0, 3.0, 7.0]))",
    "VonMises(x([0.0]), x([1.0]))",
    "VonMises(p([0.5, -2.0, 9.0]), p([0.1, 2.0, 30.0]))",
    "ContinuousBernoulli(0.3)",
    "ContinuousBernoulli(p([0.1, 0.5, 0.4999, 0.8]))",
    "ContinuousBernoulli(logits=p([-1.0, 0.0, 2.0]))",
    "ContinuousBernoulli(p([0.1, 0.5, 0.8]), lims=(0.4, 0.6))",
    "GeneralizedPareto(0.0, 1.0, 0.5)",
    "GeneralizedPareto(p([0.1, 1.0, 0.0]), p([2.0, 1.0, 3.0]), p([0.4, 0.0, -0.3]))",
    "Bernoulli(0.3)",
    "Bernoulli(p([0.0, 0.3, 0.5, 1.0]))",
    "Bernoulli(logits=p([-1.0, 0.0, 2.0]))",
    "Bernoulli(logits=0.25)",
    "Categorical(p([0.5, 1.0, 2.0, 0.0]))",
    "Categorical(logits=p([0.5, 1.0, 2.0, 0.0]))",
    "Categorical(p([[0.5, 1.0, 2.0], [1.0, 1.0, 3.0]]))",
    "Categorical(logits=x([[[0.5, 1.0]], [[1.0, -1.0]]]))",
    "OneHotCategorical(p([0.5, 1.0, 2.0, 0.5]))",
    "OneHotCategorical(logits=p([[0.5, 1.0, 2.0], [1.0, 1.0, 3.0]]))",
    "OneHotCategoricalStraightThrough(p([0.5, 1.0, 2.0, 0.5]))",
    "OneHotCategoricalStraightThrough(logits=p([[0.5, 1.0, 2.0], [1.0, 1.0, 3.0]]))",
    "Binomial(10, p([0.0, 0.2, 0.8, 1.0]))",
    "Binomial(x([[5.0], [10.0]]), p([0.5, 0.8]))",
    "Binomial(40, logits=p([-1.0, 0.0, 2.0]))",
    "Multinomial(10, p([1.0, 2.0, 3.0]))",
    "Multinomial(4, logits=p([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]]))",
    "NegativeBinomial(5, p([0.2, 0.5, 0.9]))",
    "NegativeBinomial(x([0.0, 2.5]), logits=p([-1.0, 1.0]))",
    "Geometric(0.3)",
    "Geometric(p([0.1, 0.5, 1.0]))",
    "Geometric(logits=p([-1.0, 2.0]))",
    "Poisson(3.0)",
    "Poisson(p([0.0, 0.5, 4.0, 200.0]))",
    f"MultivariateNormal(p([0.5, -1.0]), {MATRICES})",
    f"MultivariateNormal(p([0.5, -1.0]), precision_matrix={MATRICES})",
    f"MultivariateNormal(p([[0.5, -1.0], [2.0, 3.0]]), scale_tril={FACTOR})",
    f"MultivariateNormal(p([0.5, -1.0]), {BATCH_OF_MATRICES})",
    "LowRankMultivariateNormal(p([0.5, -1.0, 2.0]), p([[1.0], [0.5], [-0.3]]), p([1.0, 2.0, 0.5]))",
    "LowRankMultivariateNormal(p([[0.5, -1.0], [1.0, 0.0]]), p([[1.0, 0.3], [0.5, 2.0]]), "
    "p([1.0, 2.0]))",
    f"Wishart(5.0, {MATRICES})",
    f"Wishart(p([3.5, 6.0]), scale_tril={FACTOR})",
    f"Wishart(p([4.0]), precision_matrix={BATCH_OF_MATRICES})",
    "LKJCholesky(3)",
    "LKJCholesky(4, p([0.5, 2.0]))",
    "LKJCholesky(2, p(1.5))",
)
PROPERTIES = (
    *("batch_shape", "event_shape", "has_rsample", "has_enumerate_support", "mean", "mode"),
    *("variance", "stddev", "param_shape", "probs", "logits", "df", "concentration"),
    *("concentration1", "concentration0", "covariance_matrix", "precision_matrix", "scale_tril"),
)


def names_for(torch, dtype, seed=0):
    """Return the names that an expression may use, the generator freshly seeded."""
    torch.manual_seed(seed)
    kind = getattr(torch, dtype)

    def plain(values):
        return torch.tensor(values, dtype=kind)

    def parameter(values):
        tensor = plain(values).requires_grad_()
        parameters.append(tensor)
        return tensor

    parameters = []
    return {
        "torch": torch,
        "D": torch.distributions,
        "x": plain,
        "p": parameter,
        "parameters": parameters,
    }


def made(torch, expression, dtype):
    """Return the distribution that an expression makes, and its parameters."""
    names = names_for(torch, dtype)
    return eval(f"D.{expression}", names), names["parameters"]


def answer(call, *arguments):
    """Return what a call returns, or the exception's type and words as text."""
    try:
        return call(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def shown(value):
    """Return a value in a form that two libraries can be compared in."""
    return tuple(value) if type(value).__name__ == "Size" else value


def each(both, expression, dtype, program, **options):
    """Compare ``program(torch, distribution, parameters)``, a dictionary, under both libraries."""

    def run(torch):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return program(torch, *made(torch, expression, dtype))

    both(run, **{**tolerances.by_name(tolerances.DISTRIBUTIONS[dtype]), **options})


def widest(expression):
    """Return the dtype in which roundings show least: distributions of numbers are float32."""
    return "float64" if "[" in expression else "float32"


cases = pytest.mark.parametrize("expression", DISTRIBUTIONS)
# Distributions of numbers are those of the default dtype.
both_dtypes = pytest.mark.parametrize(
    ("expression", "dtype"),
    [(expression, "float32") for expression in DISTRIBUTIONS]
    + [(expression, "float64") for expression in DISTRIBUTIONS if "[" in expression],
)


@cases
def test_properties(both, expression):
    def program(torch, distribution, parameters):
        found = {name: shown(answer(getattr, distribution, name)) for name in PROPERTIES}
        found["repr"] = repr(distribution)
        found["support"] = repr(answer(lambda: distribution.support))
        found["constraints"] = repr(distribution.arg_constraints)
        found["held"] = sorted(distribution.__dict__)
        return found

    each(both, expression, "float32", program)


@both_dtypes
def test_draws(both, expression, dtype):
    def program(torch, distribution, parameters):
        return {
            "sample": answer(distribution.sample),
            "samples": answer(distribution.sample, (3,)),
            "more": answer(distribution.sample, torch.Size([2, 1])),
            "none": answer(distribution.sample, (0,)),
            "rsample": answer(distribution.rsample),
            "rsamples": answer(distribution.rsample, (2,)),
            "after": torch.rand(2),
        }

    each(both, expression, dtype, program)


@both_dtypes
def test_functions(both, expression, dtype):
    def program(torch, distribution, parameters):
        value = distribution.sample((3,))
        first = value[0]
        share = torch.tensor([0.1, 0.5, 0.9], dtype=getattr(torch, dtype))
        share = share.reshape((3,) + (1,) * len(distribution.batch_shape))
        return {
            "log_prob": answer(distribution.log_prob, value),
            "log_prob of one": answer(distribution.log_prob, first),
            "cdf": answer(distribution.cdf, value),
            "icdf": answer(distribution.icdf, share),
            "entropy": answer(distribution.entropy),
            "perplexity": answer(distribution.perplexity),
            "values": answer(distribution.enumerate_support),
            "values of one": answer(lambda: distribution.enumerate_support(expand=False)),
            "natural": answer(lambda: distribution._natural_params),
            "normalizer": answer(
                lambda: distribution._log_normalizer(*distribution._natural_params)
            ),
            "bregman": answer(lambda: torch.distributions.ExponentialFamily.entropy(distribution)),
        }

    # PyTorch's incomplete gamma function of doubles is off by 6e-10 above 20 (MPMath agrees with
    # jtorch's).
    relative = 1e-9 if (expression[:5], dtype) == ("Gamma", "float64") else None
    each(both, expression, dtype, program, **({"relative": relative} if relative else {}))


def gradients(torch, call, parameters):
    """Return the gradients of a result's weighted sum, or the words of the refusal."""

    def found():
        result = call()
        weights = torch.arange(1, result.numel() + 1, dtype=result.dtype).reshape(result.shape)
        total = (result * weights).sum()
        return torch.autograd.grad(total, parameters, allow_unused=True)

    return answer(found)


@pytest.mark.parametrize(
    "expression", [expression for expression in DISTRIBUTIONS if "p(" in expression]
)
def test_gradients(both, expression):
    def program(torch, distribution, parameters):
        value = distribution.sample((3,))

        def asked(call):
            distribution, parameters = made(torch, expression, "float64")
            return gradients(torch, lambda: call(distribution), parameters)

        found = {
            "log_prob": asked(lambda distribution: distribution.log_prob(value)),
            "entropy": asked(lambda distribution: distribution.entropy()),
            "mean": asked(lambda distribution: distribution.mean),
            "variance": asked(lambda distribution: distribution.variance),
        }
        # PyTorch refuses any gradient through these draws: it writes to the mask behind them.
        if not expression.startswith("Wishart"):
            found["rsample"] = asked(lambda distribution: distribution.rsample((4,)))
        return found

    # PyTorch's derivative of digamma has errors of 1e-9; it hands out some gradients as views.
    near = {"relative": 5e-9, "absolute": 5e-9}
    each(both, expression, "float64", program, **near, strides=False)


@cases
def test_expand(both, expression):
    def program(torch, distribution, parameters):
        value = distribution.sample()
        wide = distribution.expand((3, *distribution.batch_shape))
        return {
            "repr": repr(wide),
            "shapes": [tuple(wide.batch_shape), tuple(wide.event_shape)],
            "held": sorted(wide.__dict__),
            "type": type(wide).__name__,
            "checks": wide._validate_args,
            "sample": wide.sample((2,)),
            "log_prob": wide.log_prob(value),
            "mean": answer(lambda: wide.mean),
            "variance": answer(lambda: wide.variance),
            "entropy": answer(wide.entropy),
            "again": repr(wide.expand((2, 3, *distribution.batch_shape))),
            "too small": answer(lambda: wide.expand((7,)).batch_shape),
        }

    each(both, expression, widest(expression), program)


@cases
def test_copies(both, expression):
    dtype = widest(expression)

    def program(torch, distribution, parameters):
        torch.manual_seed(3)
        plain = made(torch, expression.replace("p(", "x("), dtype)[0]
        found = {}
        for name, twin in {
            "deepcopy": copy.deepcopy(plain),
            "copy": copy.copy(plain),
            "pickle": pickle.loads(pickle.dumps(plain)),
        }.items():
            torch.manual_seed(4)
            found[name] = [repr(twin), type(twin).__name__, twin.sample((2,))]
        return found

    each(both, expression, dtype, program)


REFUSED = (
    "Normal(0.0, -1.0)",
    "Normal(x([0.0, float('nan')]), 1.0)",
    "Normal(x([0.0, 1.0]), x([1.0, 2.0, 3.0]))",
    "Normal('a', 1.0)",
    "Normal(0.0)",
    "Normal(0.0, 1.0, validate_args=True).log_prob(3.0)",
    "Normal(0.0, 1.0, validate_args=False).log_prob(3.0)",
    "Normal(0.0, -1.0, validate_args=False)",
    "Normal(x([0.0, 1.0]), 1.0).log_prob(x([1.0, 2.0, 3.0]))",
    "Normal(0.0, 1.0).log_prob(x(float('nan')))",
    "Normal(0.0, 1.0).enumerate_support()",
    "Normal(0.0, 1.0).sample_n(2)",
    "Normal(0.0, 1.0).sample(3)",
    "Uniform(1.0, 0.0)",
    "Uniform(x([0.0, 3.0]), x([1.0, 2.0]))",
    "Uniform(0.0, 1.0).log_prob(x(2.0))",
    "Uniform(0.0, 1.0, validate_args=False).log_prob(x([2.0, 1.0, 0.0]))",
    "Uniform(0.0, 1.0, validate_args=False).cdf(x([2.0, -1.0, 0.3]))",
    "Laplace(0.0, 0.0)",
    "Cauchy(0.0, x([-1.0]))",
    "Exponential(-1.0)",
    "Exponential(1.0).log_prob(x([-1.0]))",
    "Gamma(0.0, 1.0)",
    "Gamma(1.0, -1.0)",
    "Gamma(1.0, 1.0).log_prob(-1.0)",
    "Gamma(1.0, 1.0).log_prob(2)",
    "Gamma(2.0, 1.0).icdf(x([0.5]))",
    "Beta(0.0, 1.0)",
    "Beta(x([1.0]), x([-1.0]))",
    "Beta(1.0, 1.0).log_prob(x(1.5))",
    "Chi2(-1.0)",
    "Chi2('a')",
    "Dirichlet(x(1.0))",
    "Dirichlet(x([1.0, -1.0]))",
    "Dirichlet(x([1.0, 1.0])).log_prob(x([0.5, 0.6]))",
    "Dirichlet(x([1.0, 1.0])).log_prob(x([0.2, 0.3, 0.5]))",
    "Dirichlet([1.0, 1.0])",
    "StudentT(-1.0)",
    "StudentT(2.0).cdf(x(1.0))",
    "FisherSnedecor(-1.0, 2.0)",
    "FisherSnedecor(1.0, 2.0).log_prob(x(-1.0))",
    "VonMises(0.0, 1.0)",
    "VonMises(x([0.0]), x([-1.0]))",
    "VonMises(x([0.0]), x([1.0])).rsample()",
    "VonMises(x([0.0]), x([1.0])).entropy()",
    "ContinuousBernoulli()",
    "ContinuousBernoulli(0.5, 0.5)",
    "ContinuousBernoulli(x([1.5]))",
    "ContinuousBernoulli(x([1.5]), validate_args=True)",
    "ContinuousBernoulli(x([0.5])).log_prob(x([1.5]))",
    "GeneralizedPareto(0.0, -1.0, 0.5)",
    "GeneralizedPareto(0.0, 1.0, -0.5).log_prob(x([3.0]))",
    "GeneralizedPareto(0.0, 1.0, -0.5).log_survival_function(x([1.0, 1.5]))",
    "GeneralizedPareto(0.0, 1.0, 0.5).log_cdf(x([1.0, 1.5]))",
    "Bernoulli()",
    "Bernoulli(0.5, 0.5)",
    "Bernoulli(1.5)",
    "Bernoulli(x([0.5, -0.5]))",
    "Bernoulli(0.5).log_prob(x(0.5))",
    "Bernoulli(0.5).rsample()",
    "Bernoulli(logits=x([float('nan')]))",
    "Categorical()",
    "Categorical(x([1.0]), x([1.0]))",
    "Categorical(x(1.0))",
    "Categorical(logits=x(1.0))",
    "Categorical(x([1.0, -1.0]))",
    "Categorical(x([0.0, 0.0]))",
    "Categorical(x([1.0, 1.0])).log_prob(x([2.0]))",
    "Categorical(x([1.0, 1.0])).log_prob(x([0.5]))",
    "Categorical(x([1.0, 1.0])).log_prob(torch.tensor([[0, 1], [1, 1]]))",
    "Categorical(x([[1.0, 1.0], [1.0, 3.0]])).log_prob(torch.tensor([0, 1, 1]))",
    "Categorical(x([1.0, 1.0])).rsample()",
    "OneHotCategorical(x([1.0, 1.0])).log_prob(x([1.0, 1.0]))",
    "OneHotCategorical(x([1.0, 1.0])).log_prob(x([1.0, 0.0, 0.0]))",
    "OneHotCategorical(x([1.0, 1.0])).rsample()",
    "Binomial(-1, x([0.5]))",
    "Binomial(2.5, x([0.5]))",
    "Binomial(2, x([1.5]))",
    "Binomial(2, x([0.5]), x([0.5]))",
    "Binomial(2, x([0.5])).log_prob(x([3.0]))",
    "Binomial(2)",
    "Binomial(2, 0.5).sample((3,))",
    "Multinomial(2.0, x([0.5, 0.5]))",
    "Multinomial(2, x([0.5, 0.5])).log_prob(x([1.0, 2.0]))",
    "Multinomial(probs=x([1.0, 0.0])).log_prob(x([1.0, 0.0]))",
    "Multinomial(3, x([1.0, 0.0])).log_prob(x([3.0, 0.0]))",
    "Multinomial(3, x([1.0, 0.0])).mode",
    "NegativeBinomial(-1, x([0.5]))",
    "NegativeBinomial(1, x([1.0]))",
    "NegativeBinomial(1, x([0.5])).log_prob(x([-1.0]))",
    "NegativeBinomial(0, x([0.5])).log_prob(x([0.0, 1.0]))",
    "NegativeBinomial(1)",
    "Geometric()",
    "Geometric(0.0)",
    "Geometric(x([[0.5, 0.0], [0.0, 1.0]]))",
    "Geometric(1.5)",
    "Geometric(0.5).log_prob(x(-1.0))",
    "Geometric(x([1.0])).log_prob(x([0.0, 1.0]))",
    "Poisson(-1.0)",
    "Poisson(1.0).log_prob(x(0.5))",
    "Poisson(1.0).entropy()",
    "Poisson(torch.tensor([4])).sample()",
    "Poisson(torch.tensor([4])).log_prob(torch.tensor([4]))",
    "MultivariateNormal(x(0.0), x([[1.0]]))",
    "MultivariateNormal(x([0.0]))",
    "MultivariateNormal(x([0.0]), x([[1.0]]), x([[1.0]]))",
    "MultivariateNormal(x([0.0]), x([1.0]))",
    "MultivariateNormal(x([0.0]), scale_tril=x([1.0]))",
    "MultivariateNormal(x([0.0]), precision_matrix=x([1.0]))",
    "MultivariateNormal(x([0.0, 0.0]), x([[1.0, 2.0], [2.0, 1.0]]))",
    "MultivariateNormal(x([0.0, 0.0]), x([[1.0, 2.0], [0.0, 1.0]]))",
    "MultivariateNormal(x([0.0, 0.0]), scale_tril=x([[1.0, 2.0], [0.0, 1.0]]))",
    "MultivariateNormal(x([0.0, 0.0]), x([[1.0, 2.0], [2.0, 1.0]]), validate_args=False)",
    "MultivariateNormal(x([0.0, 0.0]), x([[1.0, 0.0], [0.0, 1.0]])).log_prob(x([1.0]))",
    "MultivariateNormal(x([[0.0, 0.0]] * 3), torch.eye(2).expand(2, 2, 2))",
    "LowRankMultivariateNormal(x(0.0), x([[1.0]]), x([1.0]))",
    "LowRankMultivariateNormal(x([0.0]), x([1.0]), x([1.0]))",
    "LowRankMultivariateNormal(x([0.0]), x([[1.0], [1.0]]), x([1.0]))",
    "LowRankMultivariateNormal(x([0.0]), x([[1.0]]), x([1.0, 1.0]))",
    "LowRankMultivariateNormal(x([[0.0]] * 3), x([[[1.0]]] * 2), x([1.0]))",
    "LowRankMultivariateNormal(x([0.0]), x([[1.0]]), x([-1.0]))",
    "Wishart(3.0)",
    "Wishart(3.0, x([1.0]))",
    "Wishart(1.0, torch.eye(2))",
    "Wishart(x([1.0, 5.0]), torch.eye(2))",
    "Wishart(3.0, x([[1.0, 2.0], [2.0, 1.0]]))",
    "Wishart(3.0, torch.eye(2)).log_prob(-torch.eye(2))",
    "LKJCholesky(1)",
    "LKJCholesky(3, -1.0)",
    "LKJCholesky(3).log_prob(torch.ones(3, 3))",
    "LKJCholesky(3).mode",
)


@pytest.mark.parametrize("expression", REFUSED)
def test_refusals_and_edges(both, expression):
    def program(torch):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            result = eval(f"D.{expression}", names_for(torch, "float32"))
        result = repr(result) if isinstance(result, torch.distributions.Distribution) else result
        return result, [f"{one.category.__name__}: {one.message}" for one in seen]

    both(program, relative=1e-5, absolute=1e-6)


@pytest.mark.parametrize(
    "expression",
    [
        "Wishart(1.5, torch.eye(2))",
        "Wishart(5.0, torch.eye(2)).sample((2,))",
        "Wishart(5.0, torch.eye(2)).rsample(max_try_correction=1)",
    ],
)
def test_warnings(both, expression):
    test_refusals_and_edges(both, expression)


def test_checks_can_be_left_off(both):
    def program(torch):
        D = torch.distributions
        found = []
        for choice in (False, True, 3, None):
            found.append(answer(D.Distribution.set_default_validate_args, choice))
            found.append(answer(lambda: repr(D.Normal(0.0, -1.0))))
            found.append(answer(lambda: D.Bernoulli(0.5).log_prob(torch.tensor(0.5))))
        D.Distribution.set_default_validate_args(True)
        return found

    both(program, relative=1e-6)


def test_subclasses(both):
    def program(torch):
        D = torch.distributions

        class Centred(D.Normal):
            def __init__(self, scale):
                super().__init__(0.0, scale)

        class Named(D.Gamma):
            pass

        return [
            answer(lambda: Centred(2.0).expand((2,))),
            repr(Centred(2.0)),
            type(Named(1.0, 2.0).expand((2,))).__name__,
            answer(lambda: D.Distribution(validate_args=False).expand((2,))),
        ]

    both(program)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_draws_of_normal_distributions_to_the_last_bit(both, dtype):
    def program(torch):
        names = names_for(torch, dtype)
        loc, scale = (names["x"](values) for values in ([0.3, -2.0], [1.7, 0.25]))
        return torch.distributions.Normal(loc, scale).sample((500,))

    both(program, exact=True)


def test_a_training_step(both):
    """A small variational model: the gradients that a user's loop relies on."""

    def program(torch):
        D = torch.distributions
        torch.manual_seed(1)
        data = D.Poisson(torch.tensor(4.0)).sample((20,))
        loc = torch.zeros((), requires_grad=True)
        log_scale = torch.zeros((), requires_grad=True)
        optimiser = torch.optim.Adam([loc, log_scale], lr=0.05)
        losses = []
        for _ in range(5):
            optimiser.zero_grad()
            posterior = D.Normal(loc, log_scale.exp())
            rate = posterior.rsample((8, 1)).exp()
            likelihood = D.Poisson(rate).log_prob(data).sum(-1).mean()
            loss = -likelihood - posterior.entropy()
            loss.backward()
            optimiser.step()
            losses.append(loss.detach())
        return torch.stack(losses), loc, log_scale

    both(program, relative=1e-5, absolute=1e-5)
