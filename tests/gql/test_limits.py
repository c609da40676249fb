"""What a document may ask and what it costs; the figures are those of a naive walk over everything spread."""

from typing import Any, NamedTuple

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_introspection_query,
    parse,
    validate,
)
from hypothesis import given
from hypothesis import strategies as st

from igny8.errors import TooComplex
from igny8.gql.cost import Cost
from igny8.gql.expansion import Extent, extents
from igny8.gql.limits import Analysis, Limits, analyse, parse_document
from igny8.settings import Settings

LIMITS = Limits(max_tokens=2_000, max_depth=15, max_aliases=30, max_nodes=50_000, max_repeated_keys=20)
BOUNDLESS = Limits(max_tokens=10**9, max_depth=10**9, max_aliases=10**9, max_nodes=10**99, max_repeated_keys=10**9)

SCHEMA = build_schema("""
    interface Node { id: ID! }
    type Thing implements Node {
      id: ID! name: String html: String tags: [String!]! thing: Thing list: [Thing!]
      things(first: Int, after: String, last: Int): ThingConnection!
    }
    type ThingEdge { cursor: String! node: Thing! }
    type ThingConnection { nodes: [Thing!]! edges: [ThingEdge!]! totalCount: Int! }
    input Filter { name: String and: [Filter!] tags: [String!] }
    type Query {
      thing: Thing
      list: [Thing!]
      node(id: ID): Node
      nodes(ids: [ID!]!): [Node]!
      things(first: Int, after: String, last: Int, filter: Filter): ThingConnection!
    }
    type Done { success: Boolean! thing: Thing }
    type Mutation { signIn(email: String): Done! refreshToken: Done! rename(name: String): Done! }
""")


def analysed(text: str, limits: Limits = LIMITS) -> Analysis:
    return analyse(parse_document(text, limits), SCHEMA, limits)


def nodes(text: str, **variables: Any) -> int:
    return analysed(text).cost(variables).nodes


def refused(text: str, limits: Limits = LIMITS, **variables: Any) -> str:
    with pytest.raises(TooComplex) as caught:
        analysed(text, limits).cost(variables)
    return caught.value.message


def nested(levels: int, inner: str = "id") -> str:
    """A query of so many levels."""
    return "{" + "thing{" * (levels - 1) + inner + "}" * levels


# Limits


def test_callers_without_a_token_may_send_fewer_tokens(settings: Settings) -> None:
    assert Limits.of(settings, signed_in=True) == LIMITS
    assert Limits.of(settings, signed_in=False).max_tokens == 400


def test_a_document_may_have_as_many_tokens_as_the_limit() -> None:
    text = "{" + "id " * 1_998 + "}"
    assert len(parse_document(text, LIMITS).definitions) == 1
    with pytest.raises(TooComplex) as caught:
        parse_document(text + "#", LIMITS)
    assert caught.value.message == "The document has more than 2,000 tokens, which is the most that is allowed."


def test_a_document_may_be_as_long_as_the_limit() -> None:
    text = "{id}"
    assert len(parse_document(text + " " * 99_996, LIMITS).definitions) == 1
    with pytest.raises(TooComplex) as caught:
        parse_document(text + " " * 99_997, LIMITS)
    assert caught.value.message == (
        "The document is 100,001 characters long; at most 100,000 are allowed. Send long values as variables."
    )


@pytest.mark.parametrize("text", ["{a" * 1_000, "{a(b:" + "[" * 1_900, "query($a:" + "[" * 1_900])
def test_what_the_parser_cannot_hold_on_its_stack_is_too_complex(text: str) -> None:
    with pytest.raises(TooComplex) as caught:
        parse_document(text, LIMITS)
    assert caught.value.message == "The document is nested too deeply to be read. Use fewer levels."


def test_what_is_no_document_stays_a_syntax_error() -> None:
    with pytest.raises(GraphQLSyntaxError, match="Unterminated string"):
        parse_document('{a(b:"tokens. Parsing aborted.', LIMITS)


# Shape


def test_fields_may_be_nested_as_deep_as_the_limit() -> None:
    assert nodes(nested(15)) == 0
    assert refused(nested(17)) == "The query is 17 levels deep; at most 15 are allowed."


