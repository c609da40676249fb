"""Pictures are written anew: what is no picture is refused, and nothing of the file but its picture stays."""

import io
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from igny8.files.pictures import Unusable, encoded


def file_of(kind: str, size: tuple[int, int] = (800, 600), mode: str = "RGB", **saved: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "orange").save(out, kind, **saved)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=["WEBP"])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_every_format_becomes_webp_with_a_thumbnail(kind: str) -> None:
    picture = encoded(file_of(kind))
    assert (picture.width, picture.height) == opened(picture.content).size == (800, 600)
    assert opened(picture.thumbnail).size == (480, 360)


def test_a_large_picture_is_made_smaller_and_a_small_one_stays() -> None:
    assert encoded(file_of("PNG", (4_000, 2_000)))[2:] == (2_560, 1_280)
    small = encoded(file_of("PNG", (40, 20)))
    assert opened(small.thumbnail).size == small[2:] == (40, 20)


def test_what_else_the_file_held_is_gone() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret description"
    exif.get_ifd(0x8825)[1] = "N"
    jpeg = file_of("JPEG", exif=exif, icc_profile=b"secret profile", comment=b"secret comment")
    note = PngInfo()
    note.add_text("Comment", "secret note")
    for content in (jpeg, file_of("PNG", pnginfo=note, icc_profile=b"secret profile"), file_of("WEBP", exif=exif)):
        assert b"secret" in content or b"Comment" in content
        for made in encoded(content)[:2]:
            assert b"secret" not in made
            assert opened(made).info.keys().isdisjoint({"exif", "icc_profile", "comment", "xmp"})


def test_a_picture_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    assert encoded(file_of("JPEG", (800, 600), exif=exif))[2:] == (600, 800)


def test_transparency_stays() -> None:
    transparent = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(transparent, "PNG")
    assert opened(encoded(transparent.getvalue()).content).mode == "RGBA"


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 30,000 by 30,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1_000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a/*<script>*/=1;",
        b"%PDF-1.4",
        bomb(),
        file_of("PNG")[:200],
        file_of("BMP"),
        file_of("TIFF"),
        file_of("ICO", (64, 64)),
    ],
    ids=["empty", "text", "svg", "html", "polyglot", "pdf", "bomb", "torn", "bmp", "tiff", "ico"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(Unusable):
        encoded(content)
