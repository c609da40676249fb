"""Documents made to hurt: each function makes one shape, as large as it is worst."""

import json
from collections.abc import Callable
from typing import NamedTuple


class Hostile(NamedTuple):
    """A request. `variables` is JSON text, because some of it no client library would write."""

    query: str
    variables: str = "{}"


CORPUS: dict[str, Callable[[], Hostile]] = {}


def _hostile(make: Callable[[], Hostile | str]) -> Callable[[], Hostile]:
    def made() -> Hostile:
        found = make()
        return Hostile(found) if isinstance(found, str) else found

    CORPUS[make.__name__] = made
    return made


def _nested(opening: str, inner: str, closing: str, times: int) -> str:
    return opening * times + inner + closing * times


@_hostile
def fragment_bomb() -> str:
    """712 bytes that a naive depth or alias count takes seconds for."""
    links = " ".join(f"fragment F{i} on Site{{...F{i + 1} ...F{i + 1}}}" for i in range(18))
    return f"{{sites{{nodes{{...F0}}}}}} {links} fragment F18 on Site{{id}}"


@_hostile
def doubling_fragments_under_aliases() -> str:
    links = " ".join(
        f"fragment F{i} on Site{{a:account{{...G{i}}}b:account{{...G{i}}}}}"
        f"fragment G{i} on Account{{sites{{nodes{{...F{i + 1}}}}}}}"
        for i in range(30)
    )
    return f"{{sites{{nodes{{...F0}}}}}} {links} fragment F30 on Site{{id}}"


@_hostile
def doubling_fragments_that_nothing_spreads() -> str:
    links = " ".join(f"fragment F{i} on Site{{...F{i + 1} ...F{i + 1}}}" for i in range(120))
    return f"{{viewer{{role}}}} {links} fragment F120 on Site{{id}}"


@_hostile
def every_fragment_spreads_all_that_follow() -> str:
    count = 38
    links = " ".join(
        f"fragment F{i} on Site{{name {' '.join(f'...F{j}' for j in range(i + 1, count))}}}" for i in range(count)
    )
    return f"{{sites{{nodes{{...F0}}}}}} {links}"


@_hostile
def long_chain_of_fragments() -> str:
    links = " ".join(f"fragment F{i} on Site{{id ...F{i + 1}}}" for i in range(210))
    return f"{{sites{{nodes{{...F0}}}}}} {links} fragment F210 on Site{{id}}"


@_hostile
def fragment_that_contains_itself() -> str:
    return "{sites{nodes{...F}}} fragment F on Site{account{sites{nodes{...F ...F}}}}"


@_hostile
def large_circle_of_fragments() -> str:
    links = " ".join(f"fragment F{i} on Site{{id ...F{(i + 1) % 200}}}" for i in range(200))
    return f"{{sites{{nodes{{...F0}}}}}} {links}"


@_hostile
def many_fragments_side_by_side() -> str:
    spreads = " ".join(f"...F{i}" for i in range(180))
    return f"{{sites{{nodes{{{spreads}}}}}}} " + " ".join(f"fragment F{i} on Site{{f{i}:id}}" for i in range(180))


@_hostile
def many_fragments_with_the_same_fields() -> str:
    spreads = " ".join(f"...F{i}" for i in range(19))
    fields = (
        "id name slug domain language timezone status createdAt updatedAt "
        "account{id name slug status isSystem createdAt updatedAt owner{id name email role}} "
        "sectors{totalCount nodes{id name slug description} pageInfo{hasNextPage endCursor}}"
    )
    return f"{{sites{{nodes{{{spreads}}}}}}} " + " ".join(f"fragment F{i} on Site{{{fields}}}" for i in range(19))


@_hostile
def one_fragment_spread_again_and_again() -> str:
    return f"{{sites{{nodes{{{'...F ' * 950}}}}}}} fragment F on Site{{id}}"


@_hostile
def fragments_of_the_same_name() -> str:
    return "{sites{nodes{...F}}} " + "fragment F on Site{id name} " * 200


@_hostile
def fragments_that_are_not_there() -> str:
    return "{" + " ".join(f"...F{i}" for i in range(900)) + "}"


@_hostile
def unused_fragments() -> str:
    return "{viewer{role}} " + " ".join(f"fragment F{i} on Site{{id name slug}}" for i in range(190))


