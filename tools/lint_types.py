"""Hold the types of `utils` to be no worse than they were: mypy, with a count a file.

    python tools/lint_types.py             # fail where a file has more complaints than it had
    python tools/lint_types.py --update    # keep today's counts, if they are fewer in all

`tools/types.csv` says how many complaints a file may have; a file that is not in it may have none.
"""

import argparse
import csv
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNTS = Path(__file__).resolve().with_name("types.csv")


def complaints() -> dict[str, list[str]]:
    """Run mypy as `pyproject.toml` sets it; give its lines for each file that has any."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        if match := re.match(r"(utils/[^:]+\.py):\d+: error: ", line):
            found.setdefault(match[1], []).append(line)
    if done.returncode not in (0, 1) or (done.returncode == 1 and not found):
        raise RuntimeError(done.stdout + done.stderr)
    return found


def read() -> Counter[str]:
    """Give the number of complaints that each file may have."""
    with COUNTS.open(newline="", encoding="utf-8") as file:
        return Counter({row["file"]: int(row["complaints"]) for row in csv.DictReader(file)})


def write(counts: Counter[str]) -> None:
    """Keep the counts, file by file."""
    with COUNTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "complaints"])
        writer.writerows(sorted(counts.items()))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="keep today's counts")
    asked = parser.parse_args(arguments)
    try:
        found = complaints()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    now = Counter({file: len(lines) for file, lines in found.items()})
    before = read() if COUNTS.exists() else now
    if asked.update and now.total() <= before.total():  # a file may have been renamed
        write(now)
        before = now
    for file in sorted(now - before):
        print("\n".join(found[file]))
        print(f"error: {file} may have {before[file]} complaints of mypy, not {now[file]} (above)")
    if now - before:
        print("error: give the new code its types; old complaints may stay, new ones may not come.")
        return 1
    if before - now:
        print("error: there are fewer: keep it so with `python tools/lint_types.py --update`.")
        return 1
    print(f"Types: {now.total()} old complaints of mypy in {len(now)} files, no new ones")
    return 0


if __name__ == "__main__":
    sys.exit(main())
