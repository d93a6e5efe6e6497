"""The registry of the book's claims."""

import re
from pathlib import Path

import pytest
import yaml

from lowrank_core.claims import registry
from lowrank_core.claims.claim import MIN_BOOK_SEEDS
from lowrank_core.errors import ArgumentError

ROOT = Path(__file__).parents[2]
CLAIMS = registry.all_claims()


def files_of(toc):
    """Every page that a table of contents names, at any depth."""
    if isinstance(toc, dict):
        yield from (value for key, value in toc.items() if key in ("file", "root"))
        toc = list(toc.values())
    if isinstance(toc, list):
        for part in toc:
            yield from files_of(part)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_stands_in_a_chapter_of_the_book(claim):
    assert claim.chapter in set(files_of(yaml.safe_load((ROOT / "_toc.yml").read_text())))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_rests_on_enough_seeds(claim):
    assert claim.seeds["book"] >= MIN_BOOK_SEEDS == 8
    assert min(claim.seeds.values()) >= 1


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_scale_declares_the_same_sizes(claim):
    # None at all, where the seeds alone choose the instances.
    names = [set(sizes) for sizes in claim.sizes.values()]
    assert names[0] == names[1] == names[2]


def test_no_claim_rests_on_itself():
    uses = {claim.id: set(claim.uses) for claim in CLAIMS}
    while uses:
        ready = {claim_id for claim_id, needed in uses.items() if not needed & set(uses)}
        assert ready, f"these claims rest on one another: {sorted(uses)}"
        uses = {claim_id: needed for claim_id, needed in uses.items() if claim_id not in ready}


def test_an_id_is_declared_once(declare):
    declare()
    with pytest.raises(ArgumentError, match=r"id = 'test.claim': this claim is declared already"):
        declare()


def test_used_claims_must_exist(declare):
    declare(uses=("xiong2024.riccati", "test.missing"))
    with pytest.raises(ArgumentError, match=r"claim test.claim: uses = \['test.missing'\]: no such claims"):
        registry._load.__wrapped__()


@pytest.mark.parametrize(
    ("asked", "suggested"),
    [
        ("xiong2024.ricati", "xiong2024.riccati"),
        ("riccati", "xiong2024.riccati"),
        ("xiong2024.symmetric-uper-bound", "xiong2024.symmetric-upper-bound"),
    ],
)
def test_unknown_ids_suggest_the_nearest(asked, suggested):
    with pytest.raises(ArgumentError, match=rf"claim_id = '{asked}'.*did you mean .*{suggested}"):
        registry.find(asked)


def test_ids_like_no_other_point_to_the_list():
    with pytest.raises(ArgumentError) as caught:
        registry.find("§§§")
    assert caught.value.fix == "`python -m lowrank_core claims list` shows all"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_source_is_the_declaration_and_the_function(claim):
    source = registry.source(claim.id)
    declaration, _, body = source.partition(f"def {claim.function.__name__}(setting: Setting) -> Evidence:\n")
    assert re.match(r"@[A-Z_]+\.claim\(\n", declaration)
    assert f'"{claim.id}",\n' in declaration
    assert body.rstrip().splitlines()[-1].startswith(("    return ", "    )"))


def test_the_order_is_that_of_the_book_whatever_was_imported_first(monkeypatch):
    monkeypatch.setattr(registry, "_CLAIMS", dict(reversed(registry._CLAIMS.items())))
    assert registry.all_claims() == CLAIMS
    assert list(dict.fromkeys(claim.paper for claim in CLAIMS)) == list(registry.PAPERS)


def test_no_module_with_claims_is_left_out():
    folder = Path(registry.__file__).parent
    written = {path for path in folder.rglob("*.py") if "\n@claim(\n" in path.read_text(encoding="utf8")}
    listed = {folder.joinpath(*name.split(".")[2:]).with_suffix(".py") for name in registry._load()}
    assert written <= listed


def test_no_paper_stands_on_the_modules_of_another():
    # What several papers share has a room of its own, claims/experiments.
    folder = Path(registry.__file__).parent
    for path in folder.rglob("*.py"):
        own = path.relative_to(folder).parts[0].removesuffix(".py")
        if own in registry.PAPERS:
            found = re.findall(
                r"lowrank_core\.claims\.([a-z]+\d{4}|engine)\b", path.read_text(encoding="utf8")
            )
            assert set(found) <= {own}, path


def test_claims_by_paper():
    assert registry.all_claims("xiong2024") == [claim for claim in CLAIMS if claim.paper == "xiong2024"]
    assert [registry.find(claim.id) for claim in CLAIMS] == CLAIMS
