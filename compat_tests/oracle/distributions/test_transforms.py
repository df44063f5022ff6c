"""Transforms, what is made by them, constraints and divergences, held against PyTorch.

The tables hold Python expressions, evaluated once for each library with these names: ``torch`` the
library, ``D`` its ``distributions``, ``C`` and ``T`` the constraints and transforms there, ``x`` a
tensor in the test's dtype, ``p`` the same requiring a gradient.
"""

from __future__ import annotations

import copy
import itertools
import operator
import pickle
import warnings

import pytest

from compat_tests.helpers import tolerances

pytestmark = pytest.mark.oracle

OF_GRADIENTS = tolerances.by_name(tolerances.DIGAMMA_GRADIENT)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


class Names(dict):
    """The names that an expression may use, the generator freshly seeded."""

    def __init__(self, torch, dtype="float32"):
        torch.manual_seed(0)
        self.parameters = []
        self.dtype = getattr(torch, dtype)
        self.torch = torch
        distributions = torch.distributions
        super().__init__(torch=torch, D=distributions, x=self.plain, p=self.parameter)
        self.update(C=distributions.constraints, T=distributions.transforms)

    def plain(self, values):
        return self.torch.tensor(values, dtype=self.dtype)

    def parameter(self, values):
        self.parameters.append(self.plain(values).requires_grad_())
        return self.parameters[-1]

    def evaluate(self, expression):
        return eval(expression, self)