def test_fragments_add_their_depth_where_they_are_spread() -> None:
    text = "{thing{...F}} fragment F on Thing{thing{...G}} fragment G on Thing" + nested(13)
    assert nodes(text) == 0
    assert refused(text.replace("...G", "thing{...G}")) == "The query is 16 levels deep; at most 15 are allowed."


def test_fragments_inside_fragments_are_bounded_though_they_add_no_level() -> None:
    text = "{thing" + "{...on Thing" * 58 + "{id}" + "}" * 59
    assert nodes(text) == 0
    assert refused("{thing" + "{...on Thing" * 59 + "{id}" + "}" * 60) == (
        "Fields and fragments are nested 61 deep; at most 60 are allowed."
    )


def test_aliases_count_wherever_a_fragment_is_spread() -> None:
    fragment = "fragment F on Thing{" + " ".join(f"a{i}:id" for i in range(15)) + "}"
    assert nodes("{thing{...F thing{...F}}}" + fragment) == 0
    assert refused("{x:thing{...F thing{...F}}}" + fragment) == "The query has 31 aliases; at most 30 are allowed."


def test_a_key_may_be_selected_as_often_as_the_limit_in_one_place() -> None:
    assert nodes("{thing{" + "name " * 20 + "}}") == 0
    assert refused("{thing{" + "name " * 21 + "}}") == (
        "'name' is selected 21 times in one place; at most 20 are allowed."
    )


@pytest.mark.parametrize(
    "text",
    [
        "{thing{" + "...on Thing{name}" * 21 + "}}",
        "{thing{...F " + "name " * 20 + "}} fragment F on Thing{name}",
        "{" + "thing{name name name}" * 7 + "}",
        "{thing{...F} "
        + "thing{name}" * 18
        + "} fragment F on Thing{...on Thing{name} ...G} fragment G on Thing{name name}",
        "{" + "thing{name:id}" * 19 + "thing{name name}}",
        "{thing{id}} fragment F on Thing{" + "name " * 21 + "}",
        "{unknown{" + "name " * 21 + "}}",
    ],
)
def test_repeated_keys_are_found_through_fragments_and_fields_that_merge(text: str) -> None:
    assert refused(text) == "'name' is selected 21 times in one place; at most 20 are allowed."


def test_a_fragment_that_is_spread_twice_in_one_place_selects_once() -> None:
    assert nodes("{thing{" + "...F " * 20 + "}} fragment F on Thing{name name}") == 0
    assert refused("{thing{" + "...F " * 21 + "}} fragment F on Thing{name}") == (
        "The fragment 'F' is spread 21 times in one place; at most 20 are allowed."
    )


def test_what_validation_would_compare_is_bounded() -> None:
    said = (
        "Whether the query's fields and fragments agree with each other takes more than 5,000 comparisons to see. "
        "Use fewer fragments, or select each field once."
    )
    fields = [f"f{i}" for i in range(27)]
    assert nodes("{" + " ".join(fields[:26] * 20) + "}") == 0
    assert refused("{" + " ".join(fields * 20) + "}") == said
    assert refused("{" + " ".join(f"...F{i}" for i in range(102)) + "}") == said


def test_a_document_may_not_multiply_by_its_fragments() -> None:
    links = "".join(f"fragment F{i} on Thing{{...F{i + 1} ...F{i + 1}}}" for i in range(40))
    text = "{thing{...F0}}" + links + "fragment F40 on Thing{id}"
    assert refused(text) == (
        "The document grows to more than a billion parts when its fragments are spread; at most 4,000 are allowed."
    )


def test_operations_and_unused_fragments_are_bounded_together() -> None:
    fragment = "fragment F on Query{" + " ".join(f"f{i}" for i in range(99)) + "}"
    assert nodes("".join(f"query Q{i}{{...F}}" for i in range(40)) + fragment) == 0
    assert refused("".join(f"query Q{i}{{...F}}" for i in range(41)) + fragment) == (
        "The document grows to 4,100 parts when its fragments are spread; at most 4,000 are allowed."
    )


def test_values_may_be_nested_as_deep_as_the_limit() -> None:
    def text(levels: int) -> str:
        return "{things(filter:" + "{and:" * levels + "1" + "}" * levels + "){totalCount}}"

    assert nodes(text(20)) == 20
    assert refused(text(21)) == "A value has lists and objects nested 21 deep; at most 20 are allowed."


