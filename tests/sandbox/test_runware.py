"""The sandbox's Runware protocol."""

import base64
import io
from typing import Any

import httpx2
import pytest
from PIL import Image

pytestmark = pytest.mark.anyio

TASK: dict[str, Any] = {
    "taskType": "imageInference",
    "taskUUID": "6f3ee1d4-0000-4000-8000-000000000001",
    "positivePrompt": "A red rose",
    "model": "runware:97@1",
    "width": 512,
    "height": 768,
    "outputType": "base64Data",
    "outputFormat": "WEBP",
    "includeCost": True,
    "numberResults": 2,
}


async def post(
    http: httpx2.AsyncClient, address: str, tasks: object, *, key: str = "rw-1", behaviour: str = ""
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return await http.post(f"{address}/v1", json=tasks, headers=headers | {"X-Sandbox-Behaviour": behaviour})


async def test_each_result_is_a_picture_with_its_cost(http: httpx2.AsyncClient, runware_address: str) -> None:
    data = (await post(http, runware_address, [TASK])).json()["data"]
    assert [(row["taskUUID"], row["cost"]) for row in data] == [(TASK["taskUUID"], 0.0019)] * 2
    pictures = [Image.open(io.BytesIO(base64.b64decode(row["imageBase64Data"]))) for row in data]
    assert [(picture.format, picture.size) for picture in pictures] == [("WEBP", (512, 768))] * 2
    assert data[0]["imageBase64Data"] != data[1]["imageBase64Data"]
    again = (await post(http, runware_address, [TASK])).json()["data"]
    assert again == data


async def test_faults_are_told_in_runwares_words(http: httpx2.AsyncClient, runware_address: str) -> None:
    async def fault(tasks: object, **options: Any) -> tuple[int, str]:
        answer = await post(http, runware_address, tasks, **options)
        return answer.status_code, answer.json()["errors"][0]["code"]

    assert await fault([TASK], key="") == (401, "invalidApiKey")
    assert await fault({"taskType": "imageInference"}) == (400, "invalidPayload")
    assert await fault([{**TASK, "taskType": "videoInference"}]) == (400, "unsupportedTaskType")
    assert await fault([TASK], behaviour="rate-limited") == (429, "rateLimitExceeded")
    assert await fault([TASK], behaviour="error-500") == (500, "internalServerError")
