"""graphql-core's executor, with two liberties: values PostgreSQL completed pass, and payload rows are read."""

from typing import Any

import orjson
from graphql import GraphQLError, is_non_null_type
from graphql.execution.values import VariableValues
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from igny8.errors import RequestError
from igny8.gql.context import Context
from igny8.gql.payloads import Rows
from igny8.gql.read.reader import BrokenPromise


class ReadExecutor(StrawberryGraphQLCoreExecutionContext):
    """For operations that are not reads alone."""

    context_value: Context
    variable_values: VariableValues

    def complete_value(  # graphql-core's signature
        self,
        return_type: Any,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Take what the compiled read found for a root field; else read the rows a payload points to."""
        if path.prev is None and path.key in self.context_value.reads:
            result = self.context_value.reads[path.key]
            if isinstance(result, RequestError | GraphQLError):
                raise result
            if result == b"null":
                result = None
        if isinstance(result, bytes):
            return orjson.Fragment(result)
        if isinstance(result, Rows):
            return self._read(return_type, [details.node for details in field_details_list], path, result)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)

    async def _read(self, return_type: Any, nodes: list[Any], path: Any, rows: Rows) -> Any:
        context = self.context_value
        if context.reader is None or context.operation is None:
            raise AssertionError("an operation is running")
        where = path.as_list()
        text, errors = await context.reader.rows(
            context.operation,
            self.variable_values,
            context.credentials,
            rows.ids,
            nodes=nodes,
            output=return_type,
            path=where,
        )
        context.errors += errors
        if isinstance(text, GraphQLError):
            raise text
        if text is None and is_non_null_type(return_type):
            raise BrokenPromise(where)
        return None if text is None else orjson.Fragment(text)
