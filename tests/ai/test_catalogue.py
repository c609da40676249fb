"""Prices of models, to the millionth of a dollar."""

from decimal import Decimal
from pathlib import Path

import pytest

from igny8.ai.calls import Provider, Raw
from igny8.ai.catalogue import Catalogue, ModelKind


def test_tokens_and_images_cost_what_the_catalogue_says() -> None:
    catalogue = Catalogue.load()
    text = catalogue.metered(Provider.OPENAI, "gpt-4.1-mini", Raw(b"", tokens_input=1_234, tokens_output=567))
    assert text.cost_usd == Decimal("0.001401")
    image = catalogue.metered(Provider.OPENAI, "dall-e-3", Raw(b"", images=2))
    assert image.cost_usd == Decimal("0.08")


def test_what_the_provider_tells_is_believed() -> None:
    told = Catalogue.load().metered(Provider.RUNWARE, "runware:1@1", Raw(b"", images=1, cost_usd=Decimal("0.0013")))
    assert told.cost_usd == Decimal("0.0013")


def test_what_has_no_price_has_no_cost() -> None:
    catalogue = Catalogue.load()
    assert catalogue.metered(Provider.OPENAI, "nobody-knows", Raw(b"", tokens_input=5)).cost_usd is None
    assert catalogue.metered(Provider.RUNWARE, "runware:97@1", Raw(b"", images=1)).cost_usd is None
    assert catalogue.metered(Provider.OPENAI, "text-embedding-3-small", Raw(b"", tokens_output=5)).cost_usd is None


def test_an_operators_file_goes_over_the_built_in_one(tmp_path: Path) -> None:
    own = tmp_path / "models.json"
    own.write_text(
        '[{"provider": "OPENAI", "name": "gpt-4o", "kind": "TEXT", "inputPriceUsd": 1, "outputPriceUsd": 2}]'
    )
    catalogue = Catalogue.load(own)
    used = Raw(b"", tokens_input=1_000_000, tokens_output=1_000_000)
    assert catalogue.metered(Provider.OPENAI, "gpt-4o", used).cost_usd == 3
    own.write_text('[{"provider": "NOBODY", "name": "x", "kind": "TEXT"}]')
    with pytest.raises(ValueError, match="NOBODY"):
        Catalogue.load(own)


def test_each_kind_has_a_default_where_the_provider_makes_it() -> None:
    catalogue = Catalogue.load()
    assert catalogue.default(Provider.OPENAI, ModelKind.TEXT) == "gpt-4.1-mini"
    assert catalogue.default(Provider.RUNWARE, ModelKind.IMAGE) == "runware:97@1"
    with pytest.raises(LookupError):
        catalogue.default(Provider.RUNWARE, ModelKind.TEXT)
