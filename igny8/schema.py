"""Joins the domains' parts by hand, so that the whole graph can be seen in one place."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from igny8.auth.graphql.queries import AuthQuery
from igny8.gql.scalars import SCALARS


@strawberry.type
class Query(AuthQuery):
    """Everything that can be read."""


def make_schema() -> strawberry.Schema:
    config = StrawberryConfig(default_resolver=lambda value, name: getattr(value, name, None), scalar_map=SCALARS)
    return strawberry.Schema(Query, config=config)