def answer(call, *arguments):
    """Return what a call returns, or the exception's type and words as text."""
    try:
        return call(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def shown(value):
    return tuple(value) if type(value).__name__ == "Size" else value


def node_name(value):
    return type(getattr(value, "grad_fn", None)).__name__


def gradients(torch, call, parameters):
    """Return the gradients of a result's weighted sum, or the words of the refusal."""

    def found():
        result = call()
        weights = torch.arange(1, result.numel() + 1, dtype=result.dtype).reshape(result.shape)
        total = (result * weights).sum()
        found = torch.autograd.grad(total, parameters, allow_unused=True)
        # PyTorch's may be views of other gradients, with strides that no formula asks for.
        dense = torch.contiguous_format
        return [each if each is None else each.clone(memory_format=dense) for each in found]

    return answer(found)


def each(both, dtype, program, **tolerance):
    """Compare ``program(torch, names)`` under both libraries, warnings as part of the result."""

    def run(torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = program(torch, Names(torch, dtype))
        told = [f"{each.category.__name__}: {each.message}" for each in caught]
        return result, [text for text in told if "distribution" in text or "kl_" in text]

    both(run, **{**tolerances.by_name(tolerances.DISTRIBUTIONS[dtype]), **tolerance})


DISTRIBUTIONS = (
    "D.LogNormal(0.0, 1.0)",
    "D.LogNormal(p([0.5, -1.0]), p([[1.0], [0.5]]))",
    "D.HalfNormal(2.0)",
    "D.HalfNormal(p([0.5, 2.0]))",
    "D.HalfCauchy(2.0)",
    "D.HalfCauchy(p([0.5, 2.0]))",
    "D.Gumbel(0.0, 1.0)",
    "D.Gumbel(p([0.5, -1.0]), p([1.0, 2.0]))",
    "D.Gumbel(1.0, p([1.0, 2.0]))",
    "D.Weibull(1.0, 2.0)",
    "D.Weibull(p([0.5, 2.0]), p([1.0, 0.7]))",
    "D.Pareto(1.0, 3.0)",
    "D.Pareto(p([0.5, 2.0, 1.0]), p([0.5, 1.5, 4.0]))",
    "D.Kumaraswamy(2.0, 3.0)",
    "D.Kumaraswamy(p([0.5, 2.0, 3.0]), p([2.0, 0.7, 1.5]))",
    "D.LogisticNormal(0.0, 1.0)",
    "D.LogisticNormal(p([0.5, -1.0]), p([1.0, 2.0]))",
    "D.LogisticNormal(p([[0.5, -1.0], [0.0, 0.3]]), 1.0)",
    "D.InverseGamma(2.5, 1.0)",
    "D.InverseGamma(p([0.5, 1.5, 4.0]), p([1.0, 2.0, 0.5]))",
    "D.RelaxedBernoulli(x(0.7), 0.3)",
    "D.RelaxedBernoulli(p([0.7]), p([0.1, 0.2, 0.9]))",
    "D.RelaxedBernoulli(p(2.2), logits=p([[0.1, -0.2]]))",
    "D.relaxed_bernoulli.LogitRelaxedBernoulli(p([0.7]), p([0.1, 0.9]))",
    "D.relaxed_bernoulli.LogitRelaxedBernoulli(p([0.7]), logits=p([0.1, 0.9]))",
    "D.RelaxedOneHotCategorical(p([0.7]), p([0.1, 0.2, 0.7]))",
    "D.RelaxedOneHotCategorical(p(2.2), logits=p([[0.1, 0.2, 0.7], [1.0, 0.0, -1.0]]))",
    "D.relaxed_categorical.ExpRelaxedCategorical(p(2.2), p([0.1, 0.2, 0.7]))",
    "D.Independent(D.Normal(p([0.5, -1.0]), p([1.0, 2.0])), 1)",
    "D.Independent(D.Bernoulli(p([[0.5, 0.1]])), 0)",
    "D.Independent(D.Independent(D.Normal(x([[0.5], [1.0]]), 1.0), 1), 1)",
    "D.Independent(D.Dirichlet(p([[0.5, 1.0], [2.0, 3.0]])), 1)",
    "D.MixtureSameFamily(D.Categorical(p([0.3, 0.7])), D.Normal(p([0.0, 1.0]), p([1.0, 0.5])))",
    "D.MixtureSameFamily(D.Categorical(p([[0.3, 0.7], [0.5, 0.5]])), D.Poisson(p([3.0, 1.0])"
    ".expand(2, 2)))",
    "D.MixtureSameFamily(D.Categorical(p([0.3, 0.7])), D.Independent(D.Normal(p([[0.0, 1.0], "
    "[2.0, 3.0]]), 1.0), 1))",
    "D.MixtureSameFamily(D.Categorical(p([[0.3, 0.7]] * 2)), D.Gamma(x([[3.0, 1.0], [2.0, 2.0]]), "
    "1.0))",
    "D.TransformedDistribution(D.Uniform(0.0, 1.0), [T.SigmoidTransform().inv, "
    "T.AffineTransform(loc=1.0, scale=2.0)])",
    "D.TransformedDistribution(D.Uniform(x(0.0), x(1.0)), [T.AffineTransform(p([1.0, 2.0]), "
    "p([-2.0, 3.0]))])",
    "D.TransformedDistribution(D.Normal(p([0.5, 1.0]), 1.0), T.AffineTransform(0.0, -3.0))",
    "D.TransformedDistribution(D.Normal(p([0.5, 1.0]), 1.0), [])",
    "D.TransformedDistribution(D.Normal(x([[0.5, 1.0, 2.0, 0.0]]), 1.0), "
    "T.ReshapeTransform((4,), (2, 2)))",
    "D.TransformedDistribution(D.MultivariateNormal(x([0.5, 1.0]), torch.eye(2).to(x(0.0))), "
    "[T.ExpTransform(), T.AffineTransform(p([1.0]), 2.0, event_dim=1)])",
    "D.TransformedDistribution(D.Normal(p([0.0, 0.1, 0.2]), 1.0), T.CorrCholeskyTransform())",
    "D.TransformedDistribution(D.Normal(p([0.0, 0.1]), 1.0), [T.TanhTransform(cache_size=1)])",
    "D.TransformedDistribution(D.Normal(p(0.0), 1.0), "
    "T.CumulativeDistributionTransform(D.Normal(0.5, p(2.0))))",
)
PROPERTIES = (
    *("batch_shape", "event_shape", "has_rsample", "has_enumerate_support", "mean", "mode"),
    *("variance", "stddev", "param_shape", "probs", "logits", "loc", "scale", "concentration"),
    *("rate", "temperature", "alpha", "concentration1", "concentration0", "transforms"),
)
distributions = pytest.mark.parametrize("expression", DISTRIBUTIONS)
#: Numbers alone make a distribution of the default dtype, whatever the test's is.
in_each_dtype = pytest.mark.parametrize(
    ("expression", "dtype"),
    [
        (expression, dtype)
        for expression in DISTRIBUTIONS
        for dtype in ("float32", "float64")
        if dtype == "float32" or "p(" in expression
    ],
)


@in_each_dtype
def test_properties_and_draws(both, expression, dtype):
    def program(torch, names):
        made = names.evaluate(expression)
        found = {name: shown(answer(getattr, made, name)) for name in PROPERTIES}
        found["transforms"] = repr(found["transforms"])
        return found | {
            "repr": repr(made),
            "class": repr(type(made)),
            "support": repr(answer(lambda: made.support)),
            "discrete": answer(lambda: made.support.is_discrete),
            "support's event": answer(lambda: made.support.event_dim),
            "on the class": repr(type(made).support),
            "sample": answer(made.sample),
            "samples": answer(made.sample, (3,)),
            "more": answer(made.sample, torch.Size([2, 1])),
            "none": answer(made.sample, (0,)),
            "rsample": answer(made.rsample, (2,)),
            "node": node_name(answer(made.rsample, (2,))),
            "after": torch.rand(2),
        }

    each(both, dtype, program)


@in_each_dtype
def test_functions_and_gradients(both, expression, dtype):
    slopes = {}

    def program(torch, names):
        made = names.evaluate(expression)
        value = made.sample((3,))
        share = names.plain([0.1, 0.5, 0.9]).reshape((3,) + (1,) * len(made.batch_shape))
        found = {
            "log_prob": answer(made.log_prob, value),
            "log_prob of one": answer(made.log_prob, value[0]),
            "node": node_name(answer(made.log_prob, value)),
            "cdf": answer(made.cdf, value),
            "icdf": answer(made.icdf, share),
            "entropy": answer(made.entropy),
            "perplexity": answer(made.perplexity),
            "values": answer(made.enumerate_support),
        }
        differentiated = slopes[torch.__name__] = {}
        # Sums of terms that cancel: in single precision their rounding is all that would differ.
        if dtype == "float32":
            return found
        for name, call in {
            "rsample": lambda made: made.rsample((4,)),
            "log_prob": lambda made: made.log_prob(value),
            "cdf": lambda made: made.cdf(value),
            "entropy": lambda made: made.entropy(),
            "mean": lambda made: made.mean,
            "variance": lambda made: made.variance,
        }.items():
            fresh = Names(torch, dtype)
            other = fresh.evaluate(expression)
            call = call.__get__(other)
            differentiated[name] = gradients(torch, call, fresh.parameters)
        return found

    each(both, dtype, program)
    both(lambda torch: slopes[torch.__name__], **OF_GRADIENTS)


@distributions
def test_expanded_and_copied(both, expression):
    def program(torch, names):
        made = names.evaluate(expression)
        wide = answer(made.expand, (3, *made.batch_shape))
        if isinstance(wide, str):
            return wide
        value = made.sample()
        plain = names.evaluate(expression.replace("p(", "x("))
        twins = [copy.deepcopy(plain), copy.copy(plain), pickle.loads(pickle.dumps(plain))]
        drawn = []
        for twin in twins:
            torch.manual_seed(4)
            drawn.append([repr(twin), repr(type(twin)), twin.sample((2,))])
        return drawn, {
            "repr": repr(wide),
            "shapes": [tuple(wide.batch_shape), tuple(wide.event_shape)],
            "class": repr(type(wide)),
            "sample": wide.sample((2,)),
            "log_prob": wide.log_prob(value),
            "mean": answer(lambda: wide.mean),
            "variance": answer(lambda: wide.variance),
            "entropy": answer(wide.entropy),
            "again": repr(wide.expand((2, 3, *made.batch_shape))),
            "too small": answer(lambda: wide.expand((7,)).batch_shape),
        }

    each(both, "float32", program)


VECTOR = "[0.1, -0.4, 0.3]"
MATRIX = "[[0.3, 0.1, 2.0], [0.2, -0.4, 0.9], [1.0, 1.5, -2.0]]"
POSITIVE = "[0.1, 0.4, 3.0]"
#: A transform, and an argument.
TRANSFORMS = (
    ("T.ExpTransform()", VECTOR),
    ("T.ExpTransform(cache_size=1)", VECTOR),
    ("T.PowerTransform(2.0)", POSITIVE),
    ("T.PowerTransform(p([[-0.5], [2.0]]))", POSITIVE),
    ("T.SigmoidTransform()", "[0.1, -200.0, 30.0]"),
    ("T.SoftplusTransform()", "[0.1, -2.0, 30.0]"),
    ("T.TanhTransform()", "[0.1, -2.0, 3.0]"),
    ("T.AbsTransform()", VECTOR),
    ("T.AffineTransform(1, -2)", VECTOR),
    ("T.AffineTransform(1.0, 0.0)", VECTOR),
    ("T.AffineTransform(p([1.0, 2.0, 0.5]), p([[2.0], [-1.0]]))", VECTOR),
    ("T.AffineTransform(p([1.0, 2.0, 0.5]), p([2.0, 3.0, -1.0]), event_dim=1)", VECTOR),
    ("T.AffineTransform(1.0, 3.0, event_dim=1)", VECTOR),
    ("T.SoftmaxTransform()", VECTOR),
    ("T.StickBreakingTransform()", VECTOR),
    ("T.StickBreakingTransform()", MATRIX),
    ("T.CorrCholeskyTransform()", VECTOR),
    ("T.CorrCholeskyTransform()", "[[0.3], [2.0]]"),
    ("T.LowerCholeskyTransform()", MATRIX),
    ("T.PositiveDefiniteTransform()", MATRIX),
    ("T.ReshapeTransform((3, 3), (9,))", MATRIX),
    ("T.ReshapeTransform((), (1, 1))", VECTOR),
    ("T.identity_transform", VECTOR),
    ("T.ComposeTransform([T.AffineTransform(1.0, 3.0), T.ExpTransform()])", VECTOR),
    ("T.ComposeTransform([T.AffineTransform(1.0, -3.0), T.TanhTransform()], 1)", VECTOR),
    ("T.ComposeTransform([T.ExpTransform(), T.StickBreakingTransform()])", MATRIX),
    ("T.ComposeTransform([T.SoftmaxTransform(), T.AbsTransform()])", MATRIX),
    ("T.IndependentTransform(T.ExpTransform(), 1)", MATRIX),
    ("T.IndependentTransform(T.StickBreakingTransform(cache_size=1), 1)", MATRIX),
    ("T.IndependentTransform(T.ExpTransform(), 2)", VECTOR),
    ("T.CatTransform([T.ExpTransform(), T.AffineTransform(1.0, 2.0)], 0, [1, 2])", MATRIX),
    ("T.CatTransform([T.ExpTransform(), T.identity_transform], -1, [2, 1])", MATRIX),
    ("T.CatTransform([T.ExpTransform()] * 3, 1, cache_size=1)", MATRIX),
    (
        "T.CatTransform([T.IndependentTransform(T.ExpTransform(), 1), T.TanhTransform()], "
        "-1, [2, 1])",
        MATRIX,
    ),
    ("T.CatTransform([T.ExpTransform(), T.ExpTransform()], 3, [2, 1])", MATRIX),
    ("T.CatTransform([T.ExpTransform(), T.ExpTransform()], 0, [2, 2])", MATRIX),
    ("T.CatTransform([T.ExpTransform(), T.ExpTransform()], 0, [2])", MATRIX),
    ("T.CatTransform([T.ExpTransform(), 3], 0)", MATRIX),
    ("T.StackTransform([T.ExpTransform(), T.TanhTransform(), T.AbsTransform()], 0)", MATRIX),
    ("T.StackTransform([T.ExpTransform(), T.TanhTransform(), T.ExpTransform()], -1, 1)", MATRIX),
    ("T.StackTransform([T.ExpTransform(), T.TanhTransform()], 1)", MATRIX),
    ("T.StackTransform([T.ExpTransform(), T.TanhTransform()], 2)", MATRIX),
    ("T.StackTransform([None], 0)", MATRIX),
    ("T.CumulativeDistributionTransform(D.Normal(0.5, 2.0))", VECTOR),
    ("T.CumulativeDistributionTransform(D.Gamma(2.0, 2.0), cache_size=1)", POSITIVE),
    ("T.Transform()", VECTOR),
    ("T.ExpTransform(cache_size=2)", VECTOR),
    ("T.ReshapeTransform((3, 3), (8,))", MATRIX),
)


def described(torch, transform):
    """Return what a transform says of itself."""
    return {
        "repr": repr(transform),
        "class": repr(type(transform)),
        "domain": repr(answer(lambda: transform.domain)),
        "codomain": repr(answer(lambda: transform.codomain)),
        "bijective": answer(lambda: transform.bijective),
        "event": answer(lambda: transform.event_dim),
        "discrete": answer(lambda: transform.domain.is_discrete),
        "sign": answer(lambda: transform.sign),
        "cached": repr(answer(transform.with_cache)),
        "cache size": answer(lambda: transform.with_cache(1)._cache_size),
        "other cache": repr(answer(transform.with_cache, 3)),
        "shapes": [
            [shown(answer(method, torch.Size(shape))) for shape in ((), (3,), (2, 3), (3, 3), (9,))]
            for method in (transform.forward_shape, transform.inverse_shape)
        ],
    }


@pytest.mark.parametrize(("expression", "argument"), TRANSFORMS)
@dtypes
def test_transforms(both, expression, argument, dtype):
    def program(torch, names):
        transform = answer(names.evaluate, expression)
        if isinstance(transform, str):
            return transform
        x = names.parameter(eval(argument))
        y = answer(transform, x)
        found = {"itself": described(torch, transform), "y": y, "node": node_name(y)}
        found["same"] = transform(x) is y if not isinstance(y, str) else None
        inverse = transform.inv
        found["inverse"] = described(torch, inverse)
        found["of the inverse"] = inverse.inv is transform
        for given in (x, y, torch.zeros(())):
            found[f"{len(found)}"] = answer(inverse, given)
            found[f"{len(found)}"] = node_name(answer(inverse, given))
        for pair in ((x, y), (x, x)):
            found[f"{len(found)}"] = answer(transform.log_abs_det_jacobian, *pair)
            found[f"{len(found)}"] = answer(inverse.log_abs_det_jacobian, *reversed(pair))
        calls = (
            lambda: transform(x),
            lambda: inverse(y),
            lambda: transform.log_abs_det_jacobian(x, transform(x)),
        )
        for call in calls if dtype == "float64" else ():
            found[f"{len(found)}"] = gradients(torch, call, names.parameters)
        try:
            again = pickle.loads(pickle.dumps(names.evaluate(expression.replace("p(", "x("))))
        except Exception as error:
            return found, type(error).__name__
        return found, [repr(again), answer(again, x)]

    each(both, dtype, program)


def test_which_transforms_are_equal(both):
    def program(torch, names):
        made = [
            each
            for expression, _ in TRANSFORMS
            if not isinstance(each := answer(names.evaluate, expression), str)
        ]
        made += [names.evaluate("T.AffineTransform(x([1.0]), 2.0)"), made[0].inv, made[1].inv]
        table = []
        for left, right in itertools.product(made, made):
            table.append([answer(operator.eq, left, right), answer(operator.ne, left, right)])
        return table, answer(hash, made[0])

    each(both, "float32", program)


CONSTRAINTS = (
    *("C.boolean", "C.corr_cholesky", "C.dependent", "C.greater_than(1)", "C.less_than(2.5)"),
    *("C.greater_than_eq(x([0.0, 1.0, 2.0]))", "C.integer_interval(0, 2)", "C.interval(0, 1)"),
    *("C.half_open_interval(0.0, 1.0)", "C.lower_cholesky", "C.lower_triangular"),
    *("C.multinomial(3)", "C.nonnegative", "C.nonnegative_integer", "C.one_hot", "C.positive"),
    *("C.positive_definite", "C.positive_semidefinite", "C.positive_integer", "C.real"),
    *("C.real_vector", "C.simplex", "C.square", "C.symmetric", "C.unit_interval"),
    *("C.interval(x([0.0]), x([2.0]))", "C.interval(0.0, x(2.0))", "C._IntegerLessThan(2)"),
    "C.cat([C.positive, C.real], 0, [1, 2])",
    "C.cat([C.positive, C.simplex], -1, [1, 2])",
    "C.cat([C.positive, C.boolean], 1)",
    "C.cat([C.positive, C.real], 4)",
    "C.cat([C.positive, C.real], 0, [1])",
    "C.cat([C.positive, 1])",
    "C.stack([C.positive, C.real, C.boolean], 0)",
    "C.stack([C.positive, C.real_vector, C.simplex], -2)",
    "C.stack([C.positive, C.real], 5)",
    "C.stack([2])",
    "C.independent(C.positive, 1)",
    "C.independent(C.real_vector, 1)",
    "C.independent(C.real, 0)",
    "C.independent(3, 1)",
    "C.independent(C.real, 1.0)",
    "C.independent(C.real, -1)",
    "C.MixtureSameFamilyConstraint(C.positive)",
    "C.MixtureSameFamilyConstraint(C.real_vector)",
    "C.MixtureSameFamilyConstraint(1)",
    "C.dependent(is_discrete=True)",
    "C.dependent(event_dim=1)(is_discrete=False)",
    "C.dependent_property(is_discrete=True, event_dim=2)",
    "C.Constraint()",
)
VALUES = (
    *("1.0", "[0.0, 1.0, 2.0]", "[0.25, 0.25, 0.5]", "[0.0, 1.0, 0.0]", "[-1.0, 0.5, 4.0]"),
    *("[[1.0, 0.0], [0.0, 1.0]]", "[[1.0, 0.0], [0.6, 0.8]]", "[[2.0, 1.0], [1.0, 2.0]]"),
    *("[[1.0, 2.0], [2.0, 1.0]]", "[[0.0, 0.0], [0.0, 0.0]]", "[[1.0, 2.0, 3.0]]"),
    *("[float('nan'), float('inf'), 1.0]", "[[-1.0, 0.0], [0.0, 1.0]]", "[]"),
    "[[[2.0, 1.0], [1.0, 2.0]], [[2.0, 1.0], [0.0, 2.0]]]",
)


@pytest.mark.parametrize("expression", CONSTRAINTS)
def test_constraints(both, expression):
    def program(torch, names):
        constraint = answer(names.evaluate, expression)
        if isinstance(constraint, str):
            return constraint
        found = {
            "repr": repr(constraint),
            "discrete": answer(lambda: constraint.is_discrete),
            "event": answer(lambda: constraint.event_dim),
            "dependent": names["C"].is_dependent(constraint),
        }
        for value in VALUES:
            found[value] = answer(constraint.check, names.evaluate(f"x({value})"))
        if "property" not in expression:
            found["copies"] = repr([copy.deepcopy(constraint), copy.copy(constraint)])
            found["pickled"] = repr(pickle.loads(pickle.dumps(constraint)))
        for registry in (torch.distributions.biject_to, torch.distributions.transform_to):
            transform = answer(registry, constraint)
            found[f"{len(found)}"] = repr(transform)
            if isinstance(transform, str):
                continue
            value = names.plain([[0.1, 0.3, -0.7], [0.4, 1.0, 2.0], [-1.0, 0.2, 0.3]])
            result = answer(transform, value)
            found[f"{len(found)}"] = [result, answer(transform.inv, result)]
        return found

    each(both, "float32", program)


REGISTERED = (
    "C.positive", "C.interval", "C._GreaterThan", "int", "3", "D.Normal", "C.real_vector",
)  # fmt: skip


@pytest.mark.parametrize("expression", REGISTERED)
def test_registries(both, expression):
    def program(torch, names):
        registry = torch.distributions.constraint_registry.ConstraintRegistry()

        def make(constraint):
            return repr(constraint)

        def register():
            return registry.register(names.evaluate(expression))(make) is make

        return [
            answer(register),
            answer(registry, torch.distributions.constraints.positive),
            answer(registry, torch.distributions.constraints.real_vector),
            answer(registry, torch.distributions.constraints.interval(0, 1)),
        ]

    each(both, "float32", program)


#: Parameters that keep divergences finite where they can be.
SIDES = {
    "p": (
        "D.Bernoulli(p([0.3, 0.6, 0.0, 1.0]))",
        "D.Beta(p([1.5, 2.0]), p([2.5, 3.0]))",
        "D.Binomial(x([30.0, 30.0]), p([0.3, 0.6]))",
        "D.Categorical(p([[0.3, 0.7], [0.0, 1.0]]))",
        "D.Cauchy(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.Chi2(p([3.0, 4.0]))",
        "D.ContinuousBernoulli(p([0.3, 0.6]))",
        "D.Dirichlet(p([[0.3, 2.0], [1.0, 3.0]]))",
        "D.Exponential(p([0.3, 2.0]))",
        "D.Gamma(p([1.5, 2.0]), p([2.5, 3.0]))",
        "D.GeneralizedPareto(x([0.0]), x([1.0]), x([0.3]))",
        "D.Geometric(p([0.3, 0.6]))",
        "D.Gumbel(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.HalfNormal(p([1.0, 2.0]))",
        "D.HalfCauchy(p([1.0, 2.0]))",
        "D.Independent(D.Normal(p([0.1, 2.0]), p([1.0, 2.0])), 1)",
        "D.InverseGamma(p([1.5, 2.0]), p([2.5, 3.0]))",
        "D.Laplace(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.LogNormal(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.LogisticNormal(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.LowRankMultivariateNormal(p([0.1, 2.0]), p([[1.0], [2.0]]), p([1.0, 0.5]))",
        "D.MultivariateNormal(p([0.1, 2.0]), p([[2.0, 0.3], [0.3, 1.0]]))",
        "D.Multinomial(2, p([0.1, 2.0]))",
        "D.NegativeBinomial(2, p([0.1, 0.2]))",
        "D.Normal(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.OneHotCategorical(p([[0.3, 0.7], [0.0, 1.0]]))",
        "D.Pareto(p([1.0, 2.0]), p([3.0, 0.5]))",
        "D.Poisson(p([0.1, 2.0]))",
        "D.StudentT(p([3.0, 2.0]))",
        "D.Uniform(p([0.25, 0.1]), p([0.75, 2.0]))",
        "D.VonMises(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.Weibull(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.Wishart(x(5.0), p([[2.0, 0.3], [0.3, 1.0]]))",
    ),
    "q": (
        "D.Bernoulli(p([0.5, 0.2, 0.4, 0.5]))",
        "D.Bernoulli(p([1.0, 0.2, 0.0, 1.0]))",
        "D.Beta(p([1.2, 0.5]), p([1.1, 4.0]))",
        "D.Binomial(x([30.0, 20.0]), p([0.5, 0.2]))",
        "D.Binomial(x([40.0, 20.0]), p([0.5, 0.2]))",
        "D.Categorical(p([0.4, 0.6]))",
        "D.Categorical(p([0.0, 0.6]))",
        "D.Cauchy(p([0.3, 1.0]), p([2.0, 0.5]))",
        "D.Chi2(p([5.0, 2.0]))",
        "D.ContinuousBernoulli(p([0.4, 0.5]))",
        "D.Dirichlet(p([[0.5, 1.0]]))",
        "D.Exponential(p([1.3, 0.2]))",
        "D.Gamma(p([1.2, 0.5]), p([1.1, 4.0]))",
        "D.GeneralizedPareto(x([0.0]), x([1.0]), x([0.3]))",
        "D.Geometric(p([0.4, 0.5]))",
        "D.Gumbel(p([0.3, 1.0]), p([2.0, 0.5]))",
        "D.HalfNormal(p([2.0, 0.5]))",
        "D.HalfCauchy(p([2.0, 0.5]))",
        "D.Independent(D.Normal(p([0.3, 1.0]), p([2.0, 0.5])), 1)",
        "D.Independent(D.Normal(p([0.3, 1.0]), p([2.0, 0.5])), 0)",
        "D.InverseGamma(p([1.2, 0.5]), p([1.1, 4.0]))",
        "D.Laplace(p([0.3, 1.0]), p([2.0, 0.5]))",
        "D.LogNormal(p([0.3, 1.0]), p([2.0, 0.5]))",
        "D.LogisticNormal(p([0.3, 1.0]), p([2.0, 0.5]))",
        "D.LowRankMultivariateNormal(p([0.3, 1.0]), p([[0.4], [0.3]]), p([2.0, 0.7]))",
        "D.LowRankMultivariateNormal(p([0.3]), p([[0.4]]), p([2.0]))",
        "D.MultivariateNormal(p([0.3, 1.0]), p([[1.0, -0.3], [-0.3, 2.0]]))",
        "D.MultivariateNormal(p([[0.3, 1.0]] * 3), scale_tril=p([[[1.0, 0.0], [-0.3, 2.0]]] * 3))",
        "D.MultivariateNormal(p([0.3]), p([[1.0]]))",
        "D.Multinomial(2, p([0.3, 1.0]))",
        "D.NegativeBinomial(2, p([0.3, 0.5]))",
        "D.Normal(p([0.3, 1.0]), p([2.0, 0.5]))",
        "D.OneHotCategorical(p([0.4, 0.6]))",
        "D.Pareto(p([0.01, 3.0]), p([2.0, 1.5]))",
        "D.Poisson(p([0.3, 1.0]))",
        "D.StudentT(p([3.0, 2.0]))",
        "D.Uniform(p([0.0, -3.0]), p([1.0, 9.0]))",
        "D.Uniform(p([0.1, 0.3]), p([0.9, 1.0]))",
        "D.VonMises(p([0.3, 1.0]), p([2.0, 0.5]))",
        "D.Weibull(p([0.1, 2.0]), p([1.0, 2.0]))",
        "D.Wishart(x(4.0), p([[1.0, -0.3], [-0.3, 2.0]]))",
    ),
}


@pytest.mark.parametrize("expression", SIDES["p"])
def test_divergences(both, expression):
    """From one distribution to each of the others."""
    slopes = {}

    def program(torch, names):
        found = {}
        differentiated = slopes[torch.__name__] = {}
        for other in SIDES["q"]:
            names = Names(torch, "float64")
            p, q = answer(names.evaluate, expression), answer(names.evaluate, other)
            result = answer(torch.distributions.kl_divergence, p, q)
            found[other] = [result, node_name(result)]
            if not isinstance(result, str):
                differentiated[other] = gradients(torch, lambda: result, names.parameters)  # noqa: B023
        return found

    each(both, "float64", program)
    both(lambda torch: slopes[torch.__name__], **OF_GRADIENTS)


def test_registered_divergences(both):
    """The closest function is chosen, and what is ambiguous is told."""

    def program(torch, names):
        normal, register = torch.distributions.Normal, torch.distributions.register_kl

        class One(normal):
            pass

        class Two(One):
            pass

        found = [answer(torch.distributions.kl_divergence, One(0.0, 1.0), Two(1.0, 2.0))]
        register(normal, Two)(lambda p, q: "normal, two")
        found.append(torch.distributions.kl_divergence(One(0.0, 1.0), Two(1.0, 2.0)))
        register(One, normal)(lambda p, q: "one, normal")
        found.append(torch.distributions.kl_divergence(One(0.0, 1.0), Two(1.0, 2.0)))
        found.append(torch.distributions.kl_divergence(One(0.0, 1.0), One(1.0, 2.0)))
        register(One, Two)(lambda p, q: "one, two")
        found.append(torch.distributions.kl_divergence(Two(0.0, 1.0), Two(1.0, 2.0)))
        found.append(answer(register, 3, normal))
        found.append(answer(register, normal, "x"))
        found.append(answer(torch.distributions.kl_divergence, 3, 4))
        registry = torch.distributions.kl._KL_REGISTRY
        for pair in [pair for pair in registry if One in pair or Two in pair]:
            del registry[pair]
        torch.distributions.kl._KL_MEMOIZE.clear()
        return found

    each(both, "float64", program)


REFUSED = (
    "D.LogNormal(0.0, -1.0)",
    "D.LogNormal(0.0, 1.0).log_prob(x([-1.0, 1.0]))",
    "D.LogNormal(0.0, 1.0).log_prob(1.0)",
    "D.HalfNormal(-1.0)",
    "D.HalfNormal(1.0).log_prob(x(-1.0))",
    "D.HalfNormal(1.0).cdf(x(-1.0))",
    "D.HalfNormal(1.0, validate_args=False).log_prob(x([-1.0, 1.0]))",
    "D.HalfCauchy(x([1.0, -1.0]))",
    "D.HalfCauchy(1.0, validate_args=False).log_prob(-1.0)",
    "D.Gumbel(x([0.0]), x([0.0]))",
    "D.Gumbel(0.0, float('nan'))",
    "D.Gumbel(0, 1)",
    "D.Gumbel(torch.tensor([1]), torch.tensor([1]))",
    "D.Weibull(0.0, 1.0)",
    "D.Weibull(1.0, 1.0).log_prob(x(0.0))",
    "D.Pareto(0.0, 1.0)",
    "D.Pareto(1.0, x([1.0, 2.0])).log_prob(x([0.5, 2.0]))",
    "D.Kumaraswamy(0.0, 1.0)",
    "D.Kumaraswamy(1.0, 1.0).log_prob(x(2.0))",
    "D.LogisticNormal(x([0.0, 1.0]), x([1.0, -1.0]))",
    "D.LogisticNormal(x([0.0, 1.0]), 1.0).log_prob(x([0.5, 0.5]))",
    "D.LogisticNormal(x([0.0, 1.0]), 1.0).log_prob(x([0.5, 0.5, 0.5]))",
    "D.LogisticNormal(x([0.0, 1.0]), 1.0).mean",
    "D.LogisticNormal(x([0.0, 1.0]), 1.0).mode",
    "D.InverseGamma(0.0, 1.0)",
    "D.InverseGamma(1.0, 1.0).log_prob(x(-1.0))",
    "D.RelaxedBernoulli(x(1.0))",
    "D.RelaxedBernoulli(x(1.0), 0.5, 0.5)",
    "D.RelaxedBernoulli(x(1.0), 1.5)",
    "D.RelaxedBernoulli(x(1.0), 0.5).log_prob(x(1.5))",
    "D.RelaxedBernoulli(1.0, 0.5).log_prob(x(0.5))",
    "D.RelaxedOneHotCategorical(x(1.0))",
    "D.RelaxedOneHotCategorical(x(1.0), x(1.0))",
    "D.RelaxedOneHotCategorical(x(1.0), x([0.5, 0.5])).log_prob(x([0.5, 0.6]))",
    "D.Independent(D.Normal(0.0, 1.0), 1)",
    "D.Independent(D.Normal(x([0.0]), 1.0), 1).enumerate_support()",
    "D.Independent(D.Normal(x([0.0, 1.0]), 1.0), 1).log_prob(x([1.0, 2.0, 3.0]))",
    "D.Independent(D.Cauchy(x([0.0, 1.0]), 1.0), 1).cdf(x([1.0, 2.0]))",
    "D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(x([0.0]), 1.0))",
    "D.MixtureSameFamily(D.Categorical(x([0.5, 0.5])), 3)",
    "D.MixtureSameFamily(D.Categorical(x([0.5, 0.5])), D.Normal(x([0.0]), 1.0))",
    "D.MixtureSameFamily(D.Categorical(x([[0.5, 0.5]] * 3)), D.Normal(x([[0.0, 1.0]] * 2), 1.0))",
    "D.MixtureSameFamily(D.Categorical(x([0.5, 0.5])), D.Gamma(x([1.0, 1.0]), 1.0))"
    ".log_prob(x([-1.0]))",
    "D.MixtureSameFamily(D.Categorical(x([0.5, 0.5])), D.Gamma(x([1.0, 1.0]), 1.0)).rsample()",
    "D.MixtureSameFamily(D.Categorical(x([0.3, 0.7])), D.Gamma(x([[3.0, 1.0], [2.0, 2.0]]), 1.0))"
    ".sample((3,))",
    "D.MixtureSameFamily(D.Categorical(x([0.3, 0.7])), D.Gamma(x([[3.0, 1.0], [2.0, 2.0]]), 1.0))"
    ".variance",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), 3)",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), [3])",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), (T.ExpTransform(),))",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), T.StickBreakingTransform())",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), T.ExpTransform()).log_prob(x(-1.0))",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), T.ExpTransform()).cdf(x(-1.0))",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), T.AbsTransform()).log_prob(x(1.0))",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), T.AbsTransform()).cdf(x(1.0))",
    "D.TransformedDistribution(D.Normal(0.0, 1.0), T.AbsTransform()).entropy()",
    "D.TransformedDistribution(D.Poisson(1.0), T.ExpTransform()).rsample()",
    "D.Distribution()",
    "D.Distribution(validate_args=False)",
    "D.Distribution(validate_args=False).mode",
    "D.Distribution(validate_args=False).sample()",
    "D.Distribution(validate_args=False).expand((2,))",
    "D.Distribution(validate_args=False).support",
    "D.Distribution.set_default_validate_args(3)",
    "D.Normal(0.0, 1.0).sample_n(3)",
    "type('Mine', (D.Normal,), {'__init__': lambda self: D.Normal.__init__(self, 0.0, 1.0)})()"
    ".expand((2,))",
    "type('Mine', (D.LogNormal,), {})(0.0, 1.0).expand((2,))",
    "type('Bare', (D.Distribution,), {'arg_constraints': {}})()._validate_sample(x(1.0))",
    "D.utils.broadcast_all(1.0, 'a')",
    "D.utils.broadcast_all(1.0, 2, True)",
    "D.utils.broadcast_all(1, x([1.0, 2.0]), x([[3.0]]))",
    "D.utils.broadcast_all(x([1.0, 2.0]), x([1.0, 2.0, 3.0]))",
    "D.utils.broadcast_all(1, torch.tensor([1, 2]))",
    "D.utils.probs_to_logits(x([0.0, 0.5, 1.0]))",
    "D.utils.probs_to_logits(x([0.0, 0.5, 1.0]), is_binary=True)",
    "D.utils.logits_to_probs(x([0.0, 0.5, 1.0]))",
    "D.utils.logits_to_probs(x([0.0, 0.5, 1.0]), is_binary=True)",
    "D.utils.clamp_probs(torch.tensor([0, 1]))",
    "D.utils.tril_matrix_to_vec(x([[1.0, 2.0], [3.0, 4.0]]), -1)",
    "D.utils.tril_matrix_to_vec(x([[1.0, 2.0], [3.0, 4.0]]), 1)",
    "D.utils.tril_matrix_to_vec(x([[1.0, 2.0], [3.0, 4.0]]), 2)",
    "D.utils.vec_to_tril_matrix(x([1.0, 2.0, 3.0]))",
    "D.utils.vec_to_tril_matrix(x([[1.0, 2.0, 3.0]]), -1)",
    "D.utils.vec_to_tril_matrix(x([1.0, 2.0]))",
    "D.utils.euler_constant",
)


@pytest.mark.parametrize("expression", REFUSED)
def test_refusals(both, expression):
    """What is refused, in PyTorch's words, and what is let pass."""

    def program(torch, names):
        result = answer(names.evaluate, expression)
        return repr(result) if isinstance(result, torch.distributions.Distribution) else result

    each(both, "float32", program)


def test_names():
    import torch

    import jtorch

    ours, theirs = jtorch.distributions, torch.distributions
    assert ours.__all__ == theirs.__all__
    for name in ("constraints", "transforms", "utils", "kl", "constraint_registry"):
        assert getattr(ours, name).__all__ == getattr(theirs, name).__all__, name

    def pairs(registry):
        return {(p.__name__, q.__name__) for p, q in registry}

    assert pairs(ours.kl._KL_REGISTRY) == pairs(theirs.kl._KL_REGISTRY)
