"""Runware's protocol: a list of tasks is posted, a list of results comes back. Only `imageInference` is spoken.

The shapes are those of Runware's API documentation: `data` with one entry for each image, `errors` beside it.
"""

import base64
import hashlib
import json
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from igny8.devstack.sandbox import pictures
from igny8.devstack.sandbox.behaviour import HEADER, Behaviour
from igny8.devstack.sandbox.calls import CallLog

#: USD for one image; Runware tells the cost of each when asked (`includeCost`).
_COST = 0.0019


def runware_app(log: CallLog) -> Starlette:
    """The server; every task is written to `log` as one call."""

    async def tasks(request: Request) -> Response:
        try:
            listed = await request.json()
            if not isinstance(listed, list) or not all(isinstance(task, dict) for task in listed):
                raise ValueError("a list of tasks is expected")
        except ValueError as error:
            return _failed("invalidPayload", str(error), None)
        key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        key = key or next((str(t.get("apiKey", "")) for t in listed if t.get("taskType") == "authentication"), "")
        if not key or "invalid" in key:
            return _failed("invalidApiKey", "Invalid API key.", None, 401)
        data: list[dict[str, Any]] = []
        for task in listed:
            if task.get("taskType") == "authentication":
                continue
            if task.get("taskType") != "imageInference":
                return _failed("unsupportedTaskType", "The sandbox infers images alone.", task)
            made = await _images(log, key, task, request.headers.get(HEADER))
            if isinstance(made, Response):
                return made
            data += made
        return JSONResponse({"data": data})

    return Starlette(routes=[Route("/v1", tasks, methods=["POST"]), Route("/", tasks, methods=["POST"]), *log.routes])


async def _images(
    log: CallLog, key: str, task: dict[str, Any], header: str | None
) -> list[dict[str, Any]] | Response:
    model = str(task.get("model", ""))
    # Runware's models are named like runware:97@1: only a header or a name of ours asks for behaviour.
    behaviour = Behaviour.of(model if model.startswith("sandbox") else "", header)
    asked = hashlib.sha256(json.dumps({**task, "taskUUID": ""}, sort_keys=True).encode()).hexdigest()
    call = log.begin("/imageInference", model=model, behaviour=behaviour.name, key=key, prompt_hash=asked[:16])
    if (refusal := behaviour.refusal(log.asked[call.prompt_hash])) is not None:
        log.end(call, "refused")
        code = {401: "invalidApiKey", 429: "rateLimitExceeded"}.get(refusal.status_code, "internalServerError")
        return _failed(code, "As asked for.", task, refusal.status_code, refusal.headers.get("retry-after"))
    await behaviour.wait()
    made = []
    kind = str(task.get("outputFormat", "JPG")).lower()
    for number in range(int(task.get("numberResults", 1))):
        random = Random(f"{asked} {number}")
        picture = pictures.drawn(str(task["positivePrompt"]), int(task["width"]), int(task["height"]), kind, random)
        entry = {
            "taskType": "imageInference",
            "taskUUID": task.get("taskUUID"),
            "imageUUID": str(uuid5(NAMESPACE_URL, f"{asked} {number}")),
            "imageBase64Data": base64.b64encode(picture).decode(),
        }
        made.append({**entry, "cost": _COST} if task.get("includeCost") else entry)
    log.end(call, "finished")
    return made


def _failed(
    code: str, message: str, task: dict[str, Any] | None, status: int = 400, retry_after: str | None = None
) -> Response:
    error = {"code": code, "message": message, "parameter": "", "type": "error"}
    if task is not None:
        error |= {"taskType": str(task.get("taskType")), "taskUUID": str(task.get("taskUUID"))}
    headers = {"Retry-After": retry_after} if retry_after else None
    return JSONResponse({"errors": [error]}, status, headers)
