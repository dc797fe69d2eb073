"""Show the built book in a local web server, on the first free port from 8000."""

import argparse
import errno
import http.server
import sys
from functools import partial
from pathlib import Path

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serve files with the types that browsers insist on, and fresh after every build."""

    extensions_map = {  # noqa: RUF012 (the base class's own way)
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".svg": "image/svg+xml",
    }

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format, *values):  # noqa: A002 (the base class's own name)
        pass


def listen(folder, first, *, tries=50):
    """Open a server for a folder on the first free port, seen from this machine only.

    Parameters
    ----------
    folder : Path
        What to serve.
    first : int
        The port to try first.
    tries : int
        How many ports to try.

    Raises
    ------
    OSError
        If none of them is free.
    """
    handler = partial(Handler, directory=str(folder))
    for port in range(first, first + tries):
        try:
            return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
    raise OSError(errno.EADDRINUSE, f"no free port from {first} to {first + tries - 1}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="the port to try first")
    parser.add_argument("--folder", type=Path, default=HTML, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if not (asked.folder / "index.html").exists():
        print(f"error: no built book in {asked.folder}: run `make book` first.", file=sys.stderr)
        return 1
    try:
        server = listen(asked.folder, asked.port)
    except OSError as error:
        print(f"error: {error.strerror}.", file=sys.stderr)
        return 1
    with server:
        print(f"The book is at http://127.0.0.1:{server.server_port}/ (Ctrl-C stops)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
