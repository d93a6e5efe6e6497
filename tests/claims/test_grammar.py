"""What claims are written with: pages, sizes in one row a parameter, variants with numbers, sweeps."""

import pickle
from types import SimpleNamespace

import pytest
import torch

from lowrank_core.claims import registry
from lowrank_core.claims.grammar import Criterion, Evidence, Page, Setting, Sweep, at, each, scales
from lowrank_core.errors import ArgumentError
from lowrank_core.factors import Factors, gaussian_start
from lowrank_core.methods import GradientDescent
from lowrank_core.problem import observe
from lowrank_core.sensing import gaussian_symmetric
from lowrank_core.solver import solve
from lowrank_core.truth import psd


def test_a_plain_value_stands_for_every_scale_and_each_for_one_a_scale():
    assert scales(n=each(6, 12, 40), eta=0.1, ks=each((1,), (1, 2), None)) == {
        "smoke": {"n": 6, "eta": 0.1, "ks": (1,)},
        "book": {"n": 12, "eta": 0.1, "ks": (1, 2)},
        "full": {"n": 40, "eta": 0.1, "ks": None},
    }


def test_parameters_keep_their_order():
    assert {tuple(sizes) for sizes in scales(b=1, a=each(1, 2, 3), c=2).values()} == {("b", "a", "c")}


def test_shared_rows_may_differ_by_scale():
    shared = {"n": each(6, 12, 40), "eta": 0.1}
    assert scales(**shared | {"eta": each(1, 2, 3)})["full"] == {"n": 40, "eta": 3}


def test_no_parameters_leave_every_scale_empty():
    assert scales() == {"smoke": {}, "book": {}, "full": {}}


@pytest.mark.parametrize("values", [(1, 2), (1, 2, 3, 4)])
def test_each_scale_has_its_value(values):
    with pytest.raises(TypeError):
        each(*values)


def test_a_variant_reads_as_its_numbers_and_carries_them():
    one, both, words = at(k=4), at(k=1_000_000, α=1e-5), at("k = n", k=20)
    assert (one, both, words) == ("k = 4", "k = 1000000, α = 1e-05", "k = n")
    assert (one.number, words.number) == (4, 20)
    assert dict(both.numbers) == {"k": 1_000_000, "α": 1e-5}
    assert at(**{"η/σ₁": 0.50}) == "η/σ₁ = 0.5"
    with pytest.raises(ValueError, match="too many"):
        both.number  # noqa: B018
    copy = pickle.loads(pickle.dumps(words))
    assert (copy, copy.number) == ("k = n", 20)
    assert {one: 1}["k = 4"] == 1


@pytest.fixture
def page(monkeypatch):
    registry.all_claims()
    monkeypatch.setattr(registry, "_CLAIMS", dict(registry._CLAIMS))
    return Page("chapters/test/page", full=64)


SIZE = Criterion("size", 1, 1, exact="one", uncontrolled="it is one")
REST = {"reference": "nowhere", "kind": "identity", "edgeless": "it has no sizes"}


def test_a_page_gives_its_claims_what_they_share(page):
    @page.claim("test.one", "one", SIZE, states="prop-one", **REST)
    def one(setting):
        return Evidence({SIZE: 1.0})

    assert (one.chapter, one.criteria, one.states) == ("chapters/test/page", (SIZE,), ("prop-one",))
    assert one.seeds == {"smoke": 3, "book": 8, "full": 64}
    assert registry.find("test.one") is one


def test_a_claim_may_differ_from_its_page_in_single_scales(page):
    claim = page.claim("test.one", "one", SIZE, states=("a", "b"), seeds={"book": 20}, **REST)(
        lambda s: Evidence()
    )
    assert claim.seeds == {"smoke": 3, "book": 20, "full": 64}
    assert claim.states == ("a", "b")


def test_a_slip_in_a_declaration_is_named(page):
    with pytest.raises(ArgumentError, match=r"test\.one.*unexpected keyword argument 'contrl'"):
        page.claim("test.one", "one", SIZE, contrl="x", **REST)(lambda s: Evidence())
    with pytest.raises(ArgumentError, match="a claim needs a criterion"):
        page.claim("test.one", "one", **REST)(lambda s: Evidence())


SEEDS = (4, 7)
ALPHAS = (1.0, 0.5, 0.1)


@pytest.fixture
def setting():
    return Setting(SEEDS, SimpleNamespace(n=5), torch.device("cpu"))


def test_a_sweep_runs_all_values_on_each_seed(setting):
    sweep = Sweep(setting, α=ALPHAS)
    assert sweep.seeds == sweep.setting.seeds == (4, 4, 4, 7, 7, 7)
    assert sweep.variants == ["α = 1", "α = 0.5", "α = 0.1"]
    assert sweep.column().shape == (6, 1, 1)
    assert sweep.column(ndim=1).tolist() == [*ALPHAS, *ALPHAS]
    parts = sweep.split(torch.arange(12.0).reshape(6, 2))
    assert list(parts) == sweep.variants
    assert parts["α = 0.5"].tolist() == [[2.0, 3.0], [8.0, 9.0]]


def test_a_sweep_is_as_good_as_a_run_for_each_value_and_stores_each_ensemble_once(setting):
    def run(seeds, scale):
        operator = gaussian_symmetric(5, 30, seeds)
        start = Factors(scale * gaussian_start(5, 2, 1.0, seeds).left)
        return operator, solve(observe(psd(5, [1.0], seeds), operator), GradientDescent(0.05), start, 40)

    sweep = Sweep(setting, α=ALPHAS)
    operator, together = run(sweep.seeds, sweep.column())
    assert operator.entries.shape[0] == len(SEEDS)
    for variant, error in sweep.split(together.error).items():
        alone = run(SEEDS, variant.number)[1].error
        assert (error - alone).abs().max() <= 1e-12 * alone.max()


def test_several_parameters_go_side_by_side_under_labels_of_their_own(setting):
    sweep = Sweep(setting, ("small", "large"), k=(2, 3), α=(0.1, 0.2))
    assert sweep.variants == ["small", "large"]
    assert dict(sweep.variants[1].numbers) == {"k": 3, "α": 0.2}
    assert sweep.column("α", ndim=1).tolist() == [0.1, 0.2, 0.1, 0.2]


@pytest.mark.parametrize("values", [{}, {"α": ()}, {"α": (1, 2), "k": (1,)}])
def test_a_sweep_needs_values_equally_many_of_each(setting, values):
    with pytest.raises(ArgumentError, match="a sweep needs values"):
        Sweep(setting, **values)
