"""Pictures from files, bytes and the web: read, or refused in words that help."""

import http.server
import io
import os
import pathlib
import re
import struct
import tempfile
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

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


def encoded(image, kind="PNG", **options) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size, and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


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


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_exact_formats(kind):
    image = load_image(encoded(PICTURE, kind))
    assert image.dtype == np.uint8
    assert np.array_equal(image, PICTURE)
    image[:] = 0  # one's own to change


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "GIF"])
def test_lossy_formats(kind):
    difference = load_image(encoded(PICTURE, kind)).astype(int) - PICTURE
    assert np.abs(difference).mean() < 8


def test_files_by_any_name(tmp_path, monkeypatch):
    path = tmp_path / "picture.of some kind"
    path.write_bytes(encoded(PICTURE))
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (
        path,
        str(path),
        f"~/{path.name}",
        path.read_bytes(),
        bytearray(encoded(PICTURE)),
    ):
        assert np.array_equal(load_image(source), PICTURE)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a)),
        (77, lambda a: a),  # no orientation at all
    ],
)
def test_turned_as_the_camera_was_held(kind, orientation, upright):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(load_image(encoded(PICTURE, kind, exif=exif)), upright(PICTURE))


def test_damaged_camera_notes_do_no_harm():
    exif = Image.Exif()
    exif[0x0112] = 6
    for length in (10, 14, 20):
        image = load_image(encoded(PICTURE, "JPEG", exif=exif.tobytes()[:length]))
        assert image.shape == PICTURE.shape


def test_palette():
    few = Image.fromarray(PICTURE // 128 * 255)  # black, white and six colours
    image = few.quantize(8)
    assert image.mode == "P"
    assert np.array_equal(load_image(encoded(image)), np.asarray(few))


def test_palette_with_a_transparent_colour():
    image = Image.new("P", (4, 3), 0)
    image.putpalette([200, 10, 10, 10, 200, 10])
    image.putpixel((1, 2), 1)
    red, green = [200, 10, 10], [10, 200, 10]
    assert load_image(encoded(image))[[0, 2], [0, 1]].tolist() == [red, green]
    for kind in ("PNG", "GIF"):
        data = load_image(encoded(image, kind, transparency=0))
        assert data[[0, 2], [0, 1]].tolist() == [[255, 255, 255], green]


def test_grey_fills_three_channels():
    grey = PICTURE[..., 0]
    assert np.array_equal(load_image(encoded(grey)), np.stack(3 * [grey], -1))


def test_one_bit():
    bits = PICTURE[..., 0] > 100
    image = load_image(encoded(Image.fromarray(bits)))
    assert np.array_equal(image, np.stack(3 * [bits * np.uint8(255)], -1))


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return share * colour + (1 - share) * 255


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_becomes_white(mode):
    alpha = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, WIDTH))
    grey = np.stack(3 * [PICTURE[..., 1]], -1)
    colour = PICTURE if mode == "RGBA" else grey
    layers = [*np.moveaxis(colour, -1, 0)[: len(mode) - 1], alpha]
    image = load_image(encoded(Image.fromarray(np.stack(layers, -1))))
    assert np.abs(image - on_white(colour, alpha)).max() <= 1
    assert (image[:, 0] == 255).all()
    assert np.array_equal(image[:, -1], colour[:, -1])


def test_a_transparent_colour_of_rgb():
    image = PICTURE.copy()
    image[3, 4] = (1, 2, 3)
    expected = image.copy()
    expected[3, 4] = 255
    assert np.array_equal(load_image(encoded(image, transparency=(1, 2, 3))), expected)


def test_cmyk():
    """A print's colours: without ink is white, and all of black is black."""
    inks = np.zeros((2, 3, 4), np.uint8)
    inks[0, 1, 3] = 255
    inks[0, 2] = (255, 0, 0, 0)
    image = load_image(encoded(Image.fromarray(inks, "CMYK"), "TIFF"))
    assert image[0].tolist() == [[255, 255, 255], [0, 0, 0], [0, 255, 255]]
    jpeg = encoded(Image.fromarray(PICTURE).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(load_image(jpeg).astype(int) - PICTURE).mean() < 8


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_not_clipped(kind):
    values = np.linspace(0, 65535, HEIGHT * WIDTH).round().astype(np.uint16)
    image = load_image(encoded(values.reshape(HEIGHT, WIDTH), kind))
    assert np.array_equal(image[..., 0].ravel(), np.round(values / 257).astype(np.uint8))
    assert np.array_equal(image[..., 0], image[..., 2])
    assert len(np.unique(image)) == 256


@pytest.mark.parametrize(("tag", "usual", "other"), [(262, 1, 0), (258, 16, 12)])
def test_tiffs_whose_white_is_not_65535_are_refused(tag, usual, other):
    """White as 0, or 12 bits: the numbers would be taken for what they are not."""
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), 65535, np.uint16)).save(file, "TIFF")
    assert load_image(file.getvalue()).min() == 255
    entry = struct.pack("<HHI", tag, 3, 1)
    data = file.getvalue().replace(entry + bytes([usual]), entry + bytes([other]))
    assert data != file.getvalue()
    assert "save it as PNG" in refusal(data)


