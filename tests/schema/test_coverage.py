"""That schema coverage sees what it says it sees."""

from typing import Any

from tests.schema.unseen import UNSEEN
from tests.support import coordinates, coverage


def test_fields_aliases_and_fragments_show_themselves() -> None:
    body = {"query": "{ s: sites { nodes { ...named sectors { totalCount } } } } fragment named on Site { n: name }"}
    answer = {"data": {"s": {"nodes": [{"n": "A", "sectors": {"totalCount": 0}}]}}}
    assert coordinates.shown(body, answer) == {
        "Query.sites", "SiteConnection.nodes", "Site.name", "Site.sectors", "SectorConnection.totalCount",
    }  # fmt: skip


def test_null_and_empty_show_nothing_of_what_lies_below() -> None:
    body = {"query": "{ site { name } sites { nodes { name } } }"}
    answer: dict[str, Any] = {"data": {"site": None, "sites": {"nodes": []}}}
    assert coordinates.shown(body, answer) == {"Query.sites", "SiteConnection.nodes"}


def test_enum_values_show_themselves_in_answers_and_inputs_in_requests() -> None:
    body = {
        "query": "query($f: SiteFilter) { sites(filter: $f, orderBy: [{field: NAME, direction: ASC}]) {"
        " nodes { status } } }",
        "variables": {"f": {"status": ["INACTIVE"]}},
    }
    answer = {"data": {"sites": {"nodes": [{"status": "ACTIVE"}]}}}
    assert coordinates.shown(body, answer) == {
        "Query.sites", "SiteConnection.nodes", "Site.status", "SiteStatus.ACTIVE",
        "SiteFilter.status", "SiteOrder.field", "SiteOrder.direction", "SiteOrderField.NAME", "OrderDirection.ASC",
    }  # fmt: skip


def test_a_node_shows_the_type_that_it_says_it_is() -> None:
    body = {"query": "{ node(id: 1) { kind: __typename id ... on Site { slug } ... on Sector { slug } } }"}
    answer = {"data": {"node": {"kind": "Sector", "id": "sec_1", "slug": "a"}}}
    assert coordinates.shown(body, answer) == {"Query.node", "Sector.id", "Sector.slug"}


def test_what_was_refused_shows_nothing() -> None:
    assert coordinates.shown({"query": "{ nonsense"}, {"errors": []}) == set()
    assert coordinates.shown([], {"data": {}}) == set()


def test_a_part_that_no_test_saw_and_a_stale_listing_are_faults() -> None:
    all_seen = coordinates.coordinates() - set(UNSEEN)
    assert coverage.faults(all_seen) == []
    assert coverage.faults(all_seen - {"Site.name"}) == ["Site.name: no test was answered with data for it"]
    listed = next(iter(UNSEEN))
    assert coverage.faults(all_seen | {listed}) == [f"{listed}: is listed as unseen, and a test sees it"]
