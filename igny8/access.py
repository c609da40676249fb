"""Who may do what: the one matrix of roles and permissions, and the viewer that it is asked for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class Role(StrEnum):
    """What a user is in the account."""

    DEVELOPER = "DEVELOPER"
    OWNER = "OWNER"
    ADMIN = "ADMIN"
    EDITOR = "EDITOR"
    VIEWER = "VIEWER"
    SYSTEM_BOT = "SYSTEM_BOT"


class Permission(StrEnum):
    """What a root field, a type or a field asks for."""

    SYSTEM_ADMIN = "SYSTEM_ADMIN"
    ACCOUNT_MANAGE = "ACCOUNT_MANAGE"
    USERS_MANAGE = "USERS_MANAGE"
    BILLING_MANAGE = "BILLING_MANAGE"
    BILLING_READ = "BILLING_READ"
    SITES_MANAGE = "SITES_MANAGE"
    SETTINGS_MANAGE = "SETTINGS_MANAGE"
    API_KEYS_MANAGE = "API_KEYS_MANAGE"
    CONTENT_WRITE = "CONTENT_WRITE"
    CONTENT_PUBLISH = "CONTENT_PUBLISH"
    CONTENT_READ = "CONTENT_READ"


class Audience(StrEnum):
    """Who may use a root field that asks for no permission."""

    PUBLIC = "PUBLIC"
    SIGNED_IN = "SIGNED_IN"


#: What a root field states: a permission, or that it needs none.
Need = Permission | Audience

_P = Permission
_READ = frozenset({_P.CONTENT_READ})
_EDIT = _READ | {_P.CONTENT_WRITE, _P.CONTENT_PUBLISH}
_BOT = _EDIT | {_P.SITES_MANAGE, _P.SETTINGS_MANAGE}
_ADMIN = _BOT | {_P.USERS_MANAGE, _P.API_KEYS_MANAGE, _P.BILLING_READ}
_OWNER = _ADMIN | {_P.ACCOUNT_MANAGE, _P.BILLING_MANAGE}

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.DEVELOPER: _OWNER | {_P.SYSTEM_ADMIN},
    Role.SYSTEM_BOT: _BOT,
    Role.OWNER: _OWNER,
    Role.ADMIN: _ADMIN,
    Role.EDITOR: _EDIT,
    Role.VIEWER: _READ,
}

#: Roles that see only the sites they were granted; the database serves them through `igny8_member`.
SITE_BOUND: Final = frozenset({Role.EDITOR, Role.VIEWER})
#: Users of the system account, made on the command line alone.
SYSTEM_ROLES: Final = frozenset({Role.DEVELOPER, Role.SYSTEM_BOT})


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, as the session row says at this moment (not as the token says).

    `account_id` is the account that is acted on: the viewer's own, or the one a developer named by header.
    """

    user_id: UUID
    account_id: UUID
    session_id: UUID
    role: Role
    acts_abroad: bool = False

    @property
    def permissions(self) -> frozenset[Permission]:
        return PERMISSIONS[self.role]

    def may(self, permission: Permission) -> bool:
        return permission in PERMISSIONS[self.role]
