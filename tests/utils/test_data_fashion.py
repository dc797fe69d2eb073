"""Fashion-MNIST: what ships, folders, the full set, damaged files."""

import functools
import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np
import pytest
import torch
from torchvision.datasets import FashionMNIST
from torchvision.datasets.mnist import read_image_file, read_label_file

from utils.data import FASHION_CLASSES, DataUnavailableError, fashion, fashion_mnist

NAMES = [
    f"{split}-{kind}-ubyte"
    for split in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
]


def by_hand(array: np.ndarray) -> bytes:
    """The IDX format, written without the code under test."""
    header = b"\0\0\x08" + bytes([array.ndim])
    return header + b"".join(struct.pack(">i", n) for n in array.shape) + array.tobytes()


@pytest.fixture
def full(tmp_path):
    """A folder with a small set that looks like the full one, not gzipped."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "full"
    folder.mkdir()
    for split, count in (("train", 300), ("t10k", 50)):
        labels = rng.permutation((np.arange(count) % 10).astype(np.uint8))
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        (folder / f"{split}-images-idx3-ubyte").write_bytes(by_hand(images))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(by_hand(labels))
    return folder


@pytest.mark.parametrize("split", ["train", "test"])
def test_shipped(split):
    data = fashion_mnist(split)
    assert data.images.shape == (10_000, 1, 28, 28)
    assert data.images.dtype == torch.uint8
    assert data.labels.dtype == torch.int64
    assert data.labels.bincount().tolist() == 10 * [1000]
    assert data.classes == FASHION_CLASSES
    # Those of all 60,000 training images, as often quoted.
    assert data.mean == pytest.approx((0.2860,), abs=0.002)
    assert data.std == pytest.approx((0.3530,), abs=0.002)
    assert len({image.numpy().tobytes() for image in data.images}) > 9_990


def test_shipped_labels_fit_the_pictures():
    """Trousers are two thin legs, bags are wide; the first test image is an ankle boot."""
    data = fashion_mnist("test")
    assert data.labels[:10].tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    means = torch.stack([data.images[data.labels == k].float().mean((0, 1)) for k in range(10)])
    filled = (means > 40).any(1).sum(1)  # columns that hold something
    assert filled.argmin() == FASHION_CLASSES.index("Trouser")
    feet = means[:, :, :4].mean((1, 2)).argsort(descending=True)[:4]  # shoes reach the left edge
    assert FASHION_CLASSES.index("Sneaker") in feet


def test_training_and_test_images_differ():
    train, test = fashion_mnist("train").images, fashion_mnist("test").images
    shared = {image.numpy().tobytes() for image in train} & {i.numpy().tobytes() for i in test}
    assert len(shared) < 10


def test_same_as_torchvision_reads(full):
    for split, prefix in (("train", "train"), ("test", "t10k")):
        data = fashion_mnist(split, source=full)
        images = read_image_file(str(full / f"{prefix}-images-idx3-ubyte"))
        assert torch.equal(data.images[:, 0], images)
        assert torch.equal(data.labels, read_label_file(str(full / f"{prefix}-labels-idx1-ubyte")))


@pytest.mark.parametrize("inner", ["", "raw", "FashionMNIST/raw"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_folder_of_the_readers(full, tmp_path, inner, zipped):
    expected = fashion_mnist("test", source=full)
    place = tmp_path / "mine" / inner
    place.mkdir(parents=True)
    for name in NAMES[2:]:
        data = (full / name).read_bytes()
        if zipped:
            (place / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (place / name).write_bytes(data)
    found = fashion_mnist("test", source=str(tmp_path / "mine"))
    assert torch.equal(found.images, expected.images)
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte.*four files.*shipped"):
        fashion_mnist("train", source=tmp_path / "mine")


@pytest.mark.skipif(not fashion.DEBIAN.is_dir(), reason="the full set is not installed")
def test_shipped_are_the_first_of_each_class():
    full, shipped = fashion_mnist("train", source="full"), fashion_mnist("train")
    ranks = torch.stack([(full.labels == label).cumsum(0) for label in range(10)])
    chosen = ranks[full.labels, torch.arange(len(full))] <= 1000
    assert torch.equal(shipped.images, full.images[chosen])
    assert torch.equal(shipped.labels, full.labels[chosen])
    assert torch.equal(fashion_mnist("test", source="full").images, fashion_mnist("test").images)


def test_the_set_under_its_licence():
    note = (fashion.SHIPPED / "README.md").read_text("utf-8")
    for words in ("MIT License", "Zalando SE", "arXiv:1708.07747", "above copyright notice"):
        assert words in note


# The full set


def test_full_takes_what_debian_installed(full, monkeypatch):
    monkeypatch.setattr(fashion, "DEBIAN", full)
    assert len(fashion_mnist("train", source="full")) == 300


@pytest.fixture
def mirror(full, tmp_path, monkeypatch):
    """The address of a server with the set; PyTorch's cache empty, nothing from Debian."""
    served = tmp_path / "served"
    served.mkdir()
    resources = []
    for name in NAMES:
        data = gzip.compress((full / name).read_bytes())
        (served / f"{name}.gz").write_bytes(data)
        resources.append((f"{name}.gz", hashlib.md5(data, usedforsecurity=False).hexdigest()))
    handler = functools.partial(Quiet, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "none")
    monkeypatch.setattr(FashionMNIST, "resources", resources)
    monkeypatch.setattr(FashionMNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    yield served
    server.shutdown()
    server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_full_is_downloaded_once(full, mirror, tmp_path, capsys):
    expected = fashion_mnist("train", source=full)
    assert torch.equal(fashion_mnist("train", source="full").images, expected.images)
    for file in mirror.iterdir():
        file.unlink()
    assert torch.equal(fashion_mnist("train", source="full").images, expected.images)
    assert list((tmp_path / "cache").rglob("train-images-idx3-ubyte.gz"))
    assert not capsys.readouterr().err  # in the book, whatever is written there fails a cell


@pytest.mark.parametrize("fault", ["missing", "cut short"])
def test_full_cannot_be_downloaded(mirror, fault):
    file = mirror / "train-images-idx3-ubyte.gz"
    data = file.read_bytes()
    file.unlink()
    if fault == "cut short":
        file.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataUnavailableError) as caught:
        fashion_mnist("train", source="full")
    message = str(caught.value)
    for words in ("internet", "dataset-fashion-mnist", "source=", '"shipped"'):
        assert words in message
    assert "\n" not in message
    file.write_bytes(data)  # nothing half is left: with the file whole, all is well
    assert len(fashion_mnist("train", source="full")) == 300


