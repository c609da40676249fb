"""The providers of this house, by hand: a new one is a file beside this one and a line here."""

import httpx2

from igny8.ai.calls import Provider
from igny8.ai.catalogue import Catalogue
from igny8.ai.engine import Engine
from igny8.ai.openai import OpenAi
from igny8.ai.runware import Runware


def engine(http: httpx2.AsyncClient, catalogue: Catalogue) -> Engine:
    """The engine over one guarded client."""
    openai, runware = OpenAi(http), Runware(http)
    return Engine(
        texts={Provider.OPENAI: openai},
        images={Provider.OPENAI: openai, Provider.RUNWARE: runware},
        embeddings={Provider.OPENAI: openai},
        catalogue=catalogue,
    )
