"""E-mail addresses: which are accepted, and when two of them are the same."""

import unicodedata
from typing import Final

from igny8.auth import mail
from igny8.errors import ValidationFailed
from igny8.inputs import Field

#: What fits into an SMTP path (RFC 5321, 4.5.3.1.3).
LONGEST: Final = 254


def key(email: str) -> str:
    """The address folded for comparison. Mails go to the address as its owner wrote it, never to this."""
    folded = unicodedata.normalize("NFKC", email[:LONGEST].strip()).casefold()
    return unicodedata.normalize("NFKC", folded)


def checked(email: str, field: Field) -> str:
    """The address without the spaces around it. Raises ValidationFailed for what is no address."""
    address = email.strip()
    if len(address) > LONGEST or not mail.is_address(address):
        raise ValidationFailed("This is not an e-mail address of the form name@domain.", field=field)
    return address
