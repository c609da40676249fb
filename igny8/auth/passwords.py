"""Passwords: which are accepted, and how they are hashed without holding the event loop or filling the memory."""

import asyncio
import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from igny8.errors import Unavailable, ValidationFailed

SHORTEST: Final = 10
LONGEST: Final = 200
_FEWEST_DIFFERENT: Final = 4

# The OWASP floor for Argon2id; one hash takes about 50 ms and 19 MiB, so two threads bound the memory as well.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_THREADS: Final = 2
#: With more than these waiting, an answer would take over a second: it is more honest to refuse.
MOST_WAITING: Final = 40

_pool: Final = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
_places: Final = threading.BoundedSemaphore(_THREADS + MOST_WAITING)

# No known password leads to a digest of zeros; verifying against it costs what a real verification costs.
NOBODY: Final = "$argon2id$v=19$m=19456,t=2,p=1$" + "A" * 22 + "$" + "A" * 43

#: Long enough for the length rule, and still among the first guesses of everyone who tries.
_FIRST_GUESSES: Final = """
    1234567890 12345678910 123456789a 123456789q 0123456789 0987654321 9876543210 1234554321 1234512345 12344321abc
    123123123a 123456abcd abcd123456 abc1234567 a123456789 q123456789 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc
    1qazxsw23edc q1w2e3r4t5 q1w2e3r4t5y6 zaq12wsxcde3 qwerty1234 qwerty12345 qwerty123456 qwertyuiop qwertyuiop1
    qwertyuiop123 qwertz1234 qwertzuiop azertyuiop azerty1234 asdfghjkl1 asdfghjkl; asdfghjkl123 zxcvbnm123
    zxcvbnm,./ 1234qwerasdf qweasdzxc1 qweasdzxc123 qazwsxedcrfv password12 password123 password1234 password12345
    password123! password!1 password01 passw0rd12 passw0rd123 p@ssw0rd12 p@ssw0rd123 p@ssword123 mypassword
    mypassword1 thepassword newpassword newpassword1 changeme12 changeme123 changemenow changethis letmein123
    letmein1234 letmeinnow welcome123 welcome1234 welcome2024 welcome2025 welcome2026 welcome12345 administrator
    administrator1 adminadmin admin12345 admin123456 administrador superadmin superuser1 rootroot12 root123456
    test123456 testtest12 testing123 testpassword user123456 guest12345 default123 secret1234 secret12345 topsecret1
    iloveyou12 iloveyou123 iloveyou1234 loveyou123 sunshine12 sunshine123 princess12 princess123 football12
    football123 baseball12 baseball123 basketball superman12 superman123 batman12345 pokemon123 starwars12
    starwars123 dragon1234 dragon12345 monkey1234 monkey12345 michael123 charlie123 jordan12345 computer12
    computer123 internet12 internet123 samsung123 summer2024 summer2025 summer2026 winter2024 winter2025 winter2026
    spring2025 autumn2025 whatever12 whatever123 trustno1123 correcthorsebatterystaple
"""
_COMMON: Final = frozenset(_FIRST_GUESSES.split())

_Result = TypeVar("_Result")


def check_strength(password: str, *, email: str, field: Sequence[str] = ("input", "password")) -> None:
    """Raise ValidationFailed for a password that is too short, too long or among the first to be guessed."""
    fault = _fault(password, email)
    if fault is not None:
        raise ValidationFailed(fault, field=field)


async def hash(password: str) -> str:
    """The Argon2id hash to store. Raises Unavailable when too many hashes are already waiting."""
    return await _in_pool(lambda: _HASHER.hash(_canonical(password)))


async def verify(stored: str | None, password: str) -> bool:
    """Whether the password has this hash. Without a hash (nobody by that name) the answer costs the same time.

    Raises Unavailable when too many hashes are already waiting.
    """
    return await _in_pool(lambda: _matches(stored, password))


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's; ask after a successful `verify`."""
    return _HASHER.check_needs_rehash(stored)


def _fault(password: str, email: str) -> str | None:
    if len(password) > LONGEST:
        return f"The password must have at most {LONGEST} characters."
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "The password holds characters that are not valid text; type it again."
    text = unicodedata.normalize("NFKC", password)
    if min(len(password), len(text)) < SHORTEST:
        return f"The password must have at least {SHORTEST} characters."
    folded, address = text.casefold(), unicodedata.normalize("NFKC", email).casefold()
    if folded in (address, address.partition("@")[0]):
        return "The password must not be your e-mail address; choose another one."
    if folded in _COMMON or len(set(folded)) < _FEWEST_DIFFERENT:
        return "This password is one of the first that others would guess; choose another one."
    return None


def _matches(stored: str | None, password: str) -> bool:
    # No stored password is longer than LONGEST, and folding a whole megabyte would be a gift to attackers.
    known = stored if stored is not None and len(password) <= LONGEST else NOBODY
    try:
        return _HASHER.verify(known, _canonical(password[:LONGEST]))
    except VerifyMismatchError:
        return False


def _canonical(password: str) -> bytes:
    """The same bytes however a keyboard composes its accents; text that is not valid Unicode matches nothing."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


async def _in_pool(work: Callable[[], _Result]) -> _Result:
    if not _places.acquire(blocking=False):
        raise Unavailable("Too many sign-ins are being checked at the moment; try again in a few seconds.")
    try:
        future = _pool.submit(work)
    except BaseException:
        _places.release()
        raise
    # The place is free when the work ends, or is cancelled before it begins; not when its caller hangs up.
    future.add_done_callback(_free_place)
    return await asyncio.wrap_future(future)


def _free_place(_done: Future[_Result]) -> None:
    _places.release()
