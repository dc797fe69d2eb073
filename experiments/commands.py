"""What the commands of this folder share: plain errors, and an end that says how to go on."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


from utils.data import DataUnavailableError  # noqa: E402
from utils.experiments import ResultsError  # noqa: E402
from utils.training import DivergedError  # noqa: E402

RESULTS = ROOT / "utils" / "assets" / "results"
WORK = ROOT / "work" / "training"  # git ignores `work`, and `make clean` leaves it alone
MOST_THREADS = 1024  # far more, and the system ends the process without a word


class Parser(argparse.ArgumentParser):
    """Says what is wrong in a sentence."""

    def __init__(self, about: str) -> None:
        raw = argparse.RawDescriptionHelpFormatter
        super().__init__(description=about, formatter_class=raw, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """End the command."""
        self.exit(2, f"error: {message} (--help tells what there is)\n")


def whole(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """Return a type of argument: a whole number from `least` to `most`, by default 64 bits'."""

    def read(given: str) -> int:
        if not given.isdecimal() or int(given) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {given!r}")
        if int(given) > most:
            raise argparse.ArgumentTypeError(f"expected at most {most}, got {given!r}")
        return int(given)

    return read


def end(main: Callable[[], None], say: Callable[[BaseException], str] = str) -> NoReturn:
    """Run a command; what a reader can mend is a sentence, by `say`, not a traceback."""
    ignored = sys.unraisablehook

    def again(unraisable: Any) -> None:
        """Repeat a Ctrl-C that came where Python drops it, as in a `__del__`."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            main_thread = threading.main_thread().ident
            threading.Timer(0.1, signal.pthread_kill, [main_thread, signal.SIGINT]).start()
        else:
            ignored(unraisable)

    sys.unraisablehook = again
    try:
        main()
    except (ResultsError, DataUnavailableError, DivergedError, OSError, ValueError) as error:
        sys.exit(f"error: {say(error)}")
    except KeyboardInterrupt:
        print("\nStopped. What is done is kept; the same command goes on from there.")
        sys.exit(130)
    finally:
        sys.unraisablehook = ignored
    sys.exit(0)
