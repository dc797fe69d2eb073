"""Files that are whole at any moment, whatever stops the process that writes them."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path


def write_whole(path: Path, content: bytes, *, mark: str | None = None) -> None:
    """Write a file: whoever looks, at any moment, finds the old one or the new one, whole.

    It keeps the permissions of the old one. A link is replaced: give the path that it leads to.

    `mark` is part of the name that it has until it is whole. Where only one process writes at a
    time, one mark for all lets the next overwrite what a killed one left behind.
    """
    write_together({path: content}, mark=mark)


def write_together(contents: Mapping[Path, bytes], *, mark: str | None = None) -> None:
    """Write several files as `write_whole` does, in order; none before all are on the disk."""
    # By default, names of its own: two processes that write the same file must not mix their bytes.
    mark = mark or secrets.token_hex(4)
    parts: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            parts[path] = path.with_name(f"{path.name}.{mark}.part")
            parts[path].unlink(missing_ok=True)  # it may be read-only, as the file it was to be
            with parts[path].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # on the disk, before it has the name
            with contextlib.suppress(OSError):  # no old file, or a disk that knows no permissions
                shutil.copymode(path, parts[path])
        for path, part in parts.items():
            part.replace(path)
    except BaseException:
        for part in parts.values():
            part.unlink(missing_ok=True)  # half a file on a full disk is in the way
        raise
