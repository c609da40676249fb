"""Every setting, its default and its check; read from `IGNY8_*` variables and nowhere else.

`load()` names all that is missing or wrong at once, so that an operator mends the configuration in one go.
"""

import base64
import binascii
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _postgres(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("postgresql", "postgres") or not parts.username:
        raise ValueError("must look like postgresql://role:password@host:5432/database")
    return url


def _redis(url: SecretStr) -> SecretStr:
    if urlsplit(url.get_secret_value()).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("must look like redis://host:6379/0")
    return url


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]


class SettingsError(Exception):
    """All settings that stop the start, one line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(["These settings stop the start:", *(f"  {fault}" for fault in faults)]))
        self.faults = faults


class DatabaseSettings(BaseSettings):
    """The four roles that serve requests; their names are the user names in these addresses."""

    model_config = SettingsConfigDict(env_prefix="IGNY8_", extra="ignore", frozen=True)

    database_app_url: PostgresUrl = Field(description="Role of owners, admins and workers.")
    database_member_url: PostgresUrl = Field(description="Role of editors and viewers: granted sites only.")
    database_signin_url: PostgresUrl = Field(description="Role that looks up credentials.")
    database_system_url: PostgresUrl = Field(description="Role of the dispatcher, the doctor and developers.")


class MigrationSettings(DatabaseSettings):
    """What `igny8 migrate` needs: the serving processes never hold the owner's address."""

    database_owner_url: PostgresUrl = Field(description="Role that owns the tables; no superuser.")


class SecretsSettings(DatabaseSettings):
    """What `igny8 secrets` needs."""

    secrets_keys: SecretStr = Field(description="`id:base64 of 32 bytes`, comma separated; the first one seals.")

    @field_validator("secrets_keys")
    @classmethod
    def _named_keys(cls, value: SecretStr) -> SecretStr:
        parse_keys(value)
        return value


class Settings(SecretsSettings):
    """The configuration of one serving process. Field `x_y` is read from `IGNY8_X_Y`."""

    environment: Literal["development", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str = Field(
        "http://127.0.0.1:8080",
        validate_default=True,
        description="Where browsers reach us; links in mails begin so.",
    )
    allowed_origins: Annotated[list[str], NoDecode] = Field([], description="Other origins whose pages may call us.")

    redis_url: RedisUrl

    files_url: str = Field(
        ".igny8/files", description="Where files are kept: a folder, or s3://bucket/folder (gs://, az://)."
    )

    token_key: SecretStr = Field(description="At least 32 bytes, base64: signs access tokens.")

    smtp_url: SecretStr | None = Field(None, description="smtp://user:password@host:587; without it mails are files.")
    mail_from: str = "IGNY8 <no-reply@localhost>"
    mail_folder: Path = Path(".igny8/mail")

    sign_up_plan: str | None = Field(None, description="Slug of the plan of new accounts; else the default plan.")
    require_verified_email: bool = Field(True, description="Trial credits wait for the verified e-mail.")

    billing_mode: Literal["none", "manual"] = Field("none", description="manual: developers may set priced plans.")
    credit_prices: Annotated[dict[str, int], NoDecode] = Field(
        {}, description="Prices of this server in place of the usual ones: CLUSTERING=12,LINKING=0."
    )

    outgoing_private: bool = Field(
        False, description="Addresses that users set may be http and inside: for development with servers of its own."
    )

    openai_api_key: SecretStr | None = Field(None, description="For accounts that have no key of their own.")
    openai_base_url: str = "https://api.openai.com/v1"
    runware_api_key: SecretStr | None = Field(None, description="For accounts that have no key of their own.")
    runware_base_url: str = "https://api.runware.ai/v1"
    ai_models: Path | None = Field(None, description="JSON list of models and prices over the built-in ones.")
    ai_daily_usd: Decimal = Field(
        Decimal(200), ge=0, description="A day's most with the server's keys, all accounts."
    )
    ai_daily_usd_account: Decimal = Field(Decimal(20), ge=0, description="The same for one account.")
    jobs_at_once: int = Field(250, ge=1, description="How many jobs one worker runs at once.")
    provider_calls_at_once: int = Field(250, ge=1, description="How many calls one worker makes to one AI provider.")
    drain_seconds: float = Field(30.0, ge=0, description="How long a worker that is stopped may go on with its jobs.")

    introspection: bool | None = Field(None, description="Default: on in development only.")
    max_depth: int = Field(15, ge=1)
    max_aliases: int = Field(30, ge=0)
    max_nodes: int = Field(50_000, ge=1)
    max_tokens: int = Field(2_000, ge=1)
    max_tokens_anonymous: int = Field(400, ge=1)
    max_repeated_keys: int = Field(20, ge=1)
    points_per_minute: int = Field(10_000, ge=1)
    max_body_bytes: int = Field(1_000_000, ge=1)
    max_answer_bytes: int = Field(8_000_000, ge=1)
    log_format: Literal["console", "json"] = "json"

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("credit_prices", mode="before")
    @classmethod
    def _priced(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(credits.strip().isdigit() and len(credits.strip()) <= 6 for _, _, credits in pairs):
            raise ValueError("must be a comma separated list of OPERATION=credits")
        return {name.strip(): int(credits) for name, _, credits in pairs}

    @field_validator("public_url")
    @classmethod
    def _safe_in_production(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("environment") == "production" and urlsplit(value).scheme != "https":
            raise ValueError("must begin with https:// in production")
        return value

    @field_validator("outgoing_private")
    @classmethod
    def _guarded_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("environment") == "production":
            raise ValueError("must not be on in production: users' addresses would reach the private network")
        return value

    @field_validator("files_url")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("", "file", "s3", "gs", "az"):
            raise ValueError("must be a folder, or look like s3://bucket/folder, gs://... or az://...")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in ("smtp", "smtps"):
            raise ValueError("must look like smtp://user:password@host:587 or smtps://...")
        return value

    @field_validator("token_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if len(_decoded(value.get_secret_value())) < 32:
            raise ValueError("must be at least 32 bytes in base64")
        return value

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def introspection_on(self) -> bool:
        return not self.production if self.introspection is None else self.introspection


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64") from None


def parse_keys(value: SecretStr) -> dict[str, bytes]:
    """`a:base64,b:base64` -> {"a": 32 bytes, "b": 32 bytes}, in the given order."""
    keys: dict[str, bytes] = {}
    for part in value.get_secret_value().split(","):
        key_id, _, text = part.strip().partition(":")
        if not 1 <= len(key_id) <= 16 or not key_id.isalnum() or len(_decoded(text)) != 32:
            raise ValueError("must be a comma separated list of id:base64 of 32 bytes")
        keys[key_id] = _decoded(text)
    return keys


Loaded = TypeVar("Loaded", bound=DatabaseSettings)


def load(kind: type[Loaded]) -> Loaded:
    """The settings of this process. Raises SettingsError with every fault; values never appear in it."""
    try:
        return kind()
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            name = f"IGNY8_{str(fault['loc'][0]).upper()}: " if fault["loc"] else "IGNY8_"
            said = "is not set" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
            faults.append(name + said)
        raise SettingsError(faults) from None
