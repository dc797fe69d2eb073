"""Pictures from files, bytes and the web: read, or refused in words that help."""

import http.server
import io
import os
import re
import struct
import tempfile
import threading
import time
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from utils.data import ImageError, load_image

HEIGHT, WIDTH = 20, 30


def a_picture() -> np.ndarray:
    """Smooth, so that JPEG keeps it nearly, and with four corners that differ."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([8 * x, 12 * y, 255 - 8 * x], axis=-1).astype(np.uint8)


PICTURE = a_picture()
GREY = PICTURE[..., 0]
DEEP = np.linspace(0, 65535, HEIGHT * WIDTH).round().astype(np.uint16).reshape(HEIGHT, WIDTH)
SCALED = np.round(DEEP / 257).astype(np.uint8)


def encoded(image, kind="PNG", **options) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def three(grey) -> np.ndarray:
    return np.stack(3 * [grey], axis=-1)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def white_where(image: np.ndarray, places) -> np.ndarray:
    image = image.copy()
    image[places] = 255
    return image


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size, and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


def tiff(tag: int, usual: int, other: int) -> bytes:
    """A TIFF of 16 bits, one of whose tags says something else."""
    data = encoded(DEEP, "TIFF")
    entry = struct.pack("<HHI", tag, 3, 1)
    assert entry + bytes([usual]) in data
    return data.replace(entry + bytes([usual]), entry + bytes([other]))


def refusal(source, **options) -> str:
    with pytest.raises(ImageError) as caught:
        load_image(source, **options)
    return str(caught.value)


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path, monkeypatch):
    """Nothing is written: not here, not where temporary files go. No warning gets out."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    assert not list((tmp_path / "temporary").iterdir())
    assert not list((tmp_path / "here").iterdir())


# What is read

