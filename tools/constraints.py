"""Write constraints.txt, the versions that `make` installs.

    python3 tools/constraints.py frozen    # from what is installed, tested as it is
    python3 tools/constraints.py oldest    # the lower ends of our ranges, to test them
    python3 tools/constraints.py newest    # nothing pinned

Nothing but the standard library, and no syntax newer than Python 3.6: before there is an
environment, the machine's own Python runs it.
"""

import argparse
import re

from environment import PYTHON, ROOT, run

WRITTEN = (
    "# Every package that `make` installs, at the version it was tested with: direct ones and\n"
    "# what they bring. Written by `python3 tools/constraints.py frozen`. What only some\n"
    "# machines get (GPU libraries) is left out: PyTorch fixes these versions itself.\n"
)


def frozen():
    """Give the versions in the environment, less what only some machines get."""
    _, listed = run(str(PYTHON), "-m", "pip", "list", "--format=freeze")
    pins = re.findall(r"^([\w.-]+==[^\s+]+)", listed, re.MULTILINE)
    left_out = re.compile(r"(nvidia-|cuda-|triton\b|(pip|wheel)==)", re.IGNORECASE)
    pins = sorted((pin for pin in pins if not left_out.match(pin)), key=str.lower)
    return WRITTEN + "\n".join(pins) + "\n"


def oldest():
    """Give the lowest version that requirements.txt allows of each package it names."""
    wanted = (ROOT / "requirements.txt").read_text("utf-8")
    lowest = re.findall(r"^([\w-]+)>=([\w.]+)", wanted, re.MULTILINE)
    return "".join("{}=={}\n".format(*it) for it in lowest)


def newest():
    """Give no versions."""
    return ""


WAYS = {way.__name__: way for way in (frozen, oldest, newest)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=sorted(WAYS))
    way = parser.parse_args().way
    (ROOT / "constraints.txt").write_text(WAYS[way](), "utf-8")


if __name__ == "__main__":
    main()
