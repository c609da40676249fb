"""What work will cost before it starts: what has to be held for it, and what it costs if all goes as asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from igny8.billing.prices import Prices
from igny8.credits import OperationType

#: Keywords that one request clusters; larger sets are split.
KEYWORDS_PER_REQUEST: Final = 200
#: Words of a text whose task asks for no length.
DEFAULT_WORDS: Final = 1_200


@dataclass(frozen=True, slots=True)
class Estimate:
    """`credits` are held: the work never costs more. `least` is charged when every item turns out as asked.

    Items that fail are not charged, so the work may cost less than that.
    """

    items: int
    credits: int
    least: int


def clustering(prices: Prices, keywords: int) -> Estimate:
    """Clustering by AI; the other methods are `free`."""
    return _fixed(keywords, prices[OperationType.CLUSTERING].of(requests_for(keywords)))


def requests_for(keywords: int) -> int:
    """The requests to the model that cluster so many keywords."""
    return -(-keywords // KEYWORDS_PER_REQUEST)


def ideas(prices: Prices, clusters: int) -> Estimate:
    return _fixed(clusters, prices[OperationType.IDEA_GENERATION].of(clusters))


def writing(prices: Prices, words: Iterable[int | None]) -> Estimate:
    """Texts of these lengths; None is the usual one."""
    asked = [DEFAULT_WORDS if length is None else length for length in words]
    price = prices[OperationType.CONTENT_GENERATION]
    return Estimate(
        items=len(asked),
        credits=sum(price.of(most_words(length)) for length in asked),
        least=sum(price.of(length) for length in asked),
    )


def most_words(asked: int) -> int:
    """The words that are charged at most for a text of the length `asked`: a fifth more."""
    return -(-asked * 6 // 5)


def image_prompts(prices: Prices, contents: int) -> Estimate:
    return _fixed(contents, prices[OperationType.IMAGE_PROMPT_EXTRACTION].of(contents))


def images(prices: Prices, count: int) -> Estimate:
    return _fixed(count, prices[OperationType.IMAGE_GENERATION].of(count))


def free(items: int) -> Estimate:
    """Work that costs no credits."""
    return _fixed(items, 0)


def _fixed(items: int, credits: int) -> Estimate:
    return Estimate(items, credits, credits)
