"""Downloads of published weights from a server that misbehaves."""

import hashlib
import io
import os
import pickle
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub
import pytest
import safetensors.torch
import timm
import torch
from torch import nn
from torchvision.models import GoogLeNet_Weights, googlenet

from utils.pretrained import WeightsUnavailableError, load
from utils.pretrained.published import fetch
from utils.support import downloads

STATE = {"weight": torch.arange(5000.0), "bias": torch.ones(7)}


def as_pth(state: object) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


GOOD = as_pth(STATE)
OTHER = as_pth({**STATE, "bias": torch.zeros(7)})  # as long, as well-formed, other weights
assert len(OTHER) == len(GOOD)
HTML = b"<!DOCTYPE html><title>Please log in</title>"

Behave = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers every request as its server is told to, and counts them."""

    server: "Server"
    timeout = 30  # not the default that the client sets meanwhile in this same process

    def do_GET(self) -> None:
        self.server.asked[self.command] += 1
        with_body = self.server.behave
        with_body(self)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Say nothing on stderr."""

    def answer(self, body: bytes, *, length: int | None = -1, status: int = 200, **headers) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length == -1 else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[str] = Counter()
        self.closing = threading.Event()
        self.behave: Behave = well(GOOD)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


def well(body: bytes) -> Behave:
    return lambda handler: handler.answer(body)


def hang(handler: Handler) -> None:
    handler.server.closing.wait(20)


