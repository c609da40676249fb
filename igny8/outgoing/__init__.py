"""The one way to reach any address that a user can set.

`client()` makes an HTTP client that goes to public addresses over TLS and nowhere else, whatever the name resolves
to and wherever the answer redirects. `vet()` says the same of an address that is only to be stored.
"""

from igny8.outgoing.client import MAX_REDIRECTS, client
from igny8.outgoing.errors import Refused, TooLarge, TooSlow
from igny8.outgoing.vetting import parsed, vet

__all__ = ["MAX_REDIRECTS", "Refused", "TooLarge", "TooSlow", "client", "parsed", "vet"]
