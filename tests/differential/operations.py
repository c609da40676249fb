"""Operations of all shapes over the schema, drawn by a seed: what clients could send, more or less."""

import base64
import json
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
    validate,
)

from tests.differential.plain import TABLES, Plain, Row, cursor, order_of

#: Left out: what is told by other parts than rows, and what depends on when it is asked.
SKIPPED = frozenset(
    {("Account", "limits")}
    | {("Query", name) for name in ("invitation", "sessions", "usageSummary", "creditCosts", "estimateCredits")}
    | {("Query", name) for name in ("aiPrompts", "aiPromptPreview", "aiModels", "systemStatus")}
    | {("Job", name) for name in ("events", "results", "outcome")}
    | {("Content", "generation"), ("ContentRevision", "diff")}
    | {("Image", name) for name in ("imageUrl", "thumbnailUrl")}
)
DEEPEST = 5
MOST_FIELDS = 45
LONG = "a_name_that_is_much_longer_than_the_sixty_three_bytes_that_postgresql_keeps_of_a_name"


@dataclass
class Operation:
    text: str
    variables: dict[str, Any]
    name: str | None

    def __str__(self) -> str:
        return f"{self.text}\n\nvariables: {json.dumps(self.variables)}"


def drawn(seed: str, schema: GraphQLSchema, known: Plain) -> Operation:
    """The valid operation of a seed: of fragments on an interface some name one key in two ways, which is none."""
    random = Random(seed)
    while True:
        made = Draw(random, schema, known).operation()
        if not validate(schema, parse(made.text)):
            return made