def test_what_was_cut_short_in_the_cache_is_fetched_again(full, mirror, tmp_path):
    fashion_mnist("train", source="full")
    raw = tmp_path / "cache" / "datasets" / "FashionMNIST" / "raw"
    for name in NAMES:
        (raw / f"{name}.gz").write_bytes((mirror / f"{name}.gz").read_bytes()[:20])
        (raw / name).write_bytes(b"\0\0")  # an unpacking that was interrupted
    for split in ("train", "test"):
        expected = fashion_mnist(split, source=full)
        assert torch.equal(fashion_mnist(split, source="full").images, expected.images)


def test_a_folder_at_home(full, monkeypatch):
    monkeypatch.setenv("HOME", str(full.parent))
    assert len(fashion_mnist("train", source=f"~/{full.name}")) == 300


# Damage

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
ZIPPED = gzip.compress(by_hand(np.arange(50 * 784, dtype=np.uint32).astype(np.uint8)), mtime=0)


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        (IMAGES, ZIPPED[: len(ZIPPED) // 2], ["whole file", "fetch it again"]),
        (IMAGES, flipped(ZIPPED), ["whole file", "fetch it again"]),
        (IMAGES, b"", ["IDX", "fetch it again"]),
        (IMAGES, b"<html>404 Not Found</html>", ["IDX", "3c 68 74"]),
        (IMAGES, b"\0\0\x0d\3" + bytes(20), ["IDX", "00 00 0d"]),  # of floats
        (IMAGES, b"\0\0\x08\3\0\0\0\2", ["IDX", "fetch it again"]),
        (IMAGES, by_hand(np.zeros((50, 28, 28), np.uint8))[:-1], ["39199", "50,28,28"]),
        (IMAGES, by_hand(np.zeros((50, 32, 32), np.uint8)), ["N x 28 x 28", "50 x 32 x 32"]),
        (LABELS, by_hand(np.zeros(49, np.uint8)), ["50 x 28 x 28 and 49", "not of this set"]),
        (LABELS, by_hand(np.full(50, 10, np.uint8)), ["0 to 9", "to 10"]),
    ],
)
def test_files_that_are_not_as_they_should_be(full, name, data, says):
    (full / name).write_bytes(data)
    with pytest.raises(ValueError, match=name) as caught:
        fashion_mnist("test", source=full)
    assert all(word in str(caught.value) for word in says), caught.value


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"split": "training"}, ValueError, ["split", "'train', 'test'", "'training'"]),
        ({"source": "/nowhere/at/all"}, FileNotFoundError, ["/nowhere/at/all", "not there"]),
        ({"source": __file__}, FileNotFoundError, [__file__, "a file", '"shipped", "full"']),
    ],
)
def test_bad_arguments(arguments, error, says):
    with pytest.raises(error) as caught:
        fashion_mnist(**arguments)
    assert all(word in str(caught.value) for word in says), caught.value
