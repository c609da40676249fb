"""Files: the body is the file, and headers say its name, its type and its hash."""

import hashlib
import io
import re
from typing import Final

from PIL import Image, UnidentifiedImageError
from starlette.responses import JSONResponse, Response

from igny8.devstack.sandbox.wordpress import arguments, posts, texts, views
from igny8.devstack.sandbox.wordpress.arguments import Schema
from igny8.devstack.sandbox.wordpress.blog import Blog, File, now
from igny8.devstack.sandbox.wordpress.calls import Call
from igny8.devstack.sandbox.wordpress.faults import Fault, denied
from igny8.devstack.sandbox.wordpress.rights import may_change

#: Format of Pillow -> type and extension.
_IMAGES: Final = {
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "GIF": ("image/gif", "gif"),
    "WEBP": ("image/webp", "webp"),
}
_OTHERS: Final = {"pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv"}
_IMAGE_NAMES: Final = {"jpg", "jpeg", "jpe", "png", "gif", "webp"}
_TEXT: Final[Schema] = {
    "id": arguments.integer,
    "slug": arguments.string,
    "title": arguments.raw,
    "author": arguments.integer,
    "alt_text": arguments.string,
    "caption": arguments.raw,
    "description": arguments.raw,
    "post": arguments.integer,
}


def upload(call: Call) -> Response:
    if call.user is None or not call.may("upload_files"):
        raise denied("rest_cannot_create", "create posts as this user")
    name = _named(call)
    file = _file(call.blog, name, call.body)
    post = call.blog.new_post("attachment", call.user)
    post.status, post.dated, post.file = "inherit", True, file
    post.title = file.path.rpartition("/")[2].rpartition(".")[0]
    post.slug = call.blog.free_slug(texts.slug(post.title) or str(post.id), post)
    call.blog.add(post)
    return views.created(call, views.post_json(call, post, "edit"))


def change(call: Call) -> Response:
    asked = arguments.checked(call.given, _TEXT)
    post = posts.found(call, "attachment")
    if not may_change(call, post):
        raise denied("rest_cannot_edit", "edit this post")
    for name, field in (("title", "title"), ("caption", "excerpt"), ("description", "content")):
        if name in asked:
            setattr(post, field, asked[name] if call.may("unfiltered_html") else texts.filtered(asked[name]))
    if "alt_text" in asked:
        post.alt_text = texts.plain(asked["alt_text"])
    if "slug" in asked:
        post.slug = call.blog.free_slug(texts.slug(asked["slug"]), post)
    post.parent = asked.get("post", post.parent)
    post.modified = now()
    return JSONResponse(views.picked(call, views.post_json(call, post, "edit")))


def _named(call: Call) -> str:
    """The name that the headers give the file. Raises Fault for what is wrong with them, in WordPress's order."""
    if not call.body:
        raise Fault("rest_upload_no_data", "No data supplied.", 400)
    if "content-type" not in call.headers:
        raise Fault("rest_upload_no_content_type", "No Content-Type supplied.", 400)
    disposition = call.headers.get("content-disposition")
    if disposition is None:
        raise Fault("rest_upload_no_content_disposition", "No Content-Disposition supplied.", 400)
    found = re.search(r'filename\s*=\s*(?:"([^"]*)"|([^;\s]+))', disposition)
    if found is None:
        example = 'Content-Disposition needs to be formatted as `attachment; filename="image.png"` or similar.'
        raise Fault("rest_upload_invalid_disposition", f"Invalid Content-Disposition supplied. {example}", 400)
    hashed = call.headers.get("content-md5")
    if hashed is not None and hashed.strip() != hashlib.md5(call.body, usedforsecurity=False).hexdigest():
        raise Fault("rest_upload_hash_mismatch", "Content hash did not match expected.", 412)
    return texts.file_name(found[1] or found[2])


def _file(blog: Blog, name: str, content: bytes) -> File:
    """The file as it is kept: a picture gets the extension of what it is, what is not allowed is refused."""
    stem, _, extension = name.rpartition(".")
    extension = extension.lower()
    width = height = 0
    if extension in _IMAGE_NAMES:
        try:
            with Image.open(io.BytesIO(content)) as picture:
                mime_type, right = _IMAGES[picture.format or ""]
                width, height = picture.size
        except (UnidentifiedImageError, KeyError):
            raise _refused() from None
        if mime_type != "image/jpeg" or extension not in ("jpg", "jpeg", "jpe"):
            extension = right
    elif extension in _OTHERS:
        mime_type = _OTHERS[extension]
    else:
        raise _refused()
    path = now().strftime("%Y/%m/") + stem
    taken = {post.file.path for post in blog.of_kind("attachment") if post.file}
    number, free = 0, f"{path}.{extension}"
    while free in taken:
        number += 1
        free = f"{path}-{number}.{extension}"
    return File(content, free, mime_type, width, height)


def _refused() -> Fault:
    return Fault("rest_upload_sideload_error", "Sorry, you are not allowed to upload this file type.", 500)
