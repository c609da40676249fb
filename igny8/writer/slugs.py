"""Slugs of contents: the last part of their addresses, unique in a site."""

import re
import unicodedata
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.errors import ValidationFailed
from igny8.inputs import Field
from igny8.writer.tables import Content

LONGEST: Final = 100
_APART: Final = re.compile(r"[\W_]+")
_SOUND: Final = re.compile(r"[^\W_]+(-[^\W_]+)*")


def checked(given: str, field: Field) -> str:
    """A slug that somebody chose: words of small letters and digits of any script. Raises ValidationFailed."""
    slug = unicodedata.normalize("NFC", given).strip().lower()
    if len(slug) > LONGEST or not _SOUND.fullmatch(slug):
        raise ValidationFailed(
            f"A slug has 1 to {LONGEST} characters: small letters, digits and single hyphens.", field=field
        )
    return slug


def suggested(*texts: str) -> str:
    """The slug that the first text with a letter or digit suggests; Latin letters lose their accents."""
    for text in texts:
        folded = unicodedata.normalize("NFKD", text.lower())
        bare = "".join(sign for sign in folded if not unicodedata.combining(sign))
        latin = bare.encode("ascii", "ignore").decode()
        slug = _cut(latin if len(latin) * 2 > len(bare) else unicodedata.normalize("NFC", text.lower()))
        if slug:
            return slug
    return "content"


async def free(session: AsyncSession, account_id: UUID, site_id: UUID, wanted: str) -> str:
    """The slug, or with the first number behind it that no content of the site has; somebody else may be faster."""
    escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    slug = func.lower(Content.slug)
    alike = select(slug).where(
        Content.account_id == account_id,
        Content.site_id == site_id,
        or_(slug == wanted, slug.like(f"{escaped}-%")),
    )
    taken = set((await session.execute(alike)).scalars())
    number, found = 2, wanted
    while found in taken:
        found, number = f"{wanted}-{number}", number + 1
    return found


def _cut(text: str) -> str:
    """Words joined by hyphens, as many as leave room for a number."""
    words, made = [word for word in _APART.split(text) if word], ""
    for word in words:
        longer = f"{made}-{word}" if made else word[: LONGEST - 20]
        if len(longer) > LONGEST - 20:
            break
        made = longer
    return made
