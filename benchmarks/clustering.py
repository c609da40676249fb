"""How long grouping 10,000 keywords by their words takes, how much memory, and how far people would agree with it."""

import csv
import resource
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.rows import Row, at_most
from igny8.planner.lexical import Phrase, group
from tests.planner.test_lexical import adjusted_rand_index, grouped

KEYWORDS: Final = 10_000
MOST_SECONDS, MOST_MB, LEAST_AGREEMENT = 20, 500, 0.6
LABELLED: Final = Path(__file__).parents[1] / "tests" / "planner" / "labelled_keywords.csv"


def rows() -> list[Row]:
    """Three lines; the grouping runs in a process of its own, so that its memory is known."""
    done = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, check=True)
    seconds, megabytes, groups = map(float, done.stdout.split())
    found = agreement()
    return [
        at_most(f"lexical clustering, {KEYWORDS:,} keywords", seconds, MOST_SECONDS, "s", f"{groups:,.0f} groups"),
        at_most("the same, memory", megabytes, MOST_MB, "MB"),
        Row(
            "agreement with hand labels (ARI)", f"{found:.2f}", "1", f">= {LEAST_AGREEMENT}", found >= LEAST_AGREEMENT
        ),
    ]


def agreement() -> float:
    """The adjusted Rand index of our groups and those of a person."""
    with LABELLED.open(newline="") as file:
        labelled = {row["keyword"]: row["group"] for row in csv.DictReader(file)}
    of = grouped(list(labelled))
    return adjusted_rand_index([of[keyword] for keyword in labelled], list(labelled.values()))


def phrases() -> list[Phrase]:
    """Keywords of one niche: subjects of different sizes, and what people put around them; the same every time."""
    random = Random(5)
    syllables = [a + b for a in ("ba", "do", "ke", "li", "mo", "nu", "pra", "sti", "tor", "vel") for b in "lmnrst"]
    words = ["".join(random.sample(syllables, 2)) for _ in range(1_500)]
    subjects = [" ".join(random.sample(words, random.choice((1, 2, 2, 3)))) for _ in range(900)]
    around = (
        "best {}",
        "{} price",
        "how to clean {}",
        "{} for beginners",
        "cheap {}",
        "{} vs {}",
        "{} size",
        "{} {}",
    )
    made: dict[str, None] = {}
    while len(made) < KEYWORDS:
        subject = subjects[min(int(random.paretovariate(0.7)), len(subjects)) - 1]
        made[random.choice(around).format(subject, random.choice(words))] = None
    return [Phrase(text, text, random.randrange(10_000)) for text in made]


def main() -> None:
    """Group once, and say what it took: seconds, MB at the most, groups."""
    wanted = phrases()
    begun = time.perf_counter()
    groups, _ = group(wanted)
    seconds = time.perf_counter() - begun
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(groups))  # noqa: T201  # its answer


if __name__ == "__main__":
    main()
