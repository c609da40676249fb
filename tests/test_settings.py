"""Settings: what stops the start, and that everything wrong is told at once, without the values."""

import base64

import pytest

from igny8.settings import Settings, SettingsError, load

KEY = base64.b64encode(bytes(32)).decode()
GOOD = {
    "IGNY8_ENVIRONMENT": "production",
    "IGNY8_PUBLIC_URL": "https://api.example.com",
    **{
        f"IGNY8_DATABASE_{role}_URL": f"postgresql://{role}:pw@db/igny8"
        for role in ("APP", "MEMBER", "SIGNIN", "SYSTEM")
    },
    "IGNY8_REDIS_URL": "redis://redis:6379/0",
    "IGNY8_TOKEN_KEY": KEY,
    "IGNY8_SECRETS_KEYS": f"a:{KEY}",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    import os

    for name in [name for name in os.environ if name.startswith("IGNY8_")]:
        monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_good_production_configuration_loads(environment: pytest.MonkeyPatch) -> None:
    settings = load(Settings)
    assert settings.production
    assert not settings.introspection_on


def test_every_fault_is_told_at_once_and_no_value_is(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("IGNY8_REDIS_URL")
    environment.setenv("IGNY8_DATABASE_APP_URL", "mysql://secret-user:secret-password@db/igny8")
    environment.setenv("IGNY8_TOKEN_KEY", base64.b64encode(b"too short: secret").decode())
    environment.setenv("IGNY8_SECRETS_KEYS", "secret-but-no-key")
    environment.setenv("IGNY8_PORT", "eighty")
    with pytest.raises(SettingsError) as stopped:
        load(Settings)
    assert sorted(stopped.value.faults) == [
        "IGNY8_DATABASE_APP_URL: must look like postgresql://role:password@host:5432/database",
        "IGNY8_PORT: Input should be a valid integer, unable to parse string as an integer",
        "IGNY8_REDIS_URL: is not set",
        "IGNY8_SECRETS_KEYS: must be a comma separated list of id:base64 of 32 bytes",
        "IGNY8_TOKEN_KEY: must be at least 32 bytes in base64",
    ]
    assert "secret" not in str(stopped.value)


def test_production_refuses_an_address_without_tls(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("IGNY8_PUBLIC_URL", "http://api.example.com")
    with pytest.raises(SettingsError, match="IGNY8_PUBLIC_URL: must begin with https:// in production"):
        load(Settings)


def test_production_keeps_users_addresses_out_of_the_private_network(environment: pytest.MonkeyPatch) -> None:
    assert not load(Settings).outgoing_private
    environment.setenv("IGNY8_OUTGOING_PRIVATE", "true")
    with pytest.raises(SettingsError, match="IGNY8_OUTGOING_PRIVATE: must not be on in production"):
        load(Settings)
    environment.setenv("IGNY8_ENVIRONMENT", "development")
    assert load(Settings).outgoing_private


def test_origins_are_a_comma_separated_list(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("IGNY8_ALLOWED_ORIGINS", "https://a.example, https://b.example")
    assert load(Settings).allowed_origins == ["https://a.example", "https://b.example"]
