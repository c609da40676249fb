"""The starter catalog: industries with sectors and seed keywords, and the plans; JSON files beside this module.

Operators change the rows they become, not these files; a mistake in a file stops the reading, never an account.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from importlib.resources import files
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from igny8.auth.tables import SearchIntent
from igny8.limits import PlanLimit

_FOLDER: Final = files("igny8.auth").joinpath("catalog")


def _slug(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError("a slug is lower-case words joined by hyphens")
    return text


def _keyword(text: str) -> str:
    if text != " ".join(text.casefold().split()):
        raise ValueError("a seed keyword is lower-case words with single spaces")
    return text


Slug = Annotated[str, Field(max_length=60), AfterValidator(_slug)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0)]


class _Template(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class SeedKeywordTemplate(_Template):
    """A search phrase with its monthly searches and how hard it is to rank for (0-100)."""

    keyword: Annotated[Text, AfterValidator(_keyword)]
    volume: Count
    difficulty: Annotated[int, Field(ge=0, le=100)]
    intent: SearchIntent


class SectorTemplate(_Template):
    """What a site's sector can be made from."""

    slug: Slug
    name: Text
    description: Text
    seed_keywords: Annotated[tuple[SeedKeywordTemplate, ...], Field(min_length=5, max_length=8)]

    @model_validator(mode="after")
    def _keywords_differ(self) -> Self:
        _refuse_repeated(seed.keyword for seed in self.seed_keywords)
        return self


class IndustryTemplate(_Template):
    """A field of business with its usual sectors."""

    slug: Slug
    name: Text
    description: Text
    sectors: Annotated[tuple[SectorTemplate, ...], Field(min_length=4, max_length=8)]

    @model_validator(mode="after")
    def _sectors_differ(self) -> Self:
        _refuse_repeated(sector.slug for sector in self.sectors)
        return self


class PlanTemplate(_Template):
    """A plan to start with. A limit of None is unlimited; each limit is named. Exactly one plan is the default."""

    slug: Slug
    name: Text
    price: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]
    currency: Literal["USD"]
    billing_cycle: Literal["MONTHLY", "ANNUAL"]
    included_credits: Count
    is_default: bool
    limits: dict[PlanLimit, Count | None]
    features: tuple[Text, ...]

    @model_validator(mode="after")
    def _every_limit_is_named(self) -> Self:
        missing = [limit.value for limit in PlanLimit if limit not in self.limits]
        if missing:
            raise ValueError(f"limits lacks {', '.join(missing)}")
        return self


def industries() -> list[IndustryTemplate]:
    """All industries by name; a file is named after its slug. Raises pydantic.ValidationError or ValueError."""
    found = []
    for file in _FOLDER.joinpath("industries").iterdir():
        industry = IndustryTemplate.model_validate_json(file.read_bytes())
        if file.name != f"{industry.slug}.json":
            raise ValueError(f"{file.name}: the file of {industry.slug} is named after it")
        found.append(industry)
    return sorted(found, key=lambda industry: industry.name)


def plans() -> list[PlanTemplate]:
    """All plans, the cheapest first. Raises pydantic.ValidationError or ValueError."""
    found = TypeAdapter(list[PlanTemplate]).validate_json(_FOLDER.joinpath("plans.json").read_bytes())
    _refuse_repeated(plan.slug for plan in found)
    if sum(plan.is_default for plan in found) != 1:
        raise ValueError("exactly one plan is the default")
    return sorted(found, key=lambda plan: plan.price)


def _refuse_repeated(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name} is there twice")
        seen.add(name)
