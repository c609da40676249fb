"""One statement in the making: its bound values, the checks beside them, and the gate in front of all of it."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Integer, Text, Uuid, and_, bindparam, case, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, JSON, asyncpg

from igny8.access import Role
from igny8.errors import BadRequest, RequestError
from igny8.gql import ids
from igny8.gql.read.completion import Completion
from igny8.gql.read.declare import LARGEST_PAGE
from igny8.gql.read.variables import Slot, fill, unwrapped
from igny8.transactions import Credentials

#: SQLAlchemy's dialect with `$1` parameters and typed casts: the text goes to PostgreSQL as it is.
_DIALECT: Final = asyncpg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's own
_ALIAS: Final = re.compile(r"\bAS ((?:anon|[a-z_]+)_[0-9]+)\b")
_PAIRS_PER_CALL: Final = 45  # json_build_object takes at most 100 arguments

Convert = Callable[[Any], Any]
Pairs = list[tuple[str, ColumnElement[Any]]]


@dataclass(frozen=True, slots=True)
class Bind:
    """A parameter: a literal or slot, and how its value becomes what PostgreSQL takes."""

    convert: Convert
    value: Any


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled operation for one role: the text, its parameters in order, and the root keys it answers."""

    sql: str
    binds: tuple[Bind, ...]
    checks: tuple[Bind, ...]
    keys: tuple[str, ...]
    denied: Mapping[str, RequestError]
    prepared: bool = True
    completion: Completion | None = None

    def parameters(self, variables: Mapping[str, Any], credentials: Credentials | None) -> list[Any]:
        """The values of one request. Raises BadRequest for a cursor, size or id that cannot be."""
        known = variables
        if credentials is not None:
            who = (credentials.account_id, credentials.user_id, credentials.session_id, credentials.acting_on)
            known = {**variables, **dict(zip(_WHO, who, strict=True))}
        for check in self.checks:
            check.convert(fill(check.value, known))
        return [bind.convert(fill(bind.value, known)) for bind in self.binds]


@dataclass(slots=True)
class Statement:
    """Collects the parameters while the compiler builds expressions."""

    binds: dict[str, Bind] = field(default_factory=dict)
    checks: list[Bind] = field(default_factory=list)
    replan: bool = False

    def bind(self, value: Any, type_: Any, convert: Convert = unwrapped) -> ColumnElement[Any]:
        name = f"p{len(self.binds)}"
        self.binds[name] = Bind(convert, value)
        return bindparam(name, type_=type_)

    def bind_id(self, value: Any, prefix: str, argument: str, *, several: bool = False) -> ColumnElement[Any]:
        """A parsed id argument; one of another kind is refused by name when the values are bound."""
        return self.bind(value, ARRAY(Uuid()) if several else Uuid(), _id_of(prefix, argument))

    def bind_node_ids(self, value: Any, argument: str) -> ColumnElement[Any]:
        """Ids of any kind, as an array of their texts."""
        return self.bind(value, ARRAY(Text()), _node_ids_of(argument))

    def bind_size(self, value: Any, argument: str, *, plus: int) -> ColumnElement[Any]:
        return self.bind(value, Integer(), _size_of(argument, plus))

    def bind_cursor(self, value: Any, argument: str, signature: str, part: int) -> ColumnElement[Any]:
        return self.bind(value, Text(), _cursor_of(argument, signature, part))

    def check_size(self, value: Any, argument: str) -> None:
        """Look at a page size even where no part of the statement needs it."""
        self.checks.append(Bind(_size_of(argument, 0), value))

    def check_cursor(self, value: Any, argument: str, signature: str) -> None:
        self.checks.append(Bind(_cursor_of(argument, signature, 0), value))

    def check_together(self, check: Callable[..., None], values: Mapping[str, Any]) -> None:
        """Look at several values of a request at once; `check` raises BadRequest."""
        names = list(values)
        self.checks.append(Bind(lambda found: check(**dict(zip(names, found, strict=True))), list(values.values())))

    def finish(self, columns: Pairs, denied: Mapping[str, RequestError], role: Role | None) -> Plan:
        """The plan that answers these columns, as JSON, to a viewer of this role (None: to anybody).

        PostgreSQL evaluates the sub-selects of a CASE branch only when the branch is taken, so nothing is read
        before the session was found alive; were it ever otherwise, the policies would see no account.
        """
        most = bindparam("most_bytes", type_=Integer())
        self.binds["most_bytes"] = Bind(_same, Slot((MOST_BYTES,)))
        values = [func.gql_limited(cast(value, JSON), most, type_=JSON) for _, value in columns]
        if role is None:
            made = select(*values)
        else:
            who = [self._who(name) for name in _WHO]
            enter = func.app_enter(*who).table_valued("role", "account_status", "served", name="e")
            live = and_(enter.c.served, cast(enter.c.role, Text) == literal_column(f"'{role.value}'", Text))
            made = select(enter.c.role, enter.c.served, *(case((live, value)) for value in values))
        compiled = made.compile(dialect=_DIALECT)
        order = compiled.positiontup or []
        binds = (self.binds.get(name) or Bind(_same, compiled.params[name]) for name in order)
        _refuse_traps(str(compiled))
        keys = tuple(key for key, _ in columns)
        return Plan(str(compiled), tuple(binds), tuple(self.checks), keys, denied, prepared=not self.replan)

    def _who(self, name: str) -> ColumnElement[Any]:
        self.binds[name[1:]] = Bind(_same, Slot((name,)))
        return bindparam(name[1:], type_=Uuid())


