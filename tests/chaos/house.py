"""The whole product, running: its processes, what they stand on, and the proxies between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
from pydantic import SecretStr

from igny8.devstack.ports import free_port
from igny8.settings import Settings
from tests.chaos.lossy import Lossy
from tests.chaos.programs import Program, Stores
from tests.conftest import KEY, ROLES
from tests.support.servers import TEMPLATE, Servers

WORKERS: Final = ("worker-1", "worker-2", "worker-3")
PATIENCE: Final = 120.0

_NO_LIMITS: Final = httpx.Limits(max_connections=None)
_WORKER: Final = ("igny8", "worker", "--tasks", "tests.chaos.chaos_tasks")


@dataclass
class House:
    """Addresses and processes; `settings` are those of the processes, too."""

    servers: Servers
    stores: Stores
    database: Lossy
    provider: Lossy
    programs: dict[str, Program]
    address: str
    sandbox: str
    settings: Settings
    http: httpx.AsyncClient

    @property
    def superuser_url(self) -> str:
        return self.servers.superuser_url_of(TEMPLATE)

    async def supervise(self) -> None:
        """Start again what has ended, for ever."""
        while True:
            for program in self.programs.values():
                if not program.lives:
                    program.start()
            await asyncio.sleep(0.1)

    async def ready(self) -> None:
        """Return when the API answers and all that it needs is there."""
        await until(self._is_ready, "the API to be ready")

    async def calls(self) -> list[dict[str, Any]]:
        """What the sandbox was asked."""
        found: list[dict[str, Any]] = (await self.http.get(f"{self.sandbox}/sandbox/calls")).json()["calls"]
        return found

    async def _is_ready(self) -> bool:
        try:
            return (await self.http.get(f"{self.address}/ready")).status_code == 200
        except httpx.HTTPError:
            return False


@asynccontextmanager
async def inhabited(servers: Servers, stores: Stores, folder: Path) -> AsyncIterator[House]:
    """Everything runs, and is gone after the block."""
    api_port, sandbox_port = free_port(), free_port()
    socket = str(stores.postgres.socket / ".s.PGSQL.5432")
    loop = asyncio.get_running_loop()
    database = Lossy(lambda protocol: loop.create_unix_connection(protocol, socket))
    provider = Lossy(lambda protocol: loop.create_connection(protocol, "127.0.0.1", sandbox_port))
    async with AsyncExitStack() as stack:
        for proxy in (database, provider):
            await stack.enter_async_context(proxy.serving())
        urls = {role: _by_port(url, database.port) for role, url in servers.database_urls(TEMPLATE).items()}
        environment = _environment(servers, urls, provider.port, folder)
        commands = {
            "sandbox": ("igny8.devstack.sandbox", "openai", "--port", str(sandbox_port)),
            "api": ("igny8", "api", "--port", str(api_port)),
            "dispatcher": ("igny8", "dispatcher"),
            **dict.fromkeys(WORKERS, _WORKER),
        }
        programs = {
            name: Program(name, command, environment, folder / f"{name}.log") for name, command in commands.items()
        }
        for program in programs.values():
            stack.callback(program.end)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=20, limits=_NO_LIMITS))
        yield House(
            servers,
            stores,
            database,
            provider,
            programs,
            f"http://127.0.0.1:{api_port}",
            f"http://127.0.0.1:{sandbox_port}",
            _settings(servers, urls),
            http,
        )


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for what other processes bring about."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + PATIENCE
    while not await holds():
        assert loop.time() < ends, f"waited in vain for {what}"
        await asyncio.sleep(0.1)


def _settings(servers: Servers, urls: Mapping[str, str]) -> Settings:
    return Settings(
        environment="development",
        public_url="http://127.0.0.1",
        redis_url=SecretStr(servers.redis_url),
        token_key=SecretStr(KEY),
        secrets_keys=SecretStr(f"k1:{KEY}"),
        **{f"database_{role}_url": SecretStr(urls[role]) for role in ROLES},
    )


def _environment(servers: Servers, urls: Mapping[str, str], provider_port: int, folder: Path) -> dict[str, str]:
    """What the processes are told."""
    return {
        **{f"IGNY8_DATABASE_{role.upper()}_URL": urls[role] for role in ROLES},
        "IGNY8_ENVIRONMENT": "development",
        "IGNY8_PUBLIC_URL": "http://127.0.0.1",
        "IGNY8_REDIS_URL": servers.redis_url,
        "IGNY8_TOKEN_KEY": KEY,
        "IGNY8_SECRETS_KEYS": f"k1:{KEY}",
        "IGNY8_MAIL_FOLDER": str(folder / "mail"),
        "IGNY8_OUTGOING_PRIVATE": "true",
        "IGNY8_OPENAI_API_KEY": "sandbox-key",
        "IGNY8_OPENAI_BASE_URL": f"http://127.0.0.1:{provider_port}/v1",
        "IGNY8_AI_DAILY_USD": "1000000",
        "IGNY8_AI_DAILY_USD_ACCOUNT": "1000000",
        "IGNY8_POINTS_PER_MINUTE": "1000000",
        "IGNY8_DRAIN_SECONDS": "2",
    }


def _by_port(url: str, port: int) -> str:
    """The same database by way of a proxy."""
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}", query="sslmode=disable&gssencmode=disable"))
