"""Files over REST: uploaded, described, listed, served, deleted."""

import hashlib
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.support.wordpress import Blog
from tests.wordpress.shapes import fault, fields

MEDIA = "/wp/v2/media"


def picture(kind: str = "PNG", colour: str = "red", size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def send(
    blog: Blog, content: bytes, name: str = "rose.png", role: str | None = "administrator", **headers: str
) -> httpx.Response:
    named = {"Content-Type": "image/png", "Content-Disposition": f'attachment; filename="{name}"'}
    given = {**named, **{header.replace("_", "-"): value for header, value in headers.items()}}
    kept = {header: value for header, value in given.items() if value}
    return blog.rest("POST", MEDIA, role, content=content, headers=kept)


def uploaded(blog: Blog, content: bytes, name: str = "rose.png") -> dict[str, Any]:
    answer = send(blog, content, name)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_file_is_told_and_served(blog: Blog) -> None:
    content = picture()
    answer = send(blog, content, Content_MD5=hashlib.md5(content).hexdigest())
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{blog.url}/wp-json{MEDIA}/{made['id']}")
    assert fields(made, "slug", "status", "type", "author", "alt_text", "post") == (
        "rose",
        "inherit",
        "attachment",
        1,
        "",
        None,
    )
    assert made["title"] == {"raw": "rose", "rendered": "rose"}
    assert made["caption"]["raw"] == made["description"]["raw"] == ""
    assert fields(made, "media_type", "mime_type") == ("image", "image/png")
    assert fields(made["media_details"], "width", "height", "filesize") == (40, 30, len(content))
    assert made["source_url"] == f"{blog.url}/wp-content/uploads/{made['media_details']['file']}"
    assert made["source_url"].endswith("/rose.png")
    served = blog.page(made["source_url"])
    assert (served.status_code, served.headers["content-type"], served.content) == (200, "image/png", content)


@pytest.mark.parametrize(
    ("kind", "name", "path", "mime_type"),
    [
        ("PNG", "rose.png", "rose.png", "image/png"),
        ("JPEG", "rose.jpg", "rose.jpg", "image/jpeg"),
        ("JPEG", "rose.jpeg", "rose.jpeg", "image/jpeg"),
        ("WEBP", "rose.webp", "rose.webp", "image/webp"),
        ("GIF", "rose.gif", "rose.gif", "image/gif"),
        ("PNG", "rose.jpg", "rose.png", "image/png"),
        ("PNG", "My red_rose (1) & more.png", "My-red_rose-1-more.png", "image/png"),
    ],
)
def test_files_have_the_name_that_fits_them(blog: Blog, kind: str, name: str, path: str, mime_type: str) -> None:
    made = uploaded(blog, picture(kind), name)
    assert (made["source_url"].rpartition("/")[2], made["mime_type"]) == (path, mime_type)


def test_each_upload_makes_another_file(blog: Blog) -> None:
    content = picture()
    made = [uploaded(blog, content) for _ in range(3)]
    assert [file["slug"] for file in made] == ["rose", "rose-1", "rose-2"]
    assert [file["source_url"].rpartition("/")[2] for file in made] == ["rose.png", "rose-1.png", "rose-2.png"]
    assert len(blog.media()) == 3


@pytest.mark.parametrize(
    ("content", "name", "headers", "expected"),
    [
        (b"", "rose.png", {}, (400, "rest_upload_no_data")),
        (picture(), "rose.png", {"Content_Type": ""}, (400, "rest_upload_no_content_type")),
        (picture(), "rose.png", {"Content_Disposition": ""}, (400, "rest_upload_no_content_disposition")),
        (picture(), "rose.png", {"Content_Disposition": "inline"}, (400, "rest_upload_invalid_disposition")),
        (picture(), "rose.png", {"Content_MD5": "0" * 32}, (412, "rest_upload_hash_mismatch")),
        (b"<?php", "rose.php", {}, (500, "rest_upload_sideload_error")),
        (b"<svg/>", "rose.svg", {}, (500, "rest_upload_sideload_error")),
        (picture(), "rose", {}, (500, "rest_upload_sideload_error")),
        (b"no picture", "rose.png", {}, (500, "rest_upload_sideload_error")),
    ],
)
def test_what_is_refused_is_told(
    blog: Blog, content: bytes, name: str, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    assert fault(send(blog, content, name, **headers)) == expected
    assert blog.media() == []


def test_who_may_upload(blog: Blog) -> None:
    for role, status in (("contributor", 403), ("subscriber", 403), (None, 401)):
        assert fault(send(blog, picture(), role=role)) == (status, "rest_cannot_create")
    assert blog.media() == []
    own = send(blog, picture(), role="author").json()
    other = send(blog, picture(), role="administrator").json()
    assert blog.rest("POST", f"{MEDIA}/{own['id']}", "author", json={"alt_text": "A rose"}).status_code == 200
    denied = blog.rest("POST", f"{MEDIA}/{other['id']}", "author", json={"alt_text": "A rose"})
    assert fault(denied) == (403, "rest_cannot_edit")
    force = {"force": "true"}
    assert fault(blog.rest("DELETE", f"{MEDIA}/{other['id']}", "author", params=force)) == (403, "rest_cannot_delete")
    assert blog.rest("DELETE", f"{MEDIA}/{own['id']}", "author", params=force).json()["deleted"] is True


def test_a_file_is_described(blog: Blog) -> None:
    file = uploaded(blog, picture())
    post = blog.rest("POST", "/wp/v2/posts", json={"title": "Roses", "status": "publish"}).json()
    given = {
        "alt_text": 'A & "b" <i>rose</i>',
        "caption": "Cut",
        "title": "T & U",
        "description": "Long",
        "post": post["id"],
    }
    told = blog.rest("POST", f"{MEDIA}/{file['id']}", json=given).json()
    assert told["alt_text"] == 'A & "b" rose'
    assert fields(told, "slug", "post") == ("rose", post["id"])
    assert (told["caption"]["raw"], told["title"]["raw"], told["description"]["raw"]) == ("Cut", "T & U", "Long")


def test_a_file_is_featured_until_it_is_deleted(blog: Blog) -> None:
    file = uploaded(blog, picture())
    given = {"title": "Roses", "status": "publish", "featured_media": file["id"]}
    post = blog.rest("POST", "/wp/v2/posts", json=given).json()
    assert post["featured_media"] == file["id"]
    assert file["source_url"] in blog.page(post["link"]).text
    gone = blog.rest("DELETE", f"{MEDIA}/{file['id']}", params={"force": "true"}).json()
    assert (gone["deleted"], gone["previous"]["id"]) == (True, file["id"])
    assert blog.posts()[0]["featured_media"] == 0
    assert blog.page(file["source_url"]).status_code == 404
    assert blog.media() == []


def test_files_have_no_trash(blog: Blog) -> None:
    file = uploaded(blog, picture())
    assert fault(blog.rest("DELETE", f"{MEDIA}/{file['id']}")) == (501, "rest_trash_not_supported")
    assert fault(blog.rest("DELETE", f"{MEDIA}/999999")) == (404, "rest_post_invalid_id")


def test_files_are_found(blog: Blog) -> None:
    red, blue = uploaded(blog, picture(), "red-rose.png"), uploaded(blog, picture(), "blue.png")
    for parameters, expected in (
        ({}, {red["id"], blue["id"]}),
        ({"search": "rose"}, {red["id"]}),
        ({"slug": "blue"}, {blue["id"]}),
        ({"include": str(red["id"])}, {red["id"]}),
    ):
        answer = blog.rest("GET", MEDIA, None, params=parameters)
        assert ({file["id"] for file in answer.json()}, parameters) == (expected, parameters)
        assert answer.headers["x-wp-total"] == str(len(expected))
