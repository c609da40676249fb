"""The users of every blog: one for each role, named like it."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_SUBSCRIBER: Final = {"read"}
_CONTRIBUTOR: Final = _SUBSCRIBER | {"edit_posts", "delete_posts"}
_AUTHOR: Final = _CONTRIBUTOR | {"upload_files", "publish_posts", "edit_published_posts", "delete_published_posts"}
_EDITOR: Final = (
    _AUTHOR
    | {"moderate_comments", "manage_categories", "manage_links", "unfiltered_html"}
    | {"edit_others_posts", "delete_others_posts", "read_private_posts", "edit_private_posts", "delete_private_posts"}
    | {"edit_pages", "publish_pages", "edit_published_pages", "delete_pages", "delete_published_pages"}
    | {"edit_others_pages", "delete_others_pages", "read_private_pages", "edit_private_pages", "delete_private_pages"}
)
_ADMINISTRATOR: Final = (
    _EDITOR
    | {f"{act}_{things}" for act in ("install", "update", "edit", "delete") for things in ("themes", "plugins")}
    | {"switch_themes", "activate_plugins", "edit_files", "edit_theme_options", "edit_dashboard", "manage_options"}
    | {f"{act}_users" for act in ("list", "create", "edit", "delete", "promote", "remove")}
    | {"import", "export", "unfiltered_upload", "update_core"}
)
#: Role -> what it may, and its old level.
_ROLES: Final = {
    "administrator": (_ADMINISTRATOR, 10),
    "editor": (_EDITOR, 7),
    "author": (_AUTHOR, 2),
    "contributor": (_CONTRIBUTOR, 1),
    "subscriber": (_SUBSCRIBER, 0),
}
#: Login name -> application password, as WordPress shows it once: in groups that need not be typed.
PASSWORDS: Final = {role: f"sand boxx pass word {role[:4]} {role[-4:]}" for role in _ROLES}


@dataclass(frozen=True, slots=True)
class User:
    id: int
    login: str
    name: str
    capabilities: Mapping[str, bool]

    @property
    def role(self) -> str:
        return self.login

    def may(self, capability: str) -> bool:
        return capability in self.capabilities


def _user(number: int, role: str) -> User:
    may, level = _ROLES[role]
    listed = [*sorted(may), *(f"level_{n}" for n in range(level, -1, -1)), role]
    name = role if number == 1 else f"{role.capitalize()} of the blog"
    return User(number, role, name, dict.fromkeys(listed, True))


PEOPLE: Final = {role: _user(number, role) for number, role in enumerate(_ROLES, 1)}
BY_ID: Final = {user.id: user for user in PEOPLE.values()}


def signed_in(authorization: str | None) -> User | None:
    """The user of a Basic header with the right application password; a wrong one is nobody's."""
    scheme, _, encoded = (authorization or "").partition(" ")
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    right = PASSWORDS.get(name.lower())
    if scheme.lower() != "basic" or right is None or _bare(password) != _bare(right):
        return None
    return PEOPLE[name.lower()]


def _bare(password: str) -> str:
    return re.sub("[^a-zA-Z0-9]", "", password)