FEW = PICTURE // 128 * 255  # black, white and six colours
BRIGHT = GREY > 99
PALETTE = Image.fromarray(BRIGHT.astype(np.uint8), "P")
PALETTE.putpalette([200, 10, 10, 10, 200, 10])
COLOURS = np.array([[200, 10, 10], [10, 200, 10]], np.uint8)[np.asarray(PALETTE)]
INKS = np.zeros((1, 3, 4), np.uint8)  # a print's: none, all of black, one of three colours
INKS[0, 1, 3] = INKS[0, 2, 0] = 255
ALPHA = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, WIDTH))
CLEAR = tuple(PICTURE[3, 4].tolist())
RED, BLUE = (Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "blue"))
UPRIGHT = {
    1: PICTURE,
    2: PICTURE[:, ::-1],
    3: PICTURE[::-1, ::-1],
    4: PICTURE[::-1],
    5: PICTURE.transpose(1, 0, 2),
    6: np.rot90(PICTURE, -1),
    7: PICTURE[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(PICTURE),
    77: PICTURE,  # no orientation at all
}


def on_white(colour: np.ndarray) -> np.ndarray:
    return np.round(255 - ALPHA[..., None] / 255 * (255.0 - colour)).astype(np.uint8)


def every(*kinds, **options):
    """One picture in several formats."""
    image = options.pop("image", PICTURE)
    return {f"{kind} {' '.join(options)}": encoded(image, kind, **options) for kind in kinds}


#: What files show, to the last digit, and the files.
EXACT = [
    (PICTURE, every("PNG", "BMP", "TIFF", "PPM")),
    *((upright, every("PNG", "TIFF", exif=turned(n))) for n, upright in UPRIGHT.items()),
    (FEW, {"palette": encoded(Image.fromarray(FEW).quantize(8))}),
    (COLOURS, {"palette of two": encoded(PALETTE)}),
    (white_where(COLOURS, ~BRIGHT), every("PNG", "GIF", image=PALETTE, transparency=0)),
    (white_where(PICTURE, (3, 4)), every("PNG", transparency=CLEAR)),
    (three(GREY), {"grey": encoded(GREY)}),
    (three(BRIGHT * np.uint8(255)), {"one bit": encoded(Image.fromarray(BRIGHT))}),
    (
        np.array([[[255, 255, 255], [0, 0, 0], [0, 255, 255]]]),
        every("TIFF", image=Image.fromarray(INKS, "CMYK")),
    ),
    (three(SCALED), every("PNG", "TIFF", "PPM", image=DEEP)),
    (
        np.rot90(white_where(three(SCALED), (3, 4)), -1),
        every("PNG", image=DEEP, exif=turned(6), transparency=int(DEEP[3, 4])),
    ),
    (np.asarray(RED), every("PNG", "TIFF", image=RED, save_all=True, append_images=[BLUE])),
]
#: What files show nearly, and the files.
NEARLY = [
    (PICTURE, every("JPEG", "WEBP", "AVIF", "GIF")),
    (PICTURE, every("JPEG", image=Image.fromarray(PICTURE).convert("CMYK"))),
    (on_white(PICTURE), {"alpha": encoded(np.dstack([PICTURE, ALPHA]))}),
    (on_white(three(GREY)), {"grey, alpha": encoded(np.dstack([GREY, ALPHA]))}),
    # The camera's notes cut short.
    *((PICTURE, every("JPEG", exif=turned(6).tobytes()[:n])) for n in (10, 14, 20)),
    (np.asarray(RED), every("GIF", "WEBP", image=RED, save_all=True, append_images=[BLUE])),
]


@pytest.mark.parametrize(
    ("data", "expected", "far"),
    [
        pytest.param(data, expected, far, id=name)
        for table, far in ((EXACT, 0), (NEARLY, 8))
        for expected, files in table
        for name, data in files.items()
    ],
)
def test_read(data, expected, far):
    image = load_image(data)
    assert image.dtype == np.uint8
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() <= far
    image[:] = 0  # one's own to change


def test_files_by_any_name(tmp_path, monkeypatch):
    path = tmp_path / "picture.of some kind"
    path.write_bytes(encoded(PICTURE))
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (path, str(path), f"~/{path.name}", bytearray(path.read_bytes())):
        assert np.array_equal(load_image(source), PICTURE)


# What is refused


NOISE = np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8)
DAMAGED = bytearray(encoded(PICTURE))
DAMAGED[len(DAMAGED) // 2] ^= 255

#: Name -> bytes, and what the message says of them.
REFUSED = {
    **{
        f"{share} of a {kind}": (data[: int(share * len(data))], "cannot be decoded|HEIC")
        for share in (0.5, 0.9)
        for kind in ("PNG", "BMP", "TIFF", "PPM", "JPEG", "WEBP", "AVIF", "GIF")
        for data in [encoded(NOISE, kind)]
    },
    "damaged inside": (bytes(DAMAGED), "cannot be decoded.*damaged.*fetch it again"),
    "too large": (png(8000, 8000), "8,000 × 8,000 pixels, more than 50,000,000.*max_pixels=..."),
    "far too large": (png(2**31 - 1, 2**31 - 1), "too large.*exceeds limit.*max_pixels=..."),
    "nothing": (b"", "no picture .0 bytes"),
    "text": (b"once upon a time", "no picture .*once upo.*JPEG, PNG"),
    "web page": (b"\n<!DOCTYPE html><html>", "web page.*address of the picture itself"),
    "SVG": (b'<?xml version="1.0"?>\n<svg width="3"/>', "SVG.*export it as PNG"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC.*export it as JPEG"),
    "PDF": (b"%PDF-1.7", "PDF.*PNG"),
    # It would be given to another program to draw.
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
    "32 bits": (encoded(Image.new("I", (3, 3), 9**9), "TIFF"), "not of 16 bits.*as PNG"),
    "floats": (encoded(Image.new("F", (3, 3), 0.5), "TIFF"), "not of 16 bits.*as PNG"),
    "12 bits": (tiff(258, 16, 12), "not of 16 bits.*as PNG"),
    "white as 0": (tiff(262, 1, 0), "black, 0, to white.*as PNG"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, tmp_path):
    data, says = REFUSED[name]
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)
    began = time.process_time()
    for source, called in ((path, str(path)), (data, f"what came as {len(data):,} bytes")):
        assert re.match(rf"{re.escape(called)} .*({says})", refusal(source))
    assert time.process_time() - began < 1  # nothing huge is decoded


def test_the_limits_are_the_callers(tmp_path):
    data = encoded(PICTURE)
    (tmp_path / "picture").write_bytes(data)
    assert "more than 599" in refusal(data, max_pixels=599)
    assert len(load_image(data, max_pixels=600)) == HEIGHT
    for source in (data, tmp_path / "picture"):
        assert f"more than {len(data) - 1} bytes" in refusal(source, max_bytes=len(data) - 1)
        assert len(load_image(source, max_bytes=len(data))) == HEIGHT
    with (tmp_path / "film").open("wb") as file:
        file.truncate(10**12)  # takes no room on the disk; read whole, it would fill the memory
    assert "more than 50,000,000 bytes" in refusal(tmp_path / "film")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("cat.jpg", "'cat.jpg' .No such file.*seen from the folder '.*here'.*https://"),
        ("/", "a folder"),
        ("/dev/zero", "a device"),
        ("pipe.jpg", "a pipe"),
        (f"{__file__}/cat.jpg", "Not a directory"),
        ("a" * 5000, "name too long"),
        ("a\0b", "null"),
        ("~nobody-of-this-name/x.png", "home"),
        ("ftp://host/cat.png", "begins with http:// or https://"),
        ("file:///etc/hostname", "begins with http:// or https://"),
        ("data:image/png;base64,iVBORw0KGgo=", "begins with http:// or https://"),
    ],
)
def test_no_file(source, says, tmp_path, monkeypatch):
    if source == "pipe.jpg":  # which never ends
        monkeypatch.chdir(tmp_path)
        os.mkfifo(source)
    message = refusal(source)
    assert re.search(says, message.replace(" cannot be read (", " ."), re.IGNORECASE), message
    assert len(message) < 600


