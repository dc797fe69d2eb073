"""Photographs from elsewhere: a file, an address on the web, or bytes."""

import math
import time
import warnings
from http.client import HTTPException
from io import BytesIO
from os import PathLike
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# Those of photographs and screens. Pillow reads more, and some of them (EPS) by starting another
# program, which no file from the web should do.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")

# What is often taken for a picture, by what stands near its beginning.
_OTHERS = {
    b"ftyp": "a HEIC picture, as phones make them, or a film: export it as JPEG",
    b"<svg": "an SVG drawing, lines and not pixels: export it as PNG",
    b"html": "a web page: open it, and copy the address of the picture itself",
    b"%pdf": "a PDF document: export the picture as PNG",
}


class ImageError(ValueError):
    """A picture cannot be had or read; the message says why, and what can be done."""


def load_image(
    source: str | PathLike[str] | bytes,
    *,
    max_pixels: int = 50_000_000,
    max_bytes: int = 50_000_000,
    timeout: float = 30.0,
) -> np.ndarray:
    """Load a photograph from a file, the web or bytes, as (H, W, 3) uint8.

    The picture is turned the way the camera was held (EXIF); what is transparent becomes white;
    grey fills all three channels, of 16 bits the whole range is scaled to bytes; of an animation
    the first frame is taken. Colour profiles are ignored. Nothing is written to disk.

    Parameters
    ----------
    source : path, address or bytes
        An address begins with http:// or https://.
    max_pixels : int
        A larger picture is refused before it is decoded: a few kilobytes can hold a picture that
        fills the memory. Pillow's own limit, twice `PIL.Image.MAX_IMAGE_PIXELS`, holds too.
    max_bytes : int
        A larger file is refused.
    timeout : float
        Seconds that a download may take.

    Raises
    ------
    ImageError
        No such file, no answer, too large, damaged, or not a picture that can be read.
    TypeError
        A source of another type.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), f"what came as {len(source):,} bytes"
    elif isinstance(source, str) and source.lower().startswith(("http://", "https://")):
        data, name = _download(source, max_bytes, timeout), source
    elif isinstance(source, str | PathLike):
        data, name = _read(source, max_bytes), str(source)
    else:
        raise TypeError(
            "load_image expects a path, an address beginning with http:// or https://, or bytes; "
            f"got {type(source).__name__}."
        )
    if len(data) > max_bytes:
        raise ImageError(
            f"{name}: more than {max_bytes:,} bytes. Save the picture smaller, or allow more with "
            "load_image(..., max_bytes=...)."
        )
    # Some faults that do no harm, as in a camera's notes, are only warnings; a cell of the book
    # that writes to stderr fails.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(data), formats=_FORMATS) as image:
                if math.prod(image.size) > max_pixels:
                    size = "{:,} × {:,} pixels".format(*image.size)
                    raise Image.DecompressionBombError(f"{size}, more than {max_pixels:,}")
                image.load()
                ImageOps.exif_transpose(image, in_place=True)
                return _rgb(image)
        except UnidentifiedImageError:
            other = f"no picture ({len(data):,} bytes, beginning with {data[:8]!r})"
            kinds = [kind for mark, kind in _OTHERS.items() if mark in data[:1000].lower()]
            why = f"is {[*kinds, other][0]}. What can be read: {', '.join(_FORMATS)}."
        except Image.DecompressionBombError as error:
            why = (
                f"is too large and was not decoded ({error}): save it smaller, or allow more with "
                "load_image(..., max_pixels=...)."
            )
        except Exception as error:  # decoders fail in many ways on damaged files
            why = (
                f"cannot be decoded ({error}): if it is damaged or only partly there, fetch it "
                "again; or open it in a picture viewer, and save it anew as PNG."
            )
    raise ImageError(f"{name} {why}")


def _read(source: str | PathLike[str], max_bytes: int) -> bytes:
    """Return what a file holds, or of more than `max_bytes` the beginning."""
    try:
        path = Path(source).expanduser()
        if path.exists() and not path.is_file():
            raise OSError("it is a folder, a device or a pipe, and no file")
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except (OSError, RuntimeError, ValueError) as error:  # no such user, a zero byte in the name
        raise ImageError(
            f"{str(source)[:200]!r} cannot be read ({getattr(error, 'strerror', None) or error}), "
            f"seen from the folder {str(Path.cwd())!r}: check the name, or give the whole path. An "
            "address on the web begins with http:// or https://."
        ) from None


def _download(address: str, max_bytes: int, timeout: float) -> bytes:
    """Return what the address holds, or of more than `max_bytes` the beginning."""
    end, data = time.monotonic() + timeout, bytearray()
    try:
        # Addresses are copied from browsers, which show spaces and accents as such.
        request = Request(
            quote(address, safe="%/:=&?~#+!$,;'@()*[]"),
            headers={"User-Agent": "Mozilla/5.0 (inception-course; urllib)"},
        )
        with urlopen(request, timeout=timeout) as answer:
            while len(data) <= max_bytes and (part := answer.read1(65536)):
                data += part
                if time.monotonic() > end:
                    raise TimeoutError("timed out")
            if answer.length and len(data) <= max_bytes:  # of what it announced, this is to come
                raise OSError(f"the connection broke {answer.length:,} bytes before the end")
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()
        reason = str(error).removeprefix("<urlopen error ").removesuffix(">")
        raise ImageError(
            f"{address} cannot be loaded ({reason}). Is the address right, and this machine on the "
            f"internet? A slow server may need more than timeout={timeout:g} seconds. Or save the "
            "picture in a browser, and load the file; utils.data.photograph needs no network."
        ) from None
    return bytes(data)


def _rgb(image: Image.Image) -> np.ndarray:
    """Return (H, W, 3) uint8 of a loaded picture of any mode."""
    if image.has_transparency_data and not image.mode.startswith("I"):
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    if not image.mode.startswith(("I", "F")):
        return np.array(image.convert("RGB"))
    # Grey of 16 bits, which Pillow would clip. The tags of a TIFF: bits a pixel, what 0 stands for.
    tags = getattr(image, "tag_v2", None)
    usual = not tags or (image.mode != "I" and tags.get(258) == (16,) and tags.get(262) != 0)
    if image.mode == "F" or not usual:
        raise ValueError("its numbers are not of 16 bits, from black, 0, to white, 65535")
    values = np.asarray(image)
    grey = np.rint(values / 257).astype(np.uint8)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return np.stack(3 * [grey], axis=-1)
