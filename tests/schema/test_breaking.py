"""What clients of a released version ask for still means the same, unless the change is listed with a reason."""

from pathlib import Path

from graphql import build_schema, find_breaking_changes

from igny8 import __version__
from igny8.schema import make_schema
from tests.schema.breaking import BREAKING

RELEASED = Path(__file__).parent / "released.graphql"


def test_every_change_that_breaks_clients_is_listed_with_a_reason() -> None:
    before, now = build_schema(RELEASED.read_text()), build_schema(make_schema().as_str())
    found = {change.description for change in find_breaking_changes(before, now)}
    unlisted, gone = sorted(found - set(BREAKING)), sorted(set(BREAKING) - found)
    assert (unlisted, gone) == ([], []), "list a change in tests/schema/breaking.py, or take back what breaks clients"
    assert all(len(reason) > 20 for reason in BREAKING.values())


def test_the_schema_to_compare_with_is_that_of_this_version() -> None:
    first = RELEASED.read_text().partition("\n")[0]
    assert first == f"# The schema that clients of igny8 {__version__} were promised.", (
        "a new version promises the present schema: write it below this line, and empty tests/schema/breaking.py"
    )
