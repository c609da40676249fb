"""The filter inputs as GraphQL knows them, without the whole schema around them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType
from graphql.utilities import coerce_input_value
from strawberry.schema.config import StrawberryConfig

from igny8.exporting.records import ExportType
from igny8.gql.scalars import SCALARS
from igny8.planner.graphql.types import KeywordFilter
from igny8.writer.graphql.types import ContentFilter

_NAMES = {ExportType.KEYWORDS: "KeywordFilter", ExportType.CONTENTS: "ContentFilter"}


@strawberry.type
class _Filters:
    @strawberry.field
    def both(self, keywords: KeywordFilter, contents: ContentFilter) -> bool:
        raise AssertionError("nobody asks for it")


@cache
def _inputs() -> Mapping[str, Any]:
    return strawberry.Schema(_Filters, config=StrawberryConfig(scalar_map=SCALARS))._schema.type_map


def input_of(type_: ExportType, given: Mapping[str, Any]) -> tuple[GraphQLInputObjectType, dict[str, Any]]:
    """The filter's type, and its values as GraphQL reads them."""
    input_type: GraphQLInputObjectType = _inputs()[_NAMES[type_]]
    return input_type, coerce_input_value(dict(given), input_type)
