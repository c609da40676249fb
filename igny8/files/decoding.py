"""What the decoder makes of a stranger's file. Imported in child processes alone: it is large, and may be harmed."""

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from igny8.files.pictures import Picture, Unusable

#: Formats that are read. No SVG: it is a page.
_READ: Final = ("PNG", "JPEG", "WEBP", "GIF")
_MOST_PIXELS: Final = 32_000_000
_LONGEST_SIDE: Final = 2_560
_THUMBNAIL_SIDE: Final = 480
_QUALITY: Final = 82


def encoded(content: bytes) -> Picture:
    """The picture in a file. Raises Unusable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound is our own
            return _encoded(content)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError):
        raise Unusable("This is no PNG, JPEG, WebP or GIF picture, or it is damaged.") from None


def _encoded(content: bytes) -> Picture:
    with Image.open(io.BytesIO(content), formats=_READ) as opened:
        if opened.width * opened.height > _MOST_PIXELS:
            raise Unusable(f"A picture has at most {_MOST_PIXELS // 1_000_000} megapixels. Send a smaller one.")
        opened.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
        upright = ImageOps.exif_transpose(opened)
        plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    plain.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    large = _webp(plain)
    size = plain.size
    plain.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    return Picture(large, _webp(plain), *size)


def _webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.info.clear()  # colour profiles, comments and positions stay behind
    picture.save(file, "WEBP", quality=_QUALITY, method=4)
    return file.getvalue()
