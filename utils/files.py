"""Files that are whole at any moment, whatever stops the process that writes them."""

import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file: whoever looks, at any moment, finds the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two processes that write the same file must not mix their bytes.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # on the disk, before it has the name
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)  # half a file on a full disk is in the way
        raise