@_hostile
def same_leaf_again_and_again() -> str:
    return f"{{sites{{nodes{{{'name ' * 1900}}}}}}}"


@_hostile
def same_object_again_and_again() -> str:
    return f"{{sites{{nodes{{{'account{id}' * 480}}}}}}}"


@_hostile
def same_object_again_and_again_at_every_level() -> str:
    return "{" + "sites{nodes{" * 1 + ("account{" + "plan{id id id}" * 6 + "}") * 19 + "}}}"


@_hostile
def same_keys_in_nested_fields() -> str:
    text = "id id"
    for name in ("plan", "account", "nodes", "sites", "account", "nodes", "sites"):
        text = f"{name}{{{text}}} {name}{{{text}}}"
    return f"{{{text}}}"


@_hostile
def same_keys_in_inline_fragments() -> str:
    return f"{{sites{{nodes{{{'...on Site{account{id}}' * 200}}}}}}}"


@_hostile
def same_keys_with_long_arguments() -> str:
    numbers = ",".join(f'"{i}"' for i in range(90))
    return "{" + f"nodes(ids:[{numbers}]){{id}}" * 19 + "}"


@_hostile
def same_keys_with_other_arguments() -> str:
    return "{" + " ".join(f"sites(first:{i}){{totalCount}}" for i in range(20)) + "}"


@_hostile
def alias_flood() -> str:
    return "{" + " ".join(f"a{i}:viewer{{role}}" for i in range(300)) + "}"


@_hostile
def sign_in_by_aliases() -> str:
    return (
        "mutation{"
        + " ".join(f's{i}:signIn(input:{{email:"a@b.c",password:"p{i}"}}){{success}}' for i in range(29))
        + "}"
    )


@_hostile
def sign_in_by_a_hundred_aliases() -> str:
    return (
        "mutation{"
        + " ".join(f's{i}:signIn(input:{{email:"a@b.c",password:"p{i}"}}){{success}}' for i in range(100))
        + "}"
    )


@_hostile
def deep_fields() -> str:
    return _nested("{sites{nodes{account", "{id}", "}}", 20) + "}" * 20


@_hostile
def deep_inline_fragments() -> str:
    return "{sites{nodes" + _nested("{...on Site", "{id}", "}", 190) + "}}"


@_hostile
def deeper_than_the_parser_goes() -> str:
    return _nested("{a", "{a}", "}", 900)


@_hostile
def unclosed_brackets() -> str:
    return "{nodes(ids:" + "[" * 1990


@_hostile
def unclosed_braces() -> str:
    return "{" * 1990


@_hostile
def deep_lists_in_a_value() -> str:
    return "{nodes(ids:" + _nested("[", '"a"', "]", 180) + "){id}}"


@_hostile
def deep_objects_in_a_value() -> str:
    return "{sites(filter:" + _nested("{and:", "{}", "}", 180) + "){totalCount}}"


@_hostile
def deep_list_as_a_default() -> str:
    return "query($a:[ID!]=" + _nested("[", '"a"', "]", 180) + "){nodes(ids:$a){id}}"


@_hostile
def deep_list_type() -> str:
    return "query($a:" + _nested("[", "ID", "]", 180) + "){nodes(ids:$a){id}}"


@_hostile
def long_list_in_a_value() -> str:
    return "{nodes(ids:[" + "1 " * 1980 + "]){id}}"


@_hostile
def wide_object_in_a_value() -> str:
    return "{sites(filter:{" + " ".join(f"f{i}:1" for i in range(640)) + "}){totalCount}}"


@_hostile
def same_key_in_an_object_value() -> str:
    return "{sites(filter:{" + "ids:[] " * 450 + "}){totalCount}}"


@_hostile
def many_arguments() -> str:
    return "{sites(" + " ".join(f"a{i}:1" for i in range(640)) + "){totalCount}}"


@_hostile
def many_directives() -> str:
    return "{viewer" + "@include(if:true)" * 280 + "{id}}"


@_hostile
def many_unknown_directives() -> str:
    return "{viewer" + " ".join(f"@d{i}" for i in range(950)) + "{id}}"


@_hostile
def directives_on_every_field() -> str:
    return "{viewer{" + " ".join("id@skip(if:false)" for _ in range(240)) + "}}"


@_hostile
def hundred_operations() -> str:
    return " ".join(f"query Q{i}{{sites{{nodes{{id}}}}}}" for i in range(100))


