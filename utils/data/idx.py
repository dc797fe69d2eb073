"""The IDX format of the MNIST family: a big-endian header of sizes, then the bytes.

Four bytes: 0, 0, the type (8: unsigned bytes, the only one read here), the number of axes; four
bytes for the length of each axis; the data.
"""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np


def read_idx(path: Path) -> np.ndarray:
    """Read a file of unsigned bytes in IDX format, gzipped or not.

    Raises
    ------
    ValueError
        A damaged file, or another format; the message names the file.
    """
    data = path.read_bytes()
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        zeros, kind, axes = struct.unpack_from(">HBB", data)
        if (zeros, kind) != (0, 8):
            raise ValueError(f"it begins with {data[:3].hex(' ')}, not 00 00 08")
        shape = struct.unpack_from(f">{axes}I", data, offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()
    except (EOFError, OSError, ValueError, struct.error, zlib.error) as error:
        raise ValueError(
            f"{path} is not a whole file of bytes in IDX format, gzipped or not ({error}): delete "
            "it and fetch it again."
        ) from error
