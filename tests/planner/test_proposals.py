"""Proposals of clusters: nothing is lost, nothing foreign gets in, whatever a model answers."""

from hypothesis import given
from hypothesis import strategies as st

from igny8.inputs import LONGEST_NAME
from igny8.planner import proposals
from igny8.planner.proposals import Candidate, ClusterAnswer, ProposedCluster


def answer(*clusters: tuple[str, list[str]]) -> ClusterAnswer:
    made = [ProposedCluster(name=name, description="", keyword_ids=ids) for name, ids in clusters]
    return ClusterAnswer(clusters=made, left_over=[])


def candidates(*ids: str) -> list[Candidate]:
    return [Candidate(id_, f"keyword {id_}") for id_ in ids]


def test_equal_names_of_several_requests_are_one_cluster() -> None:
    found = proposals.of_answers(
        candidates("a", "b", "c"), [answer(("Roses", ["a"])), answer(("roses ", ["b"]), ("Tulips", ["c"]))]
    )
    assert [(p.name, p.keyword_ids) for p in found.proposals] == [("Roses", ("a", "b")), ("Tulips", ("c",))]
    assert (found.left_over, found.requests) == ([], 2)


def test_foreign_ids_and_second_mentions_are_dropped_and_the_rest_is_left_over() -> None:
    found = proposals.of_answers(
        candidates("a", "b", "c"), [answer(("One", ["a", "key_of_another"]), ("Two", ["a"]), ("  ", ["b"]))]
    )
    assert [(p.name, p.keyword_ids) for p in found.proposals] == [("One", ("a",))]
    assert found.left_over == ["b", "c"]


def test_names_are_one_plain_line() -> None:
    found = proposals.of_answers(candidates("a"), [answer(("<script>x</script>\n\x00 " + "y" * 300, ["a"]))])
    (made,) = found.proposals
    assert made.name.startswith("script x /script yyy")
    assert len(made.name) == LONGEST_NAME


def test_large_sets_are_split_into_even_parts_that_keep_alike_keywords_together() -> None:
    given = [
        Candidate(f"{kind}{n}", f"{kind} {kind[0]}{n}") for n in range(90) for kind in ("roses", "tulips", "lilies")
    ]
    parts = proposals.requests_of(given, 200)
    assert [len(part) for part in parts] == [135, 135]
    assert sum(len({c.keyword.split()[0] for c in part}) for part in parts) == 4  # one kind alone is cut in two


def test_few_keywords_are_one_request_and_none_is_none() -> None:
    assert proposals.requests_of(candidates("a", "b")) == [candidates("a", "b")]
    assert proposals.requests_of([]) == []


def test_keywords_that_share_three_result_pages_are_together() -> None:
    pages = [f"https://example.com/{n}" for n in range(12)]
    found = proposals.by_result_pages(
        [
            Candidate("a", "running shoes", 900, serp_urls=pages[0:10]),
            Candidate("b", "shoes for running", 100, serp_urls=pages[7:12]),
            Candidate("c", "trail shoes", 500, serp_urls=pages[8:12]),
            Candidate("d", "no pages", 400),
        ]
    )
    assert [(p.name, p.keyword_ids, p.score) for p in found.proposals] == [("Running shoes", ("a", "b"), 0.3)]
    assert found.left_over == ["c", "d"]


def test_a_taken_name_gets_a_number() -> None:
    assert proposals.free_name("Roses", ["Tulips"]) == "Roses"
    assert proposals.free_name("Roses", ["ROSES", "Roses (2)"]) == "Roses (3)"


_IDS = st.sampled_from(["a", "b", "c", "d", "x", ""])
_ANSWERS = st.lists(
    st.builds(
        ClusterAnswer,
        clusters=st.lists(
            st.builds(
                ProposedCluster,
                name=st.text(max_size=150),
                description=st.text(max_size=600),
                keyword_ids=st.lists(_IDS, max_size=6),
            ),
            max_size=5,
        ),
        left_over=st.lists(_IDS, max_size=4),
    ),
    max_size=4,
)


@given(_ANSWERS)
def test_every_keyword_is_in_one_place_whatever_a_model_answers(answers: list[ClusterAnswer]) -> None:
    found = proposals.of_answers(candidates("a", "b", "c", "d"), answers)
    placed = [id_ for proposal in found.proposals for id_ in proposal.keyword_ids] + found.left_over
    assert sorted(placed) == ["a", "b", "c", "d"]
    for proposal in found.proposals:
        assert 0 < len(proposal.name) <= LONGEST_NAME
        assert proposal.keyword_ids