@dataclass
class Draw:
    """One operation in the making. `known` is what the rows hold: arguments are drawn from it, so that they match."""

    random: Random
    schema: GraphQLSchema
    known: Plain
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    named: int = 0
    left: int = MOST_FIELDS

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def operation(self) -> Operation:
        query: GraphQLObjectType = self.schema.query_type  # type: ignore[assignment]  # there is one
        body = self.selection(query, 0, at_most=self.random.choice((1, 1, 1, 2, 3)))
        head = f"query Drawn({', '.join(self.declared)})" if self.declared else "query Drawn"
        others = ["query Other { __typename }"] if self.chance(0.1) else []
        return Operation("\n".join([f"{head} {body}", *self.fragments, *others]), self.variables, "Drawn")

    def name(self) -> str:
        self.named += 1
        return f"n{self.named}"

    def selection(self, type_: Any, depth: int, *, at_most: int = 6) -> str:
        parts = []
        for _ in range(self.random.randint(1, at_most)):
            made = self.part(type_, depth)
            if made:
                parts.append(made)
        if not parts:
            parts = ["__typename"]
        return "{ " + " ".join(parts) + " }"

    def part(self, type_: Any, depth: int) -> str | None:
        drawn = self.random.random()
        if drawn < 0.06:
            return f"{self.alias(False)}__typename"
        if drawn < 0.16 and depth < DEEPEST:
            return self.fragment(type_, depth)
        if type_.name == "Query" and drawn < 0.2:
            return '__type(name: "Site") { name kind }'
        if isinstance(type_, GraphQLInterfaceType):
            return "id"
        names = [name for name in type_.fields if (type_.name, name) not in SKIPPED]
        leaves = [name for name in names if is_leaf_type(get_named_type(type_.fields[name].type))]
        if self.left <= 0 or depth >= DEEPEST:
            names = leaves
        if not names:
            return None
        self.left -= 1
        return self.field(type_, self.random.choice(names), depth)

    def alias(self, needed: bool) -> str:
        if not needed and self.chance(0.7):
            return ""
        return f"{LONG}_{self.name()}: " if self.chance(0.05) else f"{self.name()}: "

    def field(self, type_: Any, name: str, depth: int) -> str:
        declared = type_.fields[name]
        target = get_named_type(declared.type)
        arguments = self.arguments(type_, name, declared.args, target)
        inner = "" if is_leaf_type(target) else " " + self.selection(target, depth + 1)
        return f"{self.alias(bool(declared.args))}{name}{arguments}{self.directive()}{inner}"

    def directive(self) -> str:
        if self.chance(0.92):
            return ""
        value = self.random.choice(("true", "false"))
        if self.chance(0.5):
            value = self.variable("Boolean!", value == "true")
        return f" @{self.random.choice(('skip', 'include'))}(if: {value})"

    def fragment(self, type_: Any, depth: int) -> str:
        on = type_
        if isinstance(type_, GraphQLInterfaceType):
            on = self.random.choice([self.schema.type_map[name] for name in TABLES])
        elif self.chance(0.2) and any(interface.name == "Node" for interface in type_.interfaces):
            on = self.schema.type_map["Node"]
        body = self.selection(on, depth, at_most=4)
        if self.chance(0.5):
            return f"... on {on.name}{self.directive()} {body}"
        name = f"F{len(self.fragments)}"
        self.fragments.append("")
        self.fragments[int(name[1:])] = f"fragment {name} on {on.name} {body}"
        return f"...{name}{self.directive()}"

    def variable(self, type_name: str, value: Any) -> str:
        name = f"v{len(self.declared)}"
        self.declared.append(f"${name}: {type_name}")
        self.variables[name] = value
        return f"${name}"

    def arguments(self, type_: Any, field_name: str, declared: dict[str, GraphQLArgument], target: Any) -> str:
        given: dict[str, Any] = {}
        for name, argument in declared.items():
            if is_non_null_type(argument.type) or (name in ("id", "slug", "siteId", "search") and self.chance(0.6)):
                given[name] = self.scalar(name, argument.type, self.node_of(type_, field_name, target))
        if "first" in declared:
            given.update(self.page(declared, target))
        if not given:
            return ""
        return (
            "(" + ", ".join(f"{name}: {self.put(value, declared[name].type)}" for name, value in given.items()) + ")"
        )

    def node_of(self, type_: Any, field_name: str, target: Any) -> str:
        """The type whose ids an `id` argument names."""
        return "*" if field_name in ("node", "nodes") else target.name

    def page(self, declared: dict[str, GraphQLArgument], target: Any) -> dict[str, Any]:
        given: dict[str, Any] = {}
        node = get_named_type(target.fields["nodes"].type).name
        if "orderBy" in declared and self.chance(0.6):
            given["orderBy"] = self.order(get_named_type(declared["orderBy"].type))
        if "filter" in declared and self.chance(0.5):
            given["filter"] = self.filter(get_named_type(declared["filter"].type), node)
        size = self.random.choice(("first", "first", "last", None))
        if size:
            given[size] = self.random.choice((0, 1, 2, 3, 5, 100))
        for mark in ("after", "before"):
            rows = self.known.all(node)
            if rows and self.chance(0.25):
                given[mark] = cursor(self.random.choice(rows), order_of(node, given))
            elif self.chance(0.05):
                given[mark] = None
        return given

    def order(self, type_: Any) -> list[dict[str, str]]:
        names = list(get_named_type(type_.fields["field"].type).values)
        chosen = self.random.sample(names, self.random.randint(1, min(3, len(names))))
        return [{"field": name, "direction": self.random.choice(("ASC", "DESC"))} for name in chosen]

    def filter(self, type_: GraphQLInputObjectType, node: str) -> dict[str, Any]:
        names = self.random.sample(list(type_.fields), self.random.randint(0, min(3, len(type_.fields))))
        return {
            name: None if self.chance(0.1) else self.wanted(name, type_.fields[name].type, node) for name in names
        }

    def wanted(self, name: str, type_: Any, node: str) -> Any:
        named = get_named_type(type_)
        if isinstance(named, GraphQLInputObjectType):
            tests = self.random.sample(list(named.fields), self.random.randint(0, 2))
            return {test: self.compared(test, name, node) for test in tests}
        several = is_list_type(get_nullable_type(type_))
        if several and not self.chance(0.15):  # sometimes one value where a list is taken
            return [self.scalar(name, type_, node) for _ in range(self.random.randint(0, 3))]
        return self.scalar(name, type_, node)

    def compared(self, test: str, name: str, node: str) -> Any:
        if self.chance(0.1):
            return None
        if test == "isNull":
            return self.chance(0.5)
        value = self.column(node, name)
        return [value, value] if test == "in" else value

    def column(self, node: str, name: str) -> Any:
        """A value of that column, of some row."""
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        values = [row[snake] for row in self.known.all(node) if row.columns.get(snake) is not None]
        if values:
            value = self.random.choice(values)
            return float(value) if isinstance(value, Decimal) else value
        return 0 if not name.endswith("At") else "2026-01-01T00:00:00Z"

    def scalar(self, name: str, type_: Any, node: str) -> Any:
        named = get_named_type(type_)
        if isinstance(named, GraphQLEnumType):
            return self.random.choice(list(named.values))
        if named.name == "Boolean":
            return self.chance(0.5)
        if named.name == "ID":
            several = name in ("ids",) and node == "*"
            return [self.id("*", name) for _ in range(self.random.randint(0, 4))] if several else self.id(node, name)
        if name in ("search", "slug"):
            texts = [row["name"] for row in self.known.all("Site")] + ["a", "Ä", "ke", "", "%", "b"]
            return self.random.choice(texts)
        return self.random.choice(("en", "t1", "c1", "x"))

    def id(self, node: str, name: str) -> str:
        kinds = {"siteId": "Site", "sectorId": "Sector", "clusterId": "Cluster", "ideaId": "ContentIdea"}
        kinds |= {"startedById": "User", "taskId": "Task", "contentId": "Content", "industryId": "Industry"}
        kinds |= {"authorProfileId": "AuthorProfile"}
        kind = kinds.get(name, node)
        if kind == "*":
            kind = self.random.choice(list(TABLES))
        if self.chance(0.1):
            return f"{TABLES[kind][1]}_{'0' * 31}7"
        rows: list[Row] = self.known.all(kind)
        return self.random.choice(rows).public_id if rows else f"{TABLES[kind][1]}_{'0' * 31}8"

    def put(self, value: Any, type_: Any) -> str:
        """The value as a literal or a variable, or partly so."""
        if self.chance(0.35) and not (value is None and is_non_null_type(type_)):
            return self.variable(str(type_), value)
        return self.literal(value, type_)

    def literal(self, value: Any, type_: Any) -> str:
        type_ = get_nullable_type(type_)
        if value is None:
            return "null"
        if is_list_type(type_):
            if not isinstance(value, list):
                return self.literal(value, type_.of_type)
            return "[" + ", ".join(self.put(item, type_.of_type) for item in value) + "]"
        if isinstance(type_, GraphQLInputObjectType):
            parts = (f"{name}: {self.put(part, type_.fields[name].type)}" for name, part in value.items())
            return "{" + ", ".join(parts) + "}"
        return str(value) if isinstance(type_, GraphQLEnumType) else json.dumps(value)


def first_difference(one: Any, other: Any, path: str = "") -> str | None:
    """Where two answers part, and what each says there."""
    if isinstance(one, dict) and isinstance(other, dict) and list(one) == list(other):
        parts = ((f"{path}.{key}", one[key], other[key]) for key in one)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        parts = ((f"{path}[{at}]", *pair) for at, pair in enumerate(zip(one, other, strict=True)))
    else:
        return None if one == other else f"{path}: plain {one!r}, compiled {other!r}"
    return next((found for at, left, right in parts if (found := first_difference(left, right, at))), None)


def marks_in(answer: Any) -> Any:
    """The answer with every cursor reduced to its order and id: how PostgreSQL writes a key is its own affair."""
    if isinstance(answer, dict):
        return {key: marks_in(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [marks_in(item) for item in answer]
    if isinstance(answer, str) and len(answer) > 60:
        try:
            parts = json.loads(base64.b64decode(answer, validate=True))
        except ValueError:
            return answer
        return [parts[0], len(parts), parts[-1]]
    return answer
