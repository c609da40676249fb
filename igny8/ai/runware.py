"""Runware: images by its HTTP API. A list of tasks is posted, a list of results comes back.

Fields as in Runware's documentation of `imageInference`; `includeCost` makes it tell what each image cost.
"""

import base64
import binascii
from decimal import Decimal
from typing import Final
from uuid import uuid4

import httpx2
from pydantic import BaseModel, ValidationError

from igny8.ai.calls import Connection, ImageCall, Raw
from igny8.ai.errors import AiError, AiErrorCode
from igny8.ai.openai import of_connection, of_status
from igny8.errors import DomainError

_SECONDS: Final = 180.0
#: Sides are multiples of this.
_STEP: Final = 64


class _Result(BaseModel):
    imageBase64Data: str  # noqa: N815  # Runware's name
    cost: Decimal | None = None


class _Answer(BaseModel):
    data: list[_Result]


class Runware:
    """Speaks Runware's protocol through the guarded client. Nothing is retried here."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def image(self, connection: Connection, call: ImageCall) -> Raw:
        """A picture as a PNG, its sides rounded to multiples of 64 pixels. Raises AiError."""
        task = {
            "taskType": "imageInference",
            "taskUUID": str(uuid4()),
            "model": call.model,
            "positivePrompt": call.prompt,
            "width": max(1, round(call.width / _STEP)) * _STEP,
            "height": max(1, round(call.height / _STEP)) * _STEP,
            "numberResults": 1,
            "outputType": "base64Data",
            "outputFormat": "PNG",
            "includeCost": True,
        }
        try:
            response = await self._http.post(
                connection.base_url,
                json=[task],
                headers={"Authorization": f"Bearer {connection.api_key}"},
                timeout=_SECONDS,
            )
        except (httpx2.HTTPError, DomainError) as error:
            raise of_connection(call.model, error) from None
        if response.status_code != 200:
            raise of_status(call.model, response.status_code, None, response.headers.get("retry-after"))
        try:
            (result,) = _Answer.model_validate_json(response.content).data
            content = base64.b64decode(result.imageBase64Data, validate=True)
        except (ValidationError, ValueError, binascii.Error):
            raise AiError(
                AiErrorCode.AI_OUTPUT_INVALID, f"The model {call.model} answered without a picture."
            ) from None
        return Raw(content, images=1, cost_usd=result.cost)
