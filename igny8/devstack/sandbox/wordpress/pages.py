"""The blog as its readers see it: the list of posts, each post at its address, and the files."""

from html import escape
from typing import Final

from starlette.responses import HTMLResponse, RedirectResponse, Response

from igny8.devstack.sandbox.wordpress import seo, texts, views
from igny8.devstack.sandbox.wordpress.blog import TIMEZONE, Blog, Post

_UPLOADS: Final = "/wp-content/uploads/"
_STYLE: Final = (
    "body{font:18px/1.6 Georgia,serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#222}"
    "h1,h2,h3{font-family:system-ui,sans-serif;line-height:1.25}img{max-width:100%;height:auto}"
    "header a,time{color:#666;font:14px system-ui,sans-serif}li{margin:.6rem 0}"
)


def page(blog: Blog, base: str, path: str, query: dict[str, str]) -> Response:
    """What is at `path` of the blog."""
    if path.startswith(_UPLOADS):
        file = blog.file_at(path.removeprefix(_UPLOADS))
        return Response(file.content, media_type=file.mime_type) if file else _nothing(blog, base)
    number = query.get("p") or query.get("page_id") or ""
    if number.isdigit():
        post = blog.posts.get(int(number))
        shown = post is not None and post.status == "publish"
        return RedirectResponse(views.link(base, blog, post), 301) if post and shown else _nothing(blog, base)
    if path in ("", "/"):
        return _home(blog, base)
    post = blog.page_at(path)
    if post is None:
        return _nothing(blog, base)
    return _post(blog, base, post) if path.endswith("/") else RedirectResponse(views.link(base, blog, post), 301)


def _home(blog: Blog, base: str) -> Response:
    posts = sorted(
        (p for p in blog.of_kind("post") if p.status == "publish"), key=lambda p: (p.date, p.id), reverse=True
    )
    items = "".join(
        f'<li><a href="{escape(views.link(base, blog, post))}">{texts.shown_title(post.title)}</a> {_time(post)}</li>'
        for post in posts
    )
    body = (
        f"<h1>{escape(blog.name)}</h1><ul>{items}</ul>"
        if items
        else f"<h1>{escape(blog.name)}</h1><p>No posts yet.</p>"
    )
    return _html(blog.name, body)


def _post(blog: Blog, base: str, post: Post) -> Response:
    title, description = seo.title_and_description(blog, post)
    picture = blog.posts.get(post.featured_media)
    shown = ""
    if picture is not None and picture.file is not None:
        address = f"{base}{_UPLOADS}{picture.file.path}"
        shown = f'<p><img class="wp-post-image" src="{escape(address)}" alt="{escape(picture.alt_text)}"></p>'
    back = f'<header><a href="{escape(base)}/">{escape(blog.name)}</a></header>'
    text = f"{_time(post)}{shown}{texts.shown(post.content)}"
    body = f"{back}<article><h1>{texts.shown_title(post.title)}</h1>{text}</article>"
    return _html(title or f"{post.title} - {blog.name}", body, description=description)


def _nothing(blog: Blog, base: str) -> Response:
    back = f'<p><a href="{escape(base)}/">{escape(blog.name)}</a></p>'
    return _html("Page not found", f"<h1>Page not found</h1>{back}", status=404)


def _time(post: Post) -> str:
    local = post.date.astimezone(TIMEZONE)
    return f'<time datetime="{local.isoformat()}">{local.strftime("%d %B %Y")}</time>'


def _html(title: str, body: str, *, description: str = "", status: int = 200) -> Response:
    told = f'<meta name="description" content="{escape(description)}">' if description else ""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title>{told}<style>{_STYLE}</style>'
    return HTMLResponse(f'<!doctype html><html lang="en-US"><head>{head}</head><body>{body}</body></html>', status)