def test_sixteen_bits_turned_and_with_a_transparent_value():
    values = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 100
    exif = Image.Exif()
    exif[0x0112] = 6
    image = load_image(encoded(values, exif=exif, transparency=200))
    expected = np.round(values / 257).astype(np.uint8)
    expected[0, 2] = 255
    assert np.array_equal(image[..., 1], np.rot90(expected, -1))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_the_first_frame(kind):
    red, blue = (Image.new("RGB", (4, 3), colour) for colour in ("red", "blue"))
    data = encoded(red, kind, save_all=True, append_images=[blue])
    assert np.abs(load_image(data).astype(int) - [255, 0, 0]).max() < 8


# What is refused


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated(kind, share):
    data = encoded(np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8), kind)
    message = refusal(data[: int(share * len(data))])
    assert re.search(r"bytes is (damaged or only partly there|a HEIC)", message), message
    assert len(load_image(data)) == 99


def test_damaged_inside():
    data = bytearray(encoded(PICTURE))
    data[len(data) // 2] ^= 255
    assert "damaged" in refusal(data)


@pytest.mark.parametrize("size", [(8000, 8000), (12_000, 12_000), (2**31 - 1, 2**31 - 1)])
def test_a_huge_picture_is_refused_before_it_is_decoded(size):
    data = png(*size)
    assert len(data) < 100
    began = time.process_time()
    message = refusal(data)
    assert time.process_time() - began < 1
    assert "more than 50,000,000" in message
    assert "max_pixels" in message
    if size[0] < 10**6:
        assert f"{size[0]:,} × {size[1]:,}" in message


def test_the_limits_are_the_callers():
    data = encoded(PICTURE)
    assert "more than 599" in refusal(data, max_pixels=599)
    assert len(load_image(data, max_pixels=600)) == HEIGHT
    assert f"more than {len(data) - 1} bytes" in refusal(data, max_bytes=len(data) - 1)
    assert len(load_image(data, max_bytes=len(data))) == HEIGHT


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "TIFF"])
def test_pillows_own_limit_does_not_count(kind, monkeypatch):
    data = encoded(PICTURE, kind)
    wanted = load_image(data)
    for limit in (None, 10, 400, 10_000):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert np.array_equal(load_image(data, max_pixels=600), wanted)
        for most in (1, 100, 599):
            message = refusal(data, max_pixels=most)
            assert f"more than {most}" in message
            assert "max_pixels=..." in message
        assert limit == Image.MAX_IMAGE_PIXELS
        refusal(data[:60], max_pixels=600)
        assert limit == Image.MAX_IMAGE_PIXELS


