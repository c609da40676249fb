"""Keywords, clusters, ideas, tasks, contents and images of a tenant, made directly."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from igny8.db import new_id
from tests.support.world import Tenant, World


@dataclass
class Graph:
    """Rows of one sector by name, and the means to make more."""

    world: World
    tenant: Tenant
    site: str = "a"
    ids: dict[str, UUID] = field(default_factory=dict)

    def keyword(self, text: str, *clusters: str, **columns: Any) -> UUID:
        made = self._insert("keyword", text, keyword=text, keyword_key=text.lower(), **columns)
        for cluster in clusters:
            self._link("keyword_cluster", keyword_id=made, cluster_id=self.ids[cluster])
        return made

    def cluster(self, name: str, **columns: Any) -> UUID:
        return self._insert("cluster", name, name=name, **columns)

    def idea(self, title: str, **columns: Any) -> UUID:
        return self._insert("content_idea", title, title=title, **columns)

    def task(self, title: str, **columns: Any) -> UUID:
        return self._insert("task", title, title=title, **columns)

    def content(self, title: str, **columns: Any) -> UUID:
        given = {
            "slug": title.lower().replace(" ", "-"),
            "html_content": "<p>Text</p>",
            "word_count": 1,
            "language": "en",
        }
        return self._insert("content", title, title=title, **{**given, **columns})

    def revision(self, content: str, version: int, **columns: Any) -> UUID:
        """A version of a content; its title says which."""
        made, told = new_id(), f"{content} {version}"
        place = {"account_id": self.tenant.id, "site_id": self.tenant.sites[self.site], "id": made}
        kept = {"title": told, "slug": f"v-{version}", "html_content": f"<p>{told}</p>", "tags": [], "categories": []}
        of = {"content_id": self.ids[content], "version": version, "author": "USER"}
        self._execute("content_revision", {**place, **of, **kept, **columns})
        return made

    def image(self, prompt: str, **columns: Any) -> UUID:
        return self._insert("image", prompt, prompt=prompt, **{"image_type": "FEATURED", **columns})

    def _insert(self, table: str, called: str, /, **columns: Any) -> UUID:
        made = new_id()
        where = {
            "account_id": self.tenant.id,
            "site_id": self.tenant.sites[self.site],
            "sector_id": self.tenant.sectors[self.site],
            "id": made,
        }
        self._execute(table, {**where, **columns})
        self.ids[called] = made
        return made

    def _link(self, table: str, **columns: UUID) -> None:
        self._execute(table, {"account_id": self.tenant.id, "site_id": self.tenant.sites[self.site], **columns})

    def _execute(self, table: str, columns: dict[str, Any]) -> None:
        names = ", ".join(columns)
        marks = ", ".join(["%s"] * len(columns))
        self.world.sql.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))  # type: ignore[call-overload]  # names of ours
