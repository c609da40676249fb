"""The starter catalog is complete and says what the plans promise."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from igny8.auth import catalog
from igny8.auth.catalog import IndustryTemplate, PlanTemplate, SeedKeywordTemplate
from igny8.auth.tables import SearchIntent
from igny8.limits import PlanLimit

SEED = {"keyword": "blue shoes", "volume": 10, "difficulty": 5, "intent": "COMMERCIAL"}


def test_there_are_enough_industries_sectors_and_keywords() -> None:
    industries = catalog.industries()
    assert len(industries) >= 14
    assert [industry.name for industry in industries] == sorted(industry.name for industry in industries)
    for industry in industries:
        assert 4 <= len(industry.sectors) <= 8
        assert {len(sector.seed_keywords) for sector in industry.sectors} <= {5, 6, 7, 8}


def test_no_name_is_there_twice() -> None:
    industries = catalog.industries()
    sectors = [sector for industry in industries for sector in industry.sectors]
    keywords = [seed.keyword for sector in sectors for seed in sector.seed_keywords]
    for names in (
        [industry.slug for industry in industries],
        [industry.name for industry in industries],
        [sector.slug for sector in sectors],
        keywords,
    ):
        assert len(names) == len(set(names))


def test_every_known_intent_is_there() -> None:
    found = {
        seed.intent
        for industry in catalog.industries()
        for sector in industry.sectors
        for seed in sector.seed_keywords
    }
    assert found == set(SearchIntent) - {SearchIntent.UNKNOWN}


def test_descriptions_are_sentences() -> None:
    for industry in catalog.industries():
        for told in (industry.description, *(sector.description for sector in industry.sectors)):
            assert told.endswith(".")
            assert "  " not in told


def test_the_plans_are_those_of_the_price_list() -> None:
    limits = (PlanLimit.SITES, PlanLimit.USERS, PlanLimit.KEYWORDS, PlanLimit.CLUSTERS, PlanLimit.API_KEYS)
    found = [
        (plan.slug, plan.price, plan.included_credits, *(plan.limits[limit] for limit in limits))
        for plan in catalog.plans()
    ]
    assert found == [
        ("free-trial", Decimal(0), 2_000, 2, 3, 1_000, 100, 3),
        ("starter", Decimal(49), 5_000, 3, 5, 5_000, 500, 5),
        ("growth", Decimal(149), 20_000, 5, 10, 20_000, 2_000, 20),
        ("scale", Decimal(449), 80_000, None, None, None, None, None),
    ]
    assert [plan.slug for plan in catalog.plans() if plan.is_default] == ["free-trial"]


def test_derived_limits_follow_the_clusters() -> None:
    for plan in catalog.plans():
        clusters = plan.limits[PlanLimit.CLUSTERS]
        ten = None if clusters is None else 10 * clusters
        assert [plan.limits[name] for name in (PlanLimit.IDEAS, PlanLimit.TASKS, PlanLimit.CONTENTS)] == [ten] * 3
        assert plan.limits[PlanLimit.IMAGES] == (None if ten is None else 3 * ten)
        assert plan.limits[PlanLimit.SECTORS_PER_SITE] == 5
    assert [plan.limits[PlanLimit.STORAGE_MB] for plan in catalog.plans()] == [1_024, 5_120, 25_600, 256_000]


@pytest.mark.parametrize(
    "changed",
    [
        {"difficulty": 101},
        {"volume": -1},
        {"volume": "10"},
        {"intent": "BUY"},
        {"keyword": "Blue  Shoes"},
        {"cpc": 1},
    ],
)
def test_a_wrong_keyword_is_refused(changed: dict[str, object]) -> None:
    SeedKeywordTemplate.model_validate({**SEED, "intent": SearchIntent.COMMERCIAL})
    with pytest.raises(ValidationError):
        SeedKeywordTemplate.model_validate({**SEED, "intent": SearchIntent.COMMERCIAL, **changed})


def test_a_repeated_sector_or_keyword_is_refused() -> None:
    whole = catalog.industries()[0].model_dump()
    first = whole["sectors"][0]
    with pytest.raises(ValidationError, match=f"{first['slug']} is there twice"):
        IndustryTemplate.model_validate({**whole, "sectors": (*whole["sectors"][1:], first, first)})
    seeds = first["seed_keywords"]
    twice = {**first, "seed_keywords": (*seeds[1:], seeds[1])}
    with pytest.raises(ValidationError, match=f"{seeds[1]['keyword']} is there twice"):
        IndustryTemplate.model_validate({**whole, "sectors": (*whole["sectors"][1:], twice)})


def test_a_plan_that_forgets_a_limit_is_refused() -> None:
    whole = catalog.plans()[0].model_dump()
    limits = {name: most for name, most in whole["limits"].items() if name is not PlanLimit.IMAGES}
    with pytest.raises(ValidationError, match="limits lacks IMAGES"):
        PlanTemplate.model_validate({**whole, "limits": limits})