@pytest.mark.parametrize(
    "text",
    [
        "query($a:[ID]=VALUE){id}",
        "query($a:ID@d(a:VALUE)){id}",
        "query@d(a:VALUE){id}",
        "{id@d(a:VALUE)}",
        "{...on Query@d(a:VALUE){id}}",
        "{...F@d(a:VALUE)}",
        "{thing{...F}}fragment F on Thing{things(filter:{and:VALUE}){totalCount}}",
        "{id}fragment F on Query@d(a:VALUE){id}",
    ],
)
def test_values_are_measured_wherever_they_stand(text: str) -> None:
    assert "nested" in refused(text.replace("VALUE", "[" * 30 + "]" * 30))


def test_an_object_may_hold_as_many_values_as_the_limit() -> None:
    def text(count: int) -> str:
        return "{things(filter:{tags:[" + "1 " * count + "]}){totalCount}}"

    assert nodes(text(248)) == 20
    assert refused(text(249)) == (
        "An object in the document holds 251 values; at most 250 are allowed. Send it as a variable."
    )


def test_a_fragment_that_contains_itself_is_not_valid() -> None:
    with pytest.raises(GraphQLError) as caught:
        analysed("{thing{...A}} fragment A on Thing{thing{...A}}")
    assert caught.value.message == "The fragment 'A' contains itself."
    with pytest.raises(GraphQLError) as caught:
        analysed("fragment A on Thing{...B} fragment B on Thing{id ...A}")
    assert caught.value.message in (
        "The fragment 'A' contains itself by way of 'B'.",
        "The fragment 'B' contains itself by way of 'A'.",
    )


def test_fragments_of_one_name_are_not_valid() -> None:
    with pytest.raises(GraphQLError) as caught:
        analysed("{thing{...F}} fragment F on Thing{id} fragment F on Thing{name}")
    assert caught.value.message == "There can be only one fragment named 'F'."


@pytest.mark.parametrize("signed_in", [True, False])
def test_introspection_by_the_usual_tools_is_within_the_limits(settings: Settings, signed_in: bool) -> None:
    limits = Limits.of(settings, signed_in=signed_in)
    everything = get_introspection_query(
        descriptions=True,
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        one_of=True,
    )
    for text in (get_introspection_query(), everything):
        document = parse_document(text, limits)
        assert analyse(document, SCHEMA, limits).cost({}).nodes < 20_000
        assert validate(SCHEMA, document) == []


# Cost


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("{thing{name tags thing{id}}}", 0),
        ("{things{totalCount}}", 20),
        ("{things(first:7){nodes{name} edges{cursor node{name}}}}", 7),
        ("{things(last:7){nodes{name}}}", 7),
        ("{things(first:null){nodes{name}}}", 20),
        ("{things(first:3,last:8){nodes{name}}}", 8),
        ("{things(first:0){nodes{name}}}", 0),
        ("{things(first:-4){nodes{name}}}", 0),
        (f"{{things(first:{'9' * 5_000}){{nodes{{name}}}}}}", 100),
        ("{list{name}}", 20),
        ("{list{list{name}}}", 20 + 400),
        ('{nodes(ids:["a","b","c"]){id}}', 3),
        ("{things(first:10){nodes{things(first:5){nodes{name}} list{id}}}}", 10 + 10 * 5 + 10 * 20),
        ("{a:things(first:10){totalCount} b:things(first:20){totalCount}}", 30),
        ("{things(first:10){totalCount} ...F} fragment F on Query{things(first:10){nodes{id}}}", 10),
        ("{node{...on Thing{things(first:5){totalCount}} ...{...on Thing{list{id}}}}}", 25),
        ("query A{things(first:5){totalCount}} query B{things(first:8){totalCount}}", 8),
        ("{nonsense(first:5){more{things}} thing{name{list{id}}}}", 0),
        ("{things(first:5){list{id} nodes{nonsense{list{id}}}}}", 5),
        ("subscription{nonsense{id}}", 0),
        ("fragment F on Query{list{id}}", 0),
    ],
)
def test_rows_are_the_product_of_page_sizes(text: str, rows: int) -> None:
    assert nodes(text) == rows


