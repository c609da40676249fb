"""The filters of the schema in a job: kept as JSON, and made conditions by the compiler that reads make them with."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from strawberry import UNSET
from strawberry.types import has_object_definition
from strawberry.utils.str_converters import to_camel_case

from igny8.exporting.records import Condition, ExportType
from igny8.gql.read.filters import conditions
from igny8.gql.read.statement import Statement
from igny8.gql.read.variables import fill


def as_json(value: Any) -> Any:
    """A filter input as a client would write it: absent fields left out."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if has_object_definition(value):
        declared = value.__strawberry_definition__.fields
        given = {field.graphql_name or to_camel_case(field.python_name): field.python_name for field in declared}
        found = {public: getattr(value, name) for public, name in given.items()}
        return {public: as_json(one) for public, one in found.items() if one is not UNSET}
    return value


def conditions_of(type_: ExportType, given: Mapping[str, Any] | None) -> tuple[Condition, Mapping[str, Any]]:
    """The conditions for a table's columns, and the values of their parameters, there once conditions were made."""
    if not given:
        return lambda columns: (), {}
    # Here, because only few jobs need the schema's types and all workers would wait for them.
    from igny8.exporting.graphql.filters import input_of

    input_type, coerced = input_of(type_, given)
    values: dict[str, Any] = {}

    def where(columns: Any) -> list[Any]:
        statement = Statement()
        made = conditions(statement, input_type, coerced, columns)
        values.update({name: bind.convert(fill(bind.value, {})) for name, bind in statement.binds.items()})
        return made

    return where, values
