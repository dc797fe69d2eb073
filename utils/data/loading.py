"""Photographs from elsewhere: a file, an address on the web, or bytes."""

import contextlib
import threading
import time
import warnings
from collections.abc import Iterator
from http.client import HTTPException
from io import BytesIO
from os import PathLike
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image, ImageOps

# Those of photographs and screens. Pillow reads more, and some of them (EPS) by starting another
# program, which no file from the web should do.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")


_LIMIT = threading.Lock()  # of pixels, which Pillow has one of for the whole process


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
        fills the memory. Pillow's own limit does not count; where it is lower, it is raised until
        the picture is decoded.
    max_bytes : int
        A larger file is refused before it is read, or while it arrives.
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
        _check_length(len(data), max_bytes, name)
    elif isinstance(source, str) and ("://" in source or source.startswith("data:")):
        data, name = _download(source, max_bytes, timeout), source
    elif isinstance(source, str | PathLike):
        data, name = _read(source, max_bytes), str(source)
    else:
        raise TypeError(
            "load_image expects a path, an address beginning with http:// or https://, or bytes; "
            f"got {type(source).__name__}."
        )
    return _decode(data, name, max_pixels)


def _check_length(length: int, max_bytes: int, name: str) -> None:
    if length > max_bytes:
        raise ImageError(
            f"{name}: more than {max_bytes:,} bytes. Save the picture smaller, or allow more with "
            "load_image(..., max_bytes=...)."
        )


def _read(source: str | PathLike[str], max_bytes: int) -> bytes:
    path = Path(source)
    try:
        path = path.expanduser()
        if path.is_dir():
            raise ImageError(f"{path} is a folder: give the path of one picture in it.")
        if path.exists() and not path.is_file():
            raise ImageError(f"{path} is no file but a device or pipe, which may never end.")
        _check_length(path.stat().st_size, max_bytes, str(path))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(
            f"there is no file {str(path)!r}, seen from the folder {str(Path.cwd())!r}: check the "
            "name, or give the whole path."
        ) from error
    except ImageError:  # from the checks above
        raise
    except (OSError, RuntimeError, ValueError) as error:  # such as a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{str(path)!r} cannot be read: {reason}.") from error


