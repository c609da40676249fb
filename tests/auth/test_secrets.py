"""Secrets open where they were sealed, with the key they were sealed with, and nowhere else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from igny8.secrets import Keyring, SecretUnreadable

OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()
PLACE = "site:acc_1:sit_1:wp_app_password"


def keyring(*keys: str) -> Keyring:
    return Keyring(SecretStr(",".join(keys)))


RING = keyring(NEW)


@given(st.text(max_size=300), st.text(st.characters(codec="utf-8"), max_size=60))
def test_a_secret_opens_in_its_place(plain: str, place: str) -> None:
    assert RING.open(RING.seal(plain, bound_to=place), bound_to=place) == plain


def test_the_blob_hides_the_secret_and_differs_each_time() -> None:
    first, second = (RING.seal("canary-7731", bound_to=PLACE) for _ in range(2))
    assert first != second
    assert b"canary" not in first


def test_a_blob_copied_to_another_row_stays_closed() -> None:
    blob = RING.seal("canary-7731", bound_to=PLACE)
    with pytest.raises(SecretUnreadable, match="belongs to another row") as refused:
        RING.open(blob, bound_to="site:acc_2:sit_1:wp_app_password")
    assert "canary" not in str(refused.value)


def test_a_change_of_any_byte_is_noticed() -> None:
    blob = RING.seal("canary-7731", bound_to=PLACE)
    for position in range(len(blob)):
        changed = bytearray(blob)
        changed[position] ^= 1
        with pytest.raises(SecretUnreadable):
            RING.open(bytes(changed), bound_to=PLACE)


@given(st.binary(max_size=80))
def test_bytes_that_are_no_blob_are_refused(blob: bytes) -> None:
    with pytest.raises(SecretUnreadable):
        RING.open(blob, bound_to=PLACE)


def test_the_first_key_seals_and_all_keys_open() -> None:
    blob = keyring(OLD).seal("canary-7731", bound_to=PLACE)
    both = keyring(NEW, OLD)
    assert both.open(blob, bound_to=PLACE) == "canary-7731"
    assert both.sealing_key_id == "new"
    assert (both.key_id(blob), both.key_id(both.seal("x", bound_to=PLACE))) == ("old", "new")


def test_rotation_moves_a_secret_to_the_first_key() -> None:
    blob = keyring(OLD).seal("canary-7731", bound_to=PLACE)
    rotated = keyring(NEW, OLD).reseal(blob, bound_to=PLACE)
    assert keyring(NEW).open(rotated, bound_to=PLACE) == "canary-7731"


def test_a_missing_key_is_named() -> None:
    blob = keyring(OLD).seal("canary-7731", bound_to=PLACE)
    with pytest.raises(SecretUnreadable, match="needs the key 'old', which is not configured"):
        RING.open(blob, bound_to=PLACE)


def test_the_keyring_does_not_show_its_keys() -> None:
    assert "n" * 8 not in repr(RING) + repr(vars(RING))
