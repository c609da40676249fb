"""Models and what they cost. What is not listed has no price: its cost is unknown, never zero."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Final

import structlog

from igny8.ai.calls import Provider, Raw, Usage

log = structlog.get_logger()

_MILLION: Final = Decimal(1_000_000)
#: Costs are kept to the millionth of a dollar.
_PLACES: Final = Decimal("0.000001")


class ModelKind(StrEnum):
    TEXT = "TEXT"
    IMAGE = "IMAGE"
    EMBEDDING = "EMBEDDING"


@dataclass(frozen=True, slots=True)
class Model:
    """A model we know: USD for a million tokens in and out, or for an image."""

    provider: Provider
    name: str
    kind: ModelKind
    input_price_usd: Decimal | None = None
    output_price_usd: Decimal | None = None
    image_price_usd: Decimal | None = None
    is_default: bool = False


class Catalogue:
    """The models of the package, and over them those of an operator's own file."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._models = {(model.provider, model.name): model for model in models}

    @classmethod
    def load(cls, own: Path | None = None) -> "Catalogue":
        """`own` is a JSON list of models in the form of the built-in one. Raises ValueError when it is not."""
        texts = [files("igny8.ai").joinpath("models.json").read_text()]
        if own is not None:
            texts.append(own.read_text())
        return cls(_model(entry) for text in texts for entry in json.loads(text))

    def listed(self, *, sandbox: bool = True) -> list[Model]:
        """All of them; those of the sandbox, which no real provider has, only where it may be."""
        return [model for model in self._models.values() if sandbox or not model.name.startswith("sandbox-")]

    def default(self, provider: Provider, kind: ModelKind) -> str:
        """The model that is used where none is named. Raises LookupError when the provider has none of the kind."""
        for model in self._models.values():
            if model.provider is provider and model.kind is kind and model.is_default:
                return model.name
        raise LookupError(f"{provider} has no default model for {kind}")

    def metered(self, provider: Provider, model: str, raw: Raw) -> Usage:
        """What a call used and cost: as the provider told it, else by our prices."""
        cost = raw.cost_usd
        if cost is None:
            # A model of the sandbox says behind a colon how to misbehave; dated names cost what their model costs.
            known = self._models.get((provider, model)) or self._models.get((provider, model.partition(":")[0]))
            cost = _cost(known, raw) if known else None
            if cost is None:
                log.warning("unknown price", provider=provider.value, model=model)
        return Usage(provider, model, raw.tokens_input, raw.tokens_output, raw.images, cost)


def _cost(model: Model, raw: Raw) -> Decimal | None:
    if raw.images:
        return None if model.image_price_usd is None else (model.image_price_usd * raw.images).quantize(_PLACES)
    if model.input_price_usd is None or (raw.tokens_output and model.output_price_usd is None):
        return None
    total = model.input_price_usd * raw.tokens_input + (model.output_price_usd or 0) * raw.tokens_output
    return (total / _MILLION).quantize(_PLACES)


def _model(entry: Mapping[str, object]) -> Model:
    def price(name: str) -> Decimal | None:
        return None if entry.get(name) is None else Decimal(str(entry[name]))

    try:
        return Model(
            Provider(str(entry["provider"])),
            str(entry["name"]),
            ModelKind(str(entry["kind"])),
            price("inputPriceUsd"),
            price("outputPriceUsd"),
            price("imagePriceUsd"),
            bool(entry.get("isDefault", False)),
        )
    except (KeyError, ArithmeticError) as error:
        raise ValueError(f"A model needs provider, name and kind, and prices are numbers: {entry}") from error