def test_page_sizes_in_variables_count_per_request() -> None:
    analysis = analysed(
        "query($n:Int,$m:Int=3,$ids:[ID!]!){things(first:$n,last:$m){nodes{things(first:10){totalCount}}}"
        " nodes(ids:$ids){id}}"
    )
    assert analysis.cost({"n": 5, "m": None, "ids": ["a"]}) == Cost(2, 5 + 50 + 1)
    assert analysis.cost({"n": 5, "m": 7, "ids": []}) == Cost(2, 7 + 70)
    assert analysis.cost({"ids": ["a"] * 300}) == Cost(5, 20 + 200 + 100)
    assert analysis.cost({"n": 10**30, "m": -1, "ids": []}) == Cost(12, 100 + 1_000)


def test_rows_may_be_as_many_as_the_limit() -> None:
    text = (
        "query($n:Int){things(first:100){nodes{a:things(first:100){nodes{list{id}}} b:things(first:$n){nodes{id}}}}}"
    )
    limits = Limits(2_000, 15, 30, 210_100, 20)
    assert analysed(text, limits).cost({"n": 0}).nodes == 210_100
    assert refused(text, limits, n=1) == "The query asks for up to 210,200 rows; at most 210,100 are allowed."


def test_astronomic_products_are_refused() -> None:
    text = "{" + "things(first:100){nodes{" * 6 + "id" + "}}" * 6 + "}"
    assert refused(text) == "The query asks for up to more than a billion rows; at most 50,000 are allowed."


def test_a_hundred_rows_cost_a_point_beside_the_first() -> None:
    points = [analysed(f"{{things(first:{size}){{totalCount}}}}").cost({}).points for size in (0, 1, 99, 100)]
    assert points == [1, 2, 2, 2]
    assert analysed("{a:things(first:100){totalCount} b:things(first:1){totalCount}}").cost({}).points == 3


def test_a_row_with_a_large_column_counts_as_twenty() -> None:
    large = Limits(2_000, 15, 30, 50_000, 20, large_columns=frozenset({"Thing.html"}))

    def rows(text: str) -> int:
        return analysed(text, large).cost({}).nodes

    assert rows("{things(first:7){nodes{name} edges{node{html}}}}") == 140
    assert rows("{things(first:7){nodes{things(first:2){nodes{html}}}}}") == 7 + 7 * 2 * 20
    assert rows("{things(first:7){nodes{...F}}} fragment F on Thing{x:html}") == 140
    assert rows("{thing{html}}") == 20


def test_each_mutation_costs_ten_points() -> None:
    text = (
        'mutation{rename(name:"a"){thing{list{id}}} a:rename(name:"b"){success} ...F}'
        'fragment F on Mutation{rename(name:"a"){success}}'
    )
    assert analysed(text).cost({}) == Cost(20 + 2, 20)


@pytest.mark.parametrize(
    "text",
    [
        "mutation{signIn{success} a:signIn{success} b:signIn{success}}",
        "mutation{...F ...on Mutation{a:signIn{success}} signIn{success}} fragment F on Mutation{b:signIn{success}}",
    ],
)
def test_one_request_tries_one_password(text: str) -> None:
    assert refused(text) == "The mutation asks for signIn 3 times; ask for it once."


def test_mutations_that_try_no_secret_may_be_repeated() -> None:
    assert nodes("mutation{signIn{success} refreshToken{success} a:rename{success} b:rename{success}}") == 0


# Against a naive count


class Naive(NamedTuple):
    extent: Extent
    rows: int


FRAGMENTS = ("F0", "F1", "F2", "F3")


