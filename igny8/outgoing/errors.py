"""Why a call to an address that a user has set did not come to its end."""

from igny8.errors import ExternalServiceFailed, ValidationFailed


class Refused(ValidationFailed):
    """The address may not be called, and was not. The message names the rule and nothing that lies behind it."""


class TooLarge(ExternalServiceFailed):
    """The answer is longer than we read, as it is sent or once it is unpacked."""


class TooSlow(ExternalServiceFailed):
    """The whole exchange, redirects and body included, took longer than it may."""