#: The slot of the largest answer, in bytes.
MOST_BYTES: Final = "@most_bytes"
#: Beside the operation's own variables; no GraphQL name can look like these.
_WHO: Final = ("@account", "@user", "@session", "@acting_on")


def json_object(pairs: Pairs) -> ColumnElement[Any]:
    """`json_build_object`, in parts where there are too many keys for one call."""
    calls = [
        func.json_build_object(
            *(part for key, value in pairs[at : at + _PAIRS_PER_CALL] for part in (name_literal(key), value)),
            type_=JSON,
        )
        for at in range(0, len(pairs), _PAIRS_PER_CALL)
    ]
    if len(calls) < 2:
        return calls[0] if calls else literal_column("'{}'::json", JSON)
    texts = [cast(call, Text) for call in calls]
    inner = func.concat_ws(",", *(func.substr(text, 2, func.length(text) - 2) for text in texts))
    return cast(func.concat("{", inner, "}"), JSON)


def name_literal(name: str) -> ColumnElement[str]:
    """A name out of the schema or the document as a literal; GraphQL names are [_A-Za-z0-9] alone."""
    return literal_column("'" + name.replace("'", "''") + "'", Text)


def public_id(prefix: str, column: ColumnElement[Any]) -> ColumnElement[str]:
    return name_literal(f"{prefix}_").op("||")(func.encode(func.uuid_send(column), name_literal("hex")))


def _same(value: Any) -> Any:
    return value


def _refuse_traps(sql: str) -> None:
    """Raise for what SQLAlchemy makes without a word and what answers wrongly or fails later.

    An alias that is defined twice: a sub-select that should refer outwards has rows of its own. A list of values:
    SQLAlchemy expands it on execution, which is not ours.
    """
    if "POSTCOMPILE" in sql:
        raise AssertionError("a condition holds a list of values (use func.any or literals)")
    names = _ALIAS.findall(sql)
    if len(names) != len(set(names)):
        doubled = sorted({name for name in names if names.count(name) > 1})
        raise AssertionError(f"a sub-select does not correlate (use select_from): {', '.join(doubled)}")


def _id_of(prefix: str, argument: str) -> Convert:
    def convert(value: Any) -> Any:
        if isinstance(value, list):
            return [convert(item) for item in value]
        try:
            return ids.parse(prefix, value)
        except ids.WrongId as error:
            raise BadRequest(f"'{argument}': {error}.") from None

    return convert


def _node_ids_of(argument: str) -> Convert:
    def convert(value: list[Any]) -> list[str]:
        texts = [text for item in value for text in (item if isinstance(item, list) else [item])]
        if len(texts) > LARGEST_PAGE:
            raise BadRequest(f"'{argument}': at most {LARGEST_PAGE} ids may be given at once.")
        for text in texts:
            if ids.prefix_of(text) is None:
                raise BadRequest(
                    f"'{argument}': expected an id such as sit_0190f3c2..., got something that is no id."
                )
        return texts

    return convert


def _size_of(argument: str, plus: int) -> Convert:
    def convert(value: int) -> int:
        if not 0 <= value <= LARGEST_PAGE:
            raise BadRequest(f"'{argument}' must be between 0 and {LARGEST_PAGE}.")
        return value + plus

    return convert


def _cursor_of(argument: str, signature: str, part: int) -> Convert:
    """Part `part` of a cursor, as text; the last one is the id. `signature` names the order it was made for."""
    length = len(signature.split(",")) + 1

    def convert(value: str) -> str | None:
        try:
            parts = orjson.loads(base64.b64decode(value, validate=True))
            if isinstance(parts, list) and parts[0] == signature and len(parts) == length + 1:
                UUID(parts[-1])
                found = parts[part + 1]
                return found if found is None or isinstance(found, str) else str(found)
        except (ValueError, TypeError, IndexError, AttributeError):
            pass
        raise BadRequest(f"'{argument}' is not a cursor of this list in this order. Take it from a page's pageInfo.")

    return convert