def test_pillows_limit_is_put_back_whoever_is_last(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    data = encoded(PICTURE)
    with ThreadPoolExecutor(8) as pool:
        pixels = 50 * [600, 10**6, 700]
        pictures = list(pool.map(lambda most: load_image(data, max_pixels=most), pixels))
    assert all(np.array_equal(picture, PICTURE) for picture in pictures)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_a_large_file_is_not_even_read(tmp_path, monkeypatch):
    path = tmp_path / "film.png"
    with path.open("wb") as file:
        file.truncate(60_000_000)
    monkeypatch.setattr(pathlib.Path, "read_bytes", lambda _: pytest.fail("was read"))
    assert "more than 50,000,000 bytes" in refusal(path)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", ["empty", "0 bytes"]),
        (b"once upon a time", ["no picture", "once upo", "JPEG, PNG"]),
        (b"\n<!DOCTYPE html><html>", ["web page", "address of the picture itself"]),
        (b'<?xml version="1.0"?>\n<svg width="3"/>', ["SVG", "export it as PNG"]),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ["HEIC", "export it as JPEG"]),
        (b"%PDF-1.7", ["PDF", "PNG"]),
        # A PostScript picture would be given to another program to draw.
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", ["no picture"]),
        (encoded(Image.new("F", (3, 3), 0.5), "TIFF"), ["32 bits", "0.5", "scale"]),
        (encoded(Image.new("I", (3, 3), 9**9), "TIFF"), ["32 bits", "3.8742e+08"]),
    ],
)
def test_not_a_picture(data, says, tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(data)
    message = refusal(path)
    assert all(word in message for word in [str(path), *says]), message
    assert all(word in refusal(data) for word in ["what came as", *says])


def test_a_pipe_that_never_ends(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for source in (tmp_path / "pipe.jpg", "/dev/zero"):
        with pytest.raises(ImageError, match="no file but a device or pipe"):
            load_image(source)


def test_no_such_file(tmp_path):
    message = refusal("cat.jpg")
    assert "no file 'cat.jpg'" in message
    assert "here" in message  # the folder that the path was looked for in
    assert f"{tmp_path} is a folder" in refusal(tmp_path)
    (tmp_path / "file").write_bytes(b"x")
    assert "Not a directory" in refusal(tmp_path / "file" / "cat.jpg")
    assert "cannot be read" in refusal("a" * 5000)
    assert "cannot be read" in refusal("a\0b")
    assert "cannot be read" in refusal("~nobody-of-this-name/x.png")


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
        if path == "/to-a-file.png":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            return self.end_headers()
        if path in ("/none.png", "/closed.png"):
            return self.send_error({"/none.png": 404, "/closed.png": 403}[path])
        if path == "/nonsense.png":
            self.wfile.write(b"hello\r\n\r\n")
            return None
        if path == "/hangs.png":
            return self.server.stop.wait(10)
        assert "Mozilla" in self.headers["User-Agent"]
        self.send_response(200)
        if path == "/page.png":
            data = b"<html><body>Please log in</body></html>"
        if path == "/lies.png":
            self.send_header("Content-Length", str(10**9))
        elif path != "/endless.png":
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
        self.wfile.flush()
        if path == "/stays-open.png":
            self.server.stop.wait(10)
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
    "name", ["good.png", "moved.png", "Übung mit Rand.png?a=b%20c", "stays-open.png"]
)
def test_from_the_web(address, name):
    began = time.monotonic()
    assert np.array_equal(load_image(f"{address}/{name}"), PICTURE)
    assert time.monotonic() - began < 5
    assert np.array_equal(load_image(f"{address.replace('http', 'HTTP')}/{name}"), PICTURE)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none.png", ["404 Not Found", "Check the address", "save the picture in a browser"]),
        ("closed.png", ["403 Forbidden"]),
        ("half.png", ["broke after", f"of {len(Server.data):,} bytes"]),
        ("page.png", ["web page"]),
        ("nonsense.png", ["download failed"]),
        ("lies.png", ["more than 50,000,000 bytes"]),
        ("endless.png", ["more than 50,000,000 bytes"]),
        ("to-a-file.png", ["302"]),
    ],
)
def test_badly_served(address, name, says):
    message = refusal(f"{address}/{name}")
    assert all(word in message for word in [f"{address}/{name}", *says]), message


@pytest.mark.parametrize("name", ["hangs.png", "drips.png"])
def test_too_slow(address, name):
    began = time.monotonic()
    message = refusal(f"{address}/{name}", timeout=0.3)
    assert time.monotonic() - began < 3
    assert "0.3 seconds" in message
    assert "timeout" in message


def test_nobody_answers(address, monkeypatch):
    free = http.server.HTTPServer(("127.0.0.1", 0), Server)
    free.server_close()
    message = refusal(f"http://127.0.0.1:{free.server_port}/cat.png")
    assert "cannot be reached" in message
    assert "internet" in message
    assert "utils.data.photograph" in message
    assert "cannot be reached" in refusal("http://no-such-host.invalid/cat.png")


@pytest.mark.parametrize(
    "source",
    ["ftp://host/cat.png", "file:///etc/hostname", "data:image/png;base64,iVBORw0KGgo=", "://"],
)
def test_other_addresses(source):
    assert "only http:// and https://" in refusal(source)


@pytest.mark.parametrize("source", ["http://", "http://[1/cat.png", "http://host:port/cat.png"])
def test_misspelt_addresses(source):
    assert source in refusal(source)
