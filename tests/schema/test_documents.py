"""What the documentation asks the API is valid."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from igny8.devstack.demo.operations import OPERATIONS
from igny8.schema import make_schema

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```graphql\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = [(page, text) for page in PAGES for text in BLOCK.findall(page.read_text())]


@pytest.mark.parametrize(
    ("page", "text"), DOCUMENTS, ids=[f"{page.name}-{n}" for n, (page, _) in enumerate(DOCUMENTS)]
)
def test_a_document_of_the_documentation_is_valid(page: Path, text: str) -> None:
    assert validate(make_schema()._schema, parse(text)) == []


def test_the_page_on_articles_shows_what_the_demo_asks() -> None:
    shown = (ROOT / "docs" / "from-keywords-to-articles.md").read_text()
    told_elsewhere = {"SignUp", "Follow", "Job", "Balance"}
    assert [
        name for name, text in OPERATIONS.items() if text.strip() not in shown and name not in told_elsewhere
    ] == []


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