def _download(address: str, max_bytes: int, timeout: float) -> bytes:
    """Return what the address holds, all of it: an answer cut short is an error."""
    if not address.lower().startswith(("http://", "https://")):
        raise ImageError(f"{address[:100]}: only http:// and https:// addresses can be loaded.")
    save = "Or save the picture in a browser, and load the file."
    end, parts, length = time.monotonic() + timeout, [], 0
    try:
        # Addresses are copied from browsers, which show spaces and accents as such.
        request = Request(
            quote(address, safe="%/:=&?~#+!$,;'@()*[]"),
            headers={"User-Agent": "Mozilla/5.0 (inception-course; urllib)"},
        )
        with urlopen(request, timeout=timeout) as answer:
            announced = int(answer.headers.get("Content-Length", -1))  # -1: it does not say
            _check_length(announced, max_bytes, address)
            while length != announced and (part := answer.read1(65536)):
                parts.append(part)
                length += len(part)
                _check_length(length, max_bytes, address)
                if time.monotonic() > end:
                    raise TimeoutError
    except ImageError:  # from the checks above
        raise
    except HTTPError as error:
        error.close()
        raise ImageError(
            f"{address}: the server answers {error.code} {error.reason}. Check the address. {save}"
        ) from error
    except (TimeoutError, URLError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise ImageError(
                f"{address}: not there after {timeout:g} seconds. Try again, or allow more with "
                f"load_image(..., timeout=...). {save}"
            ) from error
        raise ImageError(
            f"{address} cannot be reached ({reason}). Is this machine on the internet, and the "
            f"address right? {save} Photographs that need no network: utils.data.photograph."
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        raise ImageError(
            f"{address}: the download failed ({error!r}). Try again. {save}"
        ) from error
    if length < announced:
        raise ImageError(
            f"{address}: the connection broke after {length:,} of {announced:,} bytes. Try again."
        )
    return b"".join(parts)


def _decode(data: bytes, name: str, max_pixels: int) -> np.ndarray:
    if not data:
        raise ImageError(f"{name} is empty: 0 bytes. Fetch or save it again.")
    # Some faults that do no harm, as in a camera's notes, are only warnings; a cell of the book
    # that writes to stderr fails.
    with warnings.catch_warnings(), _pillow_allowing(max_pixels):
        warnings.simplefilter("ignore")
        try:
            image = Image.open(BytesIO(data), formats=_FORMATS)
        except Image.UnidentifiedImageError as error:
            raise ImageError(f"{name} {_what_instead(data)}") from error
        except Image.DecompressionBombError as error:  # more than twice as many
            raise ImageError(_too_large(name, f"more than {max_pixels:,} pixels")) from error
        except Exception as error:  # decoders fail in many ways on damaged files
            raise ImageError(_damaged(name, error)) from error
        with image:
            width, height = image.size
            if width * height > max_pixels:
                size = f"{width:,} × {height:,} pixels, more than {max_pixels:,}"
                raise ImageError(_too_large(name, size))
            try:
                image.load()
                ImageOps.exif_transpose(image, in_place=True)
                pixels = _rgb(image)
            except ImageError as error:
                raise ImageError(f"{name} {error}") from error
            except Exception as error:
                raise ImageError(_damaged(name, error)) from error
    return pixels


@contextlib.contextmanager
def _pillow_allowing(pixels: int) -> Iterator[None]:
    """Let Pillow decode pictures of so many pixels meanwhile, if it does not anyway."""
    with _LIMIT:  # held as long as the limit is raised: nobody puts it back too early
        usual = Image.MAX_IMAGE_PIXELS
        if usual is not None and usual < pixels:
            Image.MAX_IMAGE_PIXELS = pixels
            try:
                yield
            finally:
                Image.MAX_IMAGE_PIXELS = usual
            return
    yield


def _too_large(name: str, size: str) -> str:
    return (
        f"{name} has {size}, and was not decoded. Save it smaller, or allow more with "
        "load_image(..., max_pixels=...)."
    )


def _damaged(name: str, error: Exception) -> str:
    return (
        f"{name} is damaged or only partly there ({error}): fetch it again, or open it in a "
        "picture viewer and save it anew."
    )


def _rgb(image: Image.Image) -> np.ndarray:
    """Return (H, W, 3) uint8 of a loaded picture of any mode."""
    if image.mode.startswith(("I", "F")):
        return _deep(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    try:
        return np.array(image.convert("RGB"))
    except ValueError as error:
        raise ImageError(
            f"is stored in colours of the kind {image.mode}: save it as an RGB picture."
        ) from error


def _deep(image: Image.Image) -> np.ndarray:
    """Scale a grey picture of more than 8 bits: 0..65535 to 0..255, not clipped."""
    values = np.asarray(image)
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        raise ImageError(
            f"holds numbers of 32 bits, from {values.min():g} to {values.max():g}, so that nobody "
            "can say which is white: scale them to 0..255 yourself, and save as PNG."
        )
    if image.format == "TIFF" and _unusual(image):
        raise ImageError(
            "is a TIFF with white as 0, or with other than 16 bits a pixel: save it as PNG."
        )
    # Rounded to the nearest byte, with integers.
    grey = ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return np.stack(3 * [grey], axis=-1)


def _unusual(image: Image.Image) -> bool:
    """Tell whether 16-bit numbers of a TIFF are not from black, 0, to white, 65535."""
    bits, photometric = image.tag_v2.get(258, (16,)), image.tag_v2.get(262, 1)
    return photometric == 0 or any(depth != 16 for depth in bits)


def _what_instead(data: bytes) -> str:
    """Say what data are that are no picture, by how they begin."""
    start = data[:1000].lstrip().lower()
    if data[4:8] == b"ftyp":
        kind = "a HEIC picture, as phones make them, or a film: export it as JPEG"
    elif b"<svg" in start:
        kind = "an SVG drawing, lines and not pixels: export it as PNG"
    elif start.startswith((b"<!doctype html", b"<html")):
        kind = "a web page: open it, and copy the address of the picture itself"
    elif start.startswith(b"%pdf"):
        kind = "a PDF document: export the picture as PNG"
    else:
        kind = f"no picture that can be read (it begins with {data[:8]!r})"
        return f"is {kind}; expected is one of {', '.join(_FORMATS)}."
    return f"is {kind}. What can be read: {', '.join(_FORMATS)}."
