"""Writing as a job, from the mutation to the content."""

import pytest

from tests.support.workshop import Workshop
from tests.writer.bench import content_of, status_of, task, write

pytestmark = pytest.mark.anyio


async def test_a_task_becomes_a_content_that_is_paid_by_its_words(shop: Workshop) -> None:
    task_id = await task(shop, targetKeyword="prune roses")
    job = await write(shop, task_id)
    assert (job["state"], job["creditsHeld"], shop.calls) == ("SUCCEEDED", 4, 2), job
    made = await content_of(shop, task_id)
    assert made is not None
    words = made["wordCount"]
    assert 240 <= words <= 360
    assert job["creditsUsed"] == min(4, -(-words // 100))
    assert shop.wallet() == (10_000 - job["creditsUsed"], 0)
    assert await status_of(shop, task_id) == ["COMPLETED"]
    print(made)