@_hostile
def hundred_operations_over_one_fragment() -> str:
    fields = " ".join(f"f{i}:sites(first:$n){{totalCount}}" for i in range(29))
    return " ".join(f"query Q{i}($n:Int){{...F}}" for i in range(100)) + f" fragment F on Query{{{fields}}}"


@_hostile
def many_variables() -> str:
    return "query(" + " ".join(f"$v{i}:Int" for i in range(480)) + "){viewer{role}}"


@_hostile
def many_variables_that_are_not_there() -> str:
    return "{nodes(ids:[" + " ".join(f"$v{i}" for i in range(900)) + "]){id}}"


@_hostile
def many_unknown_fields() -> str:
    return "{" + " ".join(f"siteZ{i}" for i in range(1900)) + "}"


@_hostile
def many_unknown_types() -> str:
    return "{" + " ".join(f"...on SiteZ{i}{{id}}" for i in range(300)) + "}"


@_hostile
def pages_of_pages() -> str:
    return "{sites(first:100){nodes{account{sites(first:100){nodes{sectors(first:100){nodes{id}}}}}}}}"


@_hostile
def pages_of_pages_by_variables() -> Hostile:
    query = "query($n:Int){sites(first:$n){nodes{account{sites(first:$n){nodes{sectors(first:$n){nodes{id}}}}}}}}"
    return Hostile(query, '{"n":100}')


@_hostile
def page_of_astronomic_size() -> str:
    return f"{{sites(first:{'9' * 100_000}){{nodes{{id}}}}}}"


@_hostile
def variable_of_astronomic_size() -> Hostile:
    return Hostile("query($n:Int){sites(first:$n){nodes{id}}}", f'{{"n":{"9" * 5_000}}}')


@_hostile
def number_of_astronomic_size() -> str:
    return "{sites(filter:{createdAt:{gte:1e999999999}}){totalCount}}"


@_hostile
def types_of_fields_of_types() -> str:
    return "{__schema{types{fields{type{fields{type{fields{type{fields{type{fields{type{name}}}}}}}}}}}}}"


@_hostile
def deep_variable() -> Hostile:
    return Hostile("query($f:SiteFilter){sites(filter:$f){totalCount}}", f'{{"f":{_nested("[", "1", "]", 900)}}}')


@_hostile
def deep_object_variable() -> Hostile:
    nested = _nested('{"and":[', "{}", "]}", 400)
    return Hostile("query($f:SiteFilter){sites(filter:$f){totalCount}}", f'{{"f":{nested}}}')


@_hostile
def wide_variable() -> Hostile:
    return Hostile("query($i:[ID!]!){nodes(ids:$i){id}}", json.dumps({"i": ["sit_" + "0" * 32] * 20_000}))


@_hostile
def many_faults_in_a_variable() -> Hostile:
    return Hostile("query($i:[ID!]!){nodes(ids:$i){id}}", json.dumps({"i": [None] * 50_000}))


@_hostile
def comment_flood() -> str:
    return "#\n" * 300_000 + "{viewer{role}}"


@_hostile
def long_comment() -> str:
    return "#" + "x" * 900_000 + "\n{viewer{role}}"


@_hostile
def blanks() -> str:
    return "{" + " ,\n" * 250_000 + "viewer{role}}"


@_hostile
def long_string() -> str:
    return '{site(slug:"' + "x" * 900_000 + '"){id}}'


@_hostile
def long_block_string() -> str:
    return '{site(slug:"""' + "  x\n" * 200_000 + '"""){id}}'


@_hostile
def long_escapes() -> str:
    return '{site(slug:"' + "\\u0041" * 140_000 + '"){id}}'


@_hostile
def unclosed_string() -> str:
    return '{site(slug:"' + "x" * 900_000


@_hostile
def long_name() -> str:
    return "{" + "x" * 900_000 + "}"


@_hostile
def many_long_names() -> str:
    return "{" + " ".join(f"{'x' * 2_000}{i}" for i in range(390)) + "}"


@_hostile
def half_a_character() -> str:
    return '{site(slug:"\\ud800"){id}}'


@_hostile
def zero_byte() -> str:
    return '{site(slug:"a\\u0000b"){id}}'


@_hostile
def schema_instead_of_a_query() -> str:
    return " ".join(f"type T{i}{{f:ID}}" for i in range(280))


@_hostile
def nothing() -> str:
    return ""
