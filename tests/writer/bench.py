"""What the tests of writing share: tasks, contents and jobs through the API."""

from typing import Any

from tests.support.workshop import Workshop

CONTENT = """query($id: ID!) { content(id: $id) {
  id title slug htmlContent excerpt wordCount status source language metaTitle metaDescription primaryKeyword
  secondaryKeywords tags categories version generatedAt authorProfile { name }
  task { id status } jobs { nodes { id kind } }
  generation { provider model promptVersion tokensInput tokensOutput costUsd creditsUsed job { id } generatedAt }
  revisions { totalCount nodes { id version author title htmlContent note user { name } job { id }
    diff { kind text } } } } }"""


async def task(shop: Workshop, title: str = "How to prune roses in spring", **given: Any) -> str:
    """The id of a new task of a short text."""
    values = {"sectorId": shop.tenant.sector("a"), "title": title, "wordCountTarget": 300, **given}
    made = await shop.mutate("createTask", "task { id }", **values)
    assert made["errors"] == []
    found: str = made["task"]["id"]
    return found


async def content(shop: Workshop, title: str = "Roses", html: str = "<p>Red roses.</p>", **given: Any) -> str:
    """The id of a content that somebody wrote."""
    values = {"sectorId": shop.tenant.sector("a"), "title": title, "htmlContent": html, **given}
    made = await shop.mutate("createContent", "content { id }", **values)
    assert made["errors"] == []
    found: str = made["content"]["id"]
    return found


async def read(shop: Workshop, content_id: str, *, as_: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = (await shop.api.data(CONTENT, as_=as_ or shop.editor, id=content_id))["content"]
    return found


async def content_of(shop: Workshop, task_id: str) -> dict[str, Any] | None:
    text = "query($ids: [ID!]) { tasks(filter: {ids: $ids}) { nodes { status latestJob { id } content { id } } } }"
    (found,) = (await shop.api.data(text, as_=shop.editor, ids=[task_id]))["tasks"]["nodes"]
    return await read(shop, found["content"]["id"]) if found["content"] else None


async def status_of(shop: Workshop, *task_ids: str) -> list[str]:
    text = "query($ids: [ID!]) { tasks(filter: {ids: $ids}, first: 100) { nodes { id status } } }"
    nodes = (await shop.api.data(text, as_=shop.editor, ids=list(task_ids)))["tasks"]["nodes"]
    by_id = {one["id"]: one["status"] for one in nodes}
    return [by_id[task_id] for task_id in task_ids]


async def start(shop: Workshop, *task_ids: str, **input: Any) -> dict[str, Any]:
    found: dict[str, Any] = await shop.mutate(
        "generateContent", "job { id creditsHeld kind }", taskIds=list(task_ids), **input
    )
    return found


async def write(shop: Workshop, *task_ids: str, **input: Any) -> dict[str, Any]:
    """The ended job."""
    started = await start(shop, *task_ids, **input)
    assert started["errors"] == []
    return await shop.ended(started["job"]["id"])


async def act(shop: Workshop, field: str, selection: str, *, as_: Any = None, **arguments: Any) -> dict[str, Any]:
    """The payload of a mutation with plain arguments."""
    kinds = {"ids": "[ID!]!", "force": "Boolean", "status": "ContentStatus!", "contentId": "ID!", "version": "Int!"}
    declared = ", ".join(f"${name}: {kinds[name]}" for name in arguments)
    passed = ", ".join(f"{name}: ${name}" for name in arguments)
    errors = "success errors { code field message details }"
    text = f"mutation({declared}) {{ {field}({passed}) {{ {errors} {selection} }} }}"
    found: dict[str, Any] = (await shop.api.data(text, as_=as_ or shop.editor, **arguments))[field]
    return found