def hang_halfway(handler: Handler) -> None:
    handler.answer(GOOD[: len(GOOD) // 2], length=len(GOOD))
    handler.wfile.flush()
    handler.server.closing.wait(20)


BAD: dict[str, Behave] = {
    "half, and its length": lambda h: h.answer(GOOD[:9000]),
    "no answer at all": lambda h: h.connection.close(),
    "a page": lambda h: h.answer(HTML, Content_Type="text/html"),
    "other weights, as many bytes": lambda h: h.answer(OTHER),
    "server error": lambda h: h.answer(HTML, status=500),
    "silence": hang,
    "silence halfway": hang_halfway,
}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "SILENCE", 0.3)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


def publish(server: Server, monkeypatch, body: bytes = GOOD) -> str:
    """Let torchvision's weights of GoogLeNet lie on the server, as `body`; the file's name."""
    file = f"googlenet-{hashlib.sha256(body).hexdigest()[:8]}.pth"
    weights = GoogLeNet_Weights.IMAGENET1K_V1.value
    monkeypatch.setattr(weights, "url", f"{server.url}/models/{file}")
    return file


def from_torchvision() -> dict:
    return fetch("googlenet_torchvision", "torchvision", "GoogLeNet_Weights.IMAGENET1K_V1")


def equal(state: dict, wanted: dict) -> bool:
    return state.keys() == wanted.keys() and all(torch.equal(state[k], wanted[k]) for k in wanted)


@pytest.mark.parametrize("how", BAD)
def test_a_bad_answer_is_refused_and_not_kept(server, cache, monkeypatch, how):
    file = publish(server, monkeypatch)
    server.behave = BAD[how]
    before = sys.stderr, socket.getdefaulttimeout()
    with pytest.raises(
        WeightsUnavailableError, match=r"internet.*create\(.googlenet_tor"
    ) as caught:
        from_torchvision()
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert not list(cache.iterdir())
    assert (sys.stderr, socket.getdefaulttimeout()) == before

    server.behave = well(GOOD)
    for _ in range(2):  # the second time from the cache
        assert equal(from_torchvision(), STATE)
    assert server.asked["GET"] == 2
    assert [path.name for path in cache.iterdir()] == [file]


def test_a_damaged_file_in_the_cache_is_told_where_it_is(server, cache, monkeypatch):
    file = publish(server, monkeypatch)
    cache.mkdir(parents=True)
    (cache / file).write_bytes(GOOD[:9000])
    with pytest.raises(WeightsUnavailableError, match=f"delete it from {cache.parent}"):
        from_torchvision()
    (cache / file).unlink()
    assert equal(from_torchvision(), STATE)


class Payload:
    """A pickle that would run code."""

    def __reduce__(self):
        return (os.mkdir, ("code-was-run",))


def test_code_in_a_file_with_the_right_name_is_not_run(server, cache, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for body in (as_pth({"weight": Payload()}), pickle.dumps(Payload(), protocol=2)):
        publish(server, monkeypatch, body)
        server.behave = well(body)
        with pytest.raises(WeightsUnavailableError, match="Weights only load failed"):
            from_torchvision()
    assert not (tmp_path / "code-was-run").exists()


@pytest.mark.slow
def test_imagenet_googlenet_end_to_end(server, cache, monkeypatch):
    """Cut off at first; then loaded into our network, with classes and preprocessing."""
    torch.manual_seed(0)
    theirs = googlenet(weights=None, init_weights=False).eval()
    body = as_pth(theirs.state_dict())  # as published, it has heads
    publish(server, monkeypatch, body)
    server.behave = lambda handler: handler.answer(body[: len(body) // 2], length=len(body))
    with pytest.raises(WeightsUnavailableError, match="invalid hash"):
        load("googlenet")
    server.behave = well(body)
    ours = load("googlenet")
    weights = GoogLeNet_Weights.IMAGENET1K_V1
    assert ours.classes == tuple(weights.meta["categories"])
    assert not ours.model.training
    assert ours.card["url"] == weights.url
    x = torch.rand(2, 3, 300, 260)
    theirs.transform_input = True  # what torchvision sets with these weights
    with torch.no_grad():
        wanted = theirs(weights.transforms()(x))
        torch.testing.assert_close(ours.model(ours.preprocessing(x)), wanted, rtol=1e-4, atol=1e-5)


# timm, as far as its own loading goes: its networks are stood in for by a small one.


class Small(nn.Module):
    def __init__(self, state: dict) -> None:
        super().__init__()
        for name, value in state.items():
            self.register_buffer(name, value)


@pytest.fixture
def hugging_face(server, tmp_path, monkeypatch):
    """A hub that holds one repository, and timm with a small network that loads from it."""
    constants = huggingface_hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = timm.get_pretrained_cfg("inception_v4.tf_in1k").hf_hub_id

    def create_model(name: str, *, pretrained: bool) -> nn.Module:
        return Small(timm.models._builder.load_state_dict_from_hf(repository))

    get = huggingface_hub.hf_hub_download  # its default for the cache was set when it was defined
    monkeypatch.setattr(
        "timm.models._hub.hf_hub_download", lambda **k: get(**k | {"cache_dir": tmp_path})
    )
    monkeypatch.setattr(timm, "create_model", create_model)
    return tmp_path


def test_timm_by_hugging_faces_hub(server, hugging_face, monkeypatch):
    """Fetched; and the second time whether there is a network is not asked."""
    safe = safetensors.torch.save(STATE)
    headers = {"ETag": f'"{hashlib.sha256(safe).hexdigest()}"', "X-Repo-Commit": 40 * "a"}

    def behave(handler: Handler) -> None:
        if handler.path.endswith("model.safetensors"):
            handler.answer(safe, **headers)
        else:
            handler.answer(b"", status=404, X_Error_Code="EntryNotFound")

    server.behave = behave
    ask = ("inception_v4", "timm:tf_in1k", "inception_v4.tf_in1k")
    assert equal(fetch(*ask), STATE)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", None)  # not asked again
    assert equal(fetch(*ask), STATE)


def test_without_a_network_timm_is_not_waited_for(server, hugging_face):
    asked = []

    def behave(handler: Handler) -> None:
        asked.append(handler.path)
        handler.connection.close()

    server.behave = behave
    with pytest.raises(WeightsUnavailableError, match="internet"):
        fetch("inception_v4", "timm:tf_in1k", "inception_v4.tf_in1k")
    # For a file: the hub's own program also asks, once in a process, for other things.
    assert len([path for path in asked if "/resolve/" in path]) == 1
