"""The three queries for PostGraphile, whose fields are named after the keys they follow."""

ORDER = "orderBy: [CREATED_AT_DESC]"

TINY = "{ allSites(first: 3, ORDER) { nodes { id name slug language status } } }".replace("ORDER", ORDER)


def _tree(clusters: int, keywords: int, rest: str = "") -> str:
    return f"""{{ allSites(first: 3, {ORDER}) {{ nodes {{ id name slug
      sectorsByAccountIdAndSiteId(first: 5, {ORDER}) {{ nodes {{ id name status
        clustersByAccountIdAndSiteIdAndSectorId(first: {clusters}, {ORDER}) {{ nodes {{
          id name status keywordsCount volume
          keywordClustersByAccountIdAndSiteIdAndClusterId(first: {keywords}) {{ nodes {{
            keywordByAccountIdAndSiteIdAndKeywordId {{ id keyword volume difficulty intent }} }} }} {rest} }} }} }} }} }} }} }}"""


SMALL = _tree(3, 5)
LARGE = _tree(
    20,
    10,
    """contentIdeasByAccountIdAndSiteIdAndClusterId(first: 5, ORDER) { nodes { id title status
      tasksByAccountIdAndSiteIdAndIdeaId(first: 1) { nodes { id title status
        contentsByAccountIdAndSiteIdAndTaskId(first: 1) { nodes { id title slug wordCount status } } } } } }""".replace(
        "ORDER", ORDER
    ),
)

QUERIES = {"tiny": TINY, "small": SMALL, "large": LARGE}
