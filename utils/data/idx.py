"""The IDX format of the MNIST family: a big-endian header of sizes, then the bytes.

Four bytes: 0, 0, the type (8: unsigned bytes, the only one read here), the number of axes; four
bytes for the length of each axis; the data.
"""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np


def read_idx(path: Path) -> np.ndarray:
    """Read a file of unsigned bytes in IDX format, gzipped or not.

    Raises
    ------
    ValueError
        A damaged file, or another format; the message names the file and says what was expected.
    """
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(
                f"{path} is damaged or only partly there, its gzip data cannot be unpacked "
                f"({error}): delete it and fetch it again."
            ) from error
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise ValueError(
            f"{path} is not a file of bytes in IDX format: it should begin with 00 00 08, gzipped "
            f"or not, and begins with {data[:3].hex(' ') or 'nothing, it is empty'}."
        )
    start = 4 + 4 * data[3]
    if len(data) >= start:
        shape = struct.unpack(f">{data[3]}I", data[4:start])
        if len(data) == start + prod(shape):
            return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()
        wanted = f"{' x '.join(map(str, shape))} bytes after its header, and has "
        wanted += f"{len(data) - start}"
    else:
        wanted = f"{data[3]} lengths in its header, and is only {len(data)} bytes long"
    raise ValueError(f"{path} should hold {wanted}: delete it and fetch it again.")


def idx_bytes(array: np.ndarray) -> bytes:
    """Return an array of unsigned bytes as a gzipped IDX file, the same bytes every time.

    Raises
    ------
    TypeError
        Another dtype.
    """
    if array.dtype != np.uint8:
        raise TypeError(f"IDX files of unsigned bytes only: expected uint8, got {array.dtype}.")
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0)