@pytest.mark.parametrize("source", [None, 3, PICTURE, Image.fromarray(PICTURE)])
def test_another_type(source):
    with pytest.raises(TypeError, match=f"path.*http.*bytes; got {type(source).__name__}"):
        load_image(source)


# The web


class Server(http.server.BaseHTTPRequestHandler):
    """Serves a picture, well or badly, as the path says."""

    data = encoded(PICTURE)

    def do_GET(self):
        path, data = self.path, self.data
        if path == "/moved.png":
            self.send_response(301)
            self.send_header("Location", "/good.png")
            return self.end_headers()
        if path == "/none.png":
            return self.send_error(404)
        if path == "/nonsense.png":
            self.wfile.write(b"hello\r\n\r\n")
            return None
        if path == "/hangs.png":
            return self.server.stop.wait(10)
        assert "Mozilla" in self.headers["User-Agent"]
        self.send_response(200)
        if path == "/page.png":
            data = b"<html><body>Please log in</body></html>"
        if path not in ("/endless.png", "/unsaid.png"):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if path == "/endless.png":
            while not self.server.stop.is_set():
                self.wfile.write(bytes(50_000))
        if path == "/drips.png":
            for byte in data:
                self.wfile.write(bytes([byte]))
                if self.server.stop.wait(0.05):
                    return None
        if path == "/half.png":
            data = data[: len(data) // 2]
        self.wfile.write(data)
        return None

    def log_message(self, *_):
        pass


class Patient(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):  # the client went away, as it should
        pass


@pytest.fixture
def address():
    server = Patient(("127.0.0.1", 0), Server)
    server.stop = threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.stop.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("good.png", None),
        ("moved.png", None),
        ("Übung mit Rand.png?a=b%20c", None),
        ("unsaid.png", None),
        ("none.png", "404: Not Found.*Is the address right.*save the picture in a browser"),
        ("half.png", "broke .* bytes before the end"),
        ("page.png", "web page"),
        ("nonsense.png", "cannot be loaded .hello"),
        ("endless.png", "more than 50,000,000 bytes"),
        ("hangs.png", "timed out.*more than timeout=0.3 seconds"),
        ("drips.png", "timed out.*more than timeout=0.3 seconds"),
    ],
)
def test_from_the_web(address, name, says):
    began = time.monotonic()
    if says:
        timeout = 0.3 if "timeout" in says else 30
        message = refusal(f"{address}/{name}", timeout=timeout)
        assert re.match(f"{address}/{name}.*{says}", message), message
    else:
        assert np.array_equal(load_image(f"{address}/{name}"), PICTURE)
        assert np.array_equal(load_image(f"{address.replace('http', 'HTTP')}/{name}"), PICTURE)
    assert time.monotonic() - began < 5


def test_nobody_answers(address):
    free = http.server.HTTPServer(("127.0.0.1", 0), Server)
    free.server_close()
    message = refusal(f"http://127.0.0.1:{free.server_port}/cat.png")
    assert re.search("refused.*on the internet.*utils.data.photograph", message)
    for source in (
        "http://no-such-host.invalid/cat.png",
        "http://",
        "http://[1/cat.png",
        "http://host:port/cat.png",
    ):
        assert f"{source} cannot be loaded" in refusal(source)
