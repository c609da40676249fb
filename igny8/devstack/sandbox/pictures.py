"""Drawn pictures: a quiet composition of shapes in the colours of its prompt, with the subject as a caption."""

import hashlib
import io
import textwrap
from random import Random
from typing import Final

from PIL import Image, ImageDraw, ImageFilter, ImageFont

_LARGEST: Final = 2_048
_FORMATS: Final = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "webp": "WEBP"}
Colour = tuple[int, int, int]


def drawn(prompt: str, width: int, height: int, kind: str, random: Random) -> bytes:
    """The file of a picture of this size. Raises ValueError for a size or format that is not drawn."""
    if not (16 <= width <= _LARGEST and 16 <= height <= _LARGEST):
        raise ValueError(f"a side has 16 to {_LARGEST} pixels")
    picture = _sky(width, height, prompt)
    layer = Image.new("RGBA", picture.size)
    draw = ImageDraw.Draw(layer)
    for _ in range(14):
        side = random.randint(min(width, height) // 10, min(width, height) // 2)
        x, y = random.randint(-side // 2, width), random.randint(-side // 2, height)
        colour = (*_tone(prompt, random.randint(0, 999)), random.randint(40, 120))
        (draw.ellipse if random.random() < 0.6 else draw.rectangle)((x, y, x + side, y + side), fill=colour)
    picture = Image.alpha_composite(picture.convert("RGBA"), layer.filter(ImageFilter.GaussianBlur(width / 120)))
    _caption(picture, prompt)
    file = io.BytesIO()
    picture.convert("RGB").save(file, _FORMATS[kind.lower()])
    return file.getvalue()


def _sky(width: int, height: int, prompt: str) -> Image.Image:
    """A gradient from top to bottom: one column, stretched."""
    top, bottom = _tone(prompt, 1), _tone(prompt, 2)
    column = Image.new("RGB", (1, 64))
    for y in range(64):
        column.putpixel((0, y), tuple(a + (b - a) * y // 63 for a, b in zip(top, bottom, strict=True)))
    return column.resize((width, height), Image.Resampling.BICUBIC)


def _tone(prompt: str, number: int) -> Colour:
    red, green, blue = hashlib.sha256(f"{prompt} {number}".encode()).digest()[:3]
    return red // 2 + 90, green // 2 + 90, blue // 2 + 90


def _caption(picture: Image.Image, prompt: str) -> None:
    size = max(10, picture.width // 28)
    lines = textwrap.wrap(prompt, 34)[:2]
    draw = ImageDraw.Draw(picture, "RGBA")
    font = ImageFont.load_default(size)
    top = picture.height - int(size * 1.5 * (len(lines) + 0.6))
    draw.rectangle((0, top, picture.width, picture.height), fill=(20, 24, 32, 150))
    for number, line in enumerate(lines):
        draw.text((size, top + size * (0.4 + 1.4 * number)), line, font=font, fill=(255, 255, 255, 230))
