"""Posts, files and terms as JSON, in the context `view` (what everybody may read) or `edit` (raw texts too)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import ceil
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from igny8.devstack.sandbox.wordpress import texts
from igny8.devstack.sandbox.wordpress.blog import TIMEZONE, YOAST_META, Blog, Post, Term
from igny8.devstack.sandbox.wordpress.calls import Call

REST_BASE: Final = {
    "post": "posts",
    "page": "pages",
    "attachment": "media",
    "category": "categories",
    "post_tag": "tags",
}
Json = dict[str, Any]


def post_json(call: Call, post: Post, context: str) -> Json:
    edit = context == "edit"
    title = f"Private: {post.title}" if post.status == "private" else post.title
    shown: Json = {
        "id": post.id,
        "date": _local(post.date),
        "date_gmt": _utc(post.date),
        "guid": _raw_too(edit, f"{call.base}/?p={post.id}", f"{call.base}/?p={post.id}"),
        "modified": _local(post.modified),
        "modified_gmt": _utc(post.modified),
        **({"password": post.password} if edit else {}),
        "slug": post.slug,
        "status": post.status,
        "type": post.kind,
        "link": link(call.base, call.blog, post),
        "title": _raw_too(edit, post.title, texts.shown_title(title)),
    }
    shown |= _of_a_file(call, post, edit) if post.kind == "attachment" else _of_a_text(call, post, edit)
    self_ = f"{call.base}/wp-json/wp/v2/{REST_BASE[post.kind]}"
    links = {"self": [{"href": f"{self_}/{post.id}"}], "collection": [{"href": self_}]}
    return {**shown, "_links": links}


def _of_a_text(call: Call, post: Post, edit: bool) -> Json:
    content = _raw_too(edit, post.content, texts.shown(post.content)) | {"protected": False}
    excerpt = _raw_too(edit, post.excerpt, texts.shown(post.excerpt)) | {"protected": False}
    shown: Json = {
        "content": content | ({"block_version": int("<!-- wp:" in post.content)} if edit else {}),
        "excerpt": excerpt,
        "author": post.author,
        "featured_media": post.featured_media,
        "comment_status": "open" if post.kind == "post" else "closed",
        "ping_status": "open" if post.kind == "post" else "closed",
        "template": "",
        "meta": _meta(call.blog, post),
    }
    if post.kind == "post":
        shown |= {"sticky": post.sticky, "format": post.format, "categories": post.categories, "tags": post.tags}
    else:
        shown |= {"parent": post.parent, "menu_order": post.menu_order}
    if call.blog.seo.startswith("yoast"):
        shown["yoast_head_json"] = _yoast(call, post)
    return shown | (_permalink(call, post) if edit else {})


def _of_a_file(call: Call, post: Post, edit: bool) -> Json:
    assert post.file is not None, "an attachment has a file"
    address = f"{call.base}/wp-content/uploads/{post.file.path}"
    image = post.file.mime_type.startswith("image/")
    size = {"width": post.file.width, "height": post.file.height} if post.file.width else {}
    details = {**size, "file": post.file.path, "filesize": len(post.file.content), "sizes": {}}
    return {
        "author": post.author,
        "comment_status": "open",
        "ping_status": "closed",
        "template": "",
        "meta": [],
        **(_permalink(call, post) if edit else {}),
        "description": _raw_too(edit, post.content, texts.shown(post.content)),
        "caption": _raw_too(edit, post.excerpt, texts.shown(post.excerpt)),
        "alt_text": post.alt_text,
        "media_type": "image" if image else "file",
        "mime_type": post.file.mime_type,
        "media_details": details,
        "post": post.parent or None,
        "source_url": address,
        **({"missing_image_sizes": []} if edit else {}),
    }


def term_json(call: Call, term: Term) -> Json:
    word = "tag" if term.taxonomy == "post_tag" else term.taxonomy
    above = call.blog.terms.get(term.parent)
    path = f"{above.slug}/{term.slug}" if above else term.slug
    self_ = f"{call.base}/wp-json/wp/v2/{REST_BASE[term.taxonomy]}"
    return {
        "id": term.id,
        "count": call.blog.uses(term),
        "description": term.description,
        "link": f"{call.base}/{word}/{path}/",
        "name": term.name,
        "slug": term.slug,
        "taxonomy": term.taxonomy,
        **({"parent": term.parent} if term.taxonomy == "category" else {}),
        "meta": [],
        "_links": {"self": [{"href": f"{self_}/{term.id}"}], "collection": [{"href": self_}]},
    }


def link(base: str, blog: Blog, post: Post) -> str:
    """Only what is out has a pretty address."""
    if post.kind == "attachment":
        above = blog.posts.get(post.parent)
        return f"{base}/{above.slug}/{post.slug}/" if above and above.slug else f"{base}/{post.slug}/"
    if post.status not in ("publish", "private"):
        return f"{base}/?{'page_id' if post.kind == 'page' else 'p'}={post.id}"
    above = blog.posts.get(post.parent)
    return f"{base}/{above.slug}/{post.slug}/" if above else f"{base}/{post.slug}/"


def picked(call: Call, shown: Json) -> Json:
    """What `_fields` asks for: names, or ways like `title.rendered`."""
    asked = call.given.get("_fields")
    if not asked:
        return shown
    names = asked if isinstance(asked, list) else [name.strip() for name in str(asked).split(",")]
    kept: Json = {}
    for name in names:
        first, _, rest = name.partition(".")
        if first in shown:
            inner = shown[first]
            kept[first] = {**kept.get(first, {}), **_inside(inner, rest)} if rest else inner
    return {name: kept[name] for name in shown if name in kept}


def listing(call: Call, shown: Iterable[Json], *, total: int, page: int, per_page: int) -> Response:
    """A page of a list, with the headers that say how much there is."""
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(ceil(total / per_page))}
    return JSONResponse([picked(call, one) for one in shown], headers=headers)


def created(call: Call, shown: Json) -> Response:
    return JSONResponse(picked(call, shown), 201, {"Location": shown["_links"]["self"][0]["href"]})


def _inside(value: Any, way: str) -> Json:
    return {way: value[way]} if isinstance(value, Mapping) and way in value else {}


def _raw_too(edit: bool, raw: str, rendered: str) -> Json:
    return {"raw": raw, "rendered": rendered} if edit else {"rendered": rendered}


def _permalink(call: Call, post: Post) -> Json:
    name = post.title if post.kind != "attachment" or post.title else post.slug
    return {"permalink_template": f"{call.base}/%postname%/", "generated_slug": texts.slug(name)}


def _meta(blog: Blog, post: Post) -> Any:
    """An empty list where nothing is registered, as PHP tells an empty map."""
    return {name: post.seo.get(name, "") for name in YOAST_META} if blog.seo == "yoast-writable" else []


def _yoast(call: Call, post: Post) -> Json:
    title = post.seo.get("_yoast_wpseo_title") or f"{post.title} - {call.blog.name}"
    description = post.seo.get("_yoast_wpseo_metadesc")
    return {"title": title, **({"description": description} if description else {})}


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def _local(at: datetime) -> str:
    return _utc(at.astimezone(TIMEZONE))