@st.composite
def selection_sets(draw: st.DrawFn, above: int, levels: int) -> str:
    """A selection set on Thing that spreads fragments after `above` alone."""
    leaves = st.sampled_from(["id", "name", "x:name", "tags"])
    spreads = st.sampled_from([f"...{name}" for name in FRAGMENTS[above:]]) if above < len(FRAGMENTS) else leaves
    parts = draw(st.lists(leaves | spreads, min_size=1, max_size=3))
    if levels:
        for opening, closing in draw(
            st.lists(
                st.sampled_from(
                    [
                        ("thing", ""),
                        ("y:thing", ""),
                        ("list", ""),
                        ("...on Thing", ""),
                        ("...", ""),
                        ("things(first:3){nodes", "}"),
                        ("things(last:$n){edges{node", "}}"),
                        ("z:things{totalCount nodes", "}"),
                    ]
                ),
                max_size=2,
            )
        ):
            parts.append(opening + draw(selection_sets(above, levels - 1)) + closing)
    return "{" + " ".join(parts) + "}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    query = draw(selection_sets(0, 3))
    fragments = [f"fragment {name} on Thing{draw(selection_sets(i + 1, 2))}" for i, name in enumerate(FRAGMENTS)]
    return f"query($n:Int){{thing{query}}} " + " ".join(fragments)


def spread_out(document: DocumentNode, selection_set: SelectionSetNode) -> list[FieldNode]:
    """All fields of one place, with whatever fragments say as if it were written there."""
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    found: list[FieldNode] = []
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            found.append(node)
        elif isinstance(node, InlineFragmentNode):
            found += spread_out(document, node.selection_set)
        elif isinstance(node, FragmentSpreadNode):
            found += spread_out(document, fragments[node.name.value].selection_set)
    return found


def naive_extent(document: DocumentNode, selection_set: SelectionSetNode) -> Extent:
    fragments = {part.name.value: part for part in document.definitions if isinstance(part, FragmentDefinitionNode)}
    size = depth = nesting = aliases = 0
    for node in selection_set.selections:
        inner = node.selection_set if isinstance(node, FieldNode | InlineFragmentNode) else None
        if isinstance(node, FragmentSpreadNode):
            inner = fragments[node.name.value].selection_set
        below = naive_extent(document, inner) if inner is not None else Extent(0, 0, 0, 0, 0, 0)
        is_field = isinstance(node, FieldNode)
        size += 1 + below.size + (len(node.arguments or ()) if isinstance(node, FieldNode) else 0)
        depth = max(depth, below.depth + is_field)
        nesting = max(nesting, below.nesting)
        aliases += below.aliases + (isinstance(node, FieldNode) and node.alias is not None)
    return Extent(size, depth, nesting + 1, aliases, 0, 0)


def naive_rows(document: DocumentNode, sets: list[SelectionSetNode], size_of_variable: int) -> int:
    """The rows below one row, by merging what has the same key; only `things` and `list` make rows."""
    by_key: dict[str, list[FieldNode]] = {}
    for field in (field for part in sets for field in spread_out(document, part)):
        by_key.setdefault((field.alias or field.name).value, []).append(field)
    rows = 0
    for fields in by_key.values():
        inner = [field.selection_set for field in fields if field.selection_set]
        sizes = [naive_size(field, size_of_variable) for field in fields]
        times = max(sizes)
        rows += (times if fields[0].name.value in ("things", "list") else 0) + times * (
            naive_rows(document, inner, size_of_variable) if inner else 0
        )
    return rows


def naive_size(field: FieldNode, size_of_variable: int) -> int:
    if field.name.value == "list":
        return 20
    if field.name.value != "things":
        return 1
    given_ = {argument.name.value for argument in field.arguments or ()}
    return 3 if "first" in given_ else size_of_variable if "last" in given_ else 20


@given(documents(), st.integers(0, 100))
def test_the_figures_are_those_of_a_walk_over_everything_spread(text: str, size: int) -> None:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    found = dict(extents(document))
    naive = naive_extent(document, operation.selection_set)
    # The variable and nothing else stands beside the selections.
    assert found[operation] == naive._replace(size=naive.size + 1)
    assert {
        part.name.value: extent for part, extent in found.items() if isinstance(part, FragmentDefinitionNode)
    } == {
        part.name.value: naive_extent(document, part.selection_set)
        for part in document.definitions
        if isinstance(part, FragmentDefinitionNode) and f"...{part.name.value}" not in text
    }
    try:
        cost = analyse(document, SCHEMA, BOUNDLESS).cost({"n": size})
    except TooComplex as error:
        assert "comparisons" in error.message  # noqa: PT017
    else:
        assert cost.nodes == naive_rows(document, [operation.selection_set], size)
