"""The three queries, as clients of each server would write them."""

ORDER = "orderBy: [{field: CREATED_AT, direction: DESC}]"

TINY = f"""{{ sites(first: 3, {ORDER}) {{ nodes {{ id name slug language status }} }} }}"""

SMALL = f"""{{ sites(first: 3, {ORDER}) {{ nodes {{ id name slug
  sectors(first: 5, {ORDER}) {{ nodes {{ id name status
    clusters(first: 3, {ORDER}) {{ nodes {{ id name status keywordsCount volume
      keywords(first: 5, {ORDER}) {{ nodes {{ id keyword volume difficulty intent }} }} }} }} }} }} }} }} }}"""

LARGE = f"""{{ sites(first: 3, {ORDER}) {{ nodes {{ id name slug
  sectors(first: 5, {ORDER}) {{ nodes {{ id name status
    clusters(first: 20, {ORDER}) {{ nodes {{ id name status keywordsCount volume
      keywords(first: 10, {ORDER}) {{ nodes {{ id keyword volume difficulty intent }} }}
      ideas(first: 5, {ORDER}) {{ nodes {{ id title status
        tasks(first: 1) {{ nodes {{ id title status content {{ id title slug wordCount status }} }} }} }} }} }} }} }} }} }} }} }}"""

QUERIES = {"tiny": TINY, "small": SMALL, "large": LARGE}
#: How many objects each of them answers with.
OBJECTS = {"tiny": 3, "small": 3 + 15 + 45 + 225, "large": 3 + 15 + 300 + 3000 + 1500 * 3}
