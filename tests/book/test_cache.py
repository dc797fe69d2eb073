"""A change re-executes the chapters that it can affect: all of these, and no others."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_book import ROOT, Answer, TinyBook

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> TinyBook:
    """Four chapters, each on other modules and files; executed once."""
    tiny_book = TinyBook(tmp_path_factory.mktemp("executed"))
    write = tiny_book.write
    write("utils/__init__.py", "")
    write("utils/base.py", "VALUE = 1\n")
    write("utils/middle.py", "from .base import VALUE\n")
    write("utils/top.py", "from . import middle\nVALUE = middle.VALUE\n")
    write("utils/alone.py", "VALUE = 2\n")
    write(
        "utils/assets.py",
        """\
        from pathlib import Path

        FOLDER = Path(__file__).parent / "assets"

        def text(name):
            return (FOLDER / name).read_text()

        def later():
            from .alone import VALUE
            return VALUE
        """,
    )
    write("utils/assets/read.js", "one")
    write("utils/assets/unread.js", "two")
    tiny_book.chapter("transitive", "from utils import top", "print(top.VALUE)")
    tiny_book.chapter("lazy", "from utils import assets", "print(assets.later())")
    tiny_book.chapter("asset", "from utils import assets", "print(assets.text('read.js'))")
    tiny_book.chapter("plain", "print(6 * 7)")
    assert set(tiny_book.execute()) == {"transitive", "lazy", "asset", "plain"}
    return tiny_book


@pytest.fixture
def book(executed: TinyBook, tmp_path: Path) -> TinyBook:
    """A copy of the executed book, outputs included."""
    return TinyBook(tmp_path, like=executed)


def append(book: TinyBook, name: str, text: str = "\n# changed\n") -> None:
    with (book.root / name).open("a") as file:
        file.write(text)


def test_nothing_changed_executes_nothing(book: TinyBook) -> None:
    assert book.execute() == {}


def test_each_change_executes_the_chapters_it_can_affect(book: TinyBook) -> None:
    for changed, chapters in (
        ("utils/base.py", {"transitive"}),  # imported by a module that a module imports
        ("utils/alone.py", {"lazy"}),  # imported inside a function, when it is called
        ("utils/assets.py", {"lazy", "asset"}),
        ("utils/assets/read.js", {"asset"}),
        ("utils/assets/unread.js", set()),
        ("utils/__init__.py", {"transitive", "lazy", "asset"}),
        ("README.md", set()),
        ("constraints.txt", set()),  # what is installed counts, not what is to be
    ):
        append(book, changed)
        ran = book.execute()
        assert set(ran) == chapters, changed
        assert all(why == f"{changed} has changed" for why in ran.values())
        assert book.execute() == {}, f"a second time after {changed}"


def test_another_version_of_a_package_executes_every_chapter(
    book: TinyBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(site)
    for version, said in (("1.0", "is 1.0, was not there"), ("1.1", "is 1.1, was 1.0")):
        shutil.rmtree(site, ignore_errors=True)
        (site / f"some_package-{version}.dist-info").mkdir(parents=True)
        ran = book.execute()
        assert set(ran) == {"transitive", "lazy", "asset", "plain"}
        assert set(ran.values()) == {f"some_package {said}"}
        assert book.execute() == {}


def test_prose_and_touched_files_execute_nothing(book: TinyBook) -> None:
    book.chapter("plain", "print(6 * 7)", prose="Other prose, and more of it.")
    (book.root / "utils/base.py").touch()
    assert book.execute() == {}


def test_code_and_tags_of_a_chapter_execute_it_alone(book: TinyBook) -> None:
    book.chapter("plain", "print(6 * 9)")
    assert book.execute() == {"plain": "new cells"}
    book.chapter("plain", ":tags: [raises-exception]\nprint(6 * 9)")
    assert book.execute() == {"plain": "new cells"}


def test_new_modules_and_changes_back_are_seen(book: TinyBook) -> None:
    cell = """\
    try:
        from utils.faster import VALUE
    except ImportError:
        from utils.slower import VALUE
    print(VALUE)
    """
    book.write("utils/slower.py", "VALUE = 'slow'\n")
    book.chapter("fallback", cell)
    assert set(book.execute()) == {"fallback"}
    book.write("utils/faster.py", "VALUE = 'fast'\n")
    assert book.execute() == {"fallback": "utils/faster.py is new"}
    book.write("utils/slower.py", "VALUE = 'slower'\n")  # not looked at any more
    assert book.execute() == {}
    (book.root / "utils/faster.py").unlink()
    assert book.execute() == {"fallback": "utils/faster.py is gone"}


WAYS = {
    "open": "open('x.txt').read()",
    "path": "from pathlib import Path; Path('x.txt').read_bytes()",
    "numpy": "import numpy; numpy.fromfile('x.txt', dtype='uint8')",
    "reader in Rust": """
import safetensors, pathlib
try:
    safetensors.safe_open(pathlib.Path('x.txt'), 'np')
except Exception as error:
    print(error)
""",
    "child process": "import subprocess, sys; "
    "subprocess.run([sys.executable, '-c', \"open('x.txt')\"], check=True)",
    "forked process": """
import multiprocessing
child = multiprocessing.get_context('fork').Process(target=lambda: open('x.txt').read())
child.start(); child.join()
""",
    "symbolic link": "open('link.txt').read()",
    "exists": "from pathlib import Path; print(Path('x.txt').exists())",
    "import": "import package.module",
    "from import": "from package import module",
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_using_a_file_is_recorded(way: str, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    for name in ("x.txt", "package/__init__.py", "package/module.py"):
        (tmp_path / name).write_text("1\n")
    (tmp_path / "link.txt").symlink_to("x.txt")
    files = record(WAYS[way], tmp_path)
    name = "package/module.py" if "import" in way else "x.txt"
    assert files[name] == hashlib.sha256(b"1\n").hexdigest()
    # Once more, now that modules are compiled.
    assert record(WAYS[way], tmp_path)[name] == files[name]
    (tmp_path / name).unlink()
    assert record(WAYS[way], tmp_path, check=False)[name] == "missing"


def test_looking_into_a_folder_depends_on_its_names_alone(tmp_path: Path) -> None:
    for code in (
        "from pathlib import Path; sorted(Path('data').glob('*.txt'))",
        "import os; os.listdir('data')",
        "import os; list(os.scandir('data'))",
    ):
        folder = tmp_path / "data"
        folder.mkdir()
        before = record(code, tmp_path)
        (folder / "y.txt").write_text("2")
        after = record(code, tmp_path)
        assert before["data/"] != after["data/"]
        (folder / "y.txt").write_text("3")
        assert record(code, tmp_path) == after
        (folder / "y.txt").unlink()
        folder.rmdir()


def test_what_is_written_or_elsewhere_is_not_recorded(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "z.py").write_text("1")
    code = "open('made.txt', 'w').write('1'); open('.venv/z.py').read(); open('/dev/null').read()"
    assert record(code, tmp_path) == {}


def record(code: str, folder: Path, *, check: bool = True) -> dict[str, str]:
    """Run a program under the recorder, in a folder that is its repository."""
    log = folder.parent / f"{folder.name}.record"
    log.unlink(missing_ok=True)
    recorder = ROOT / "tools" / "recorder"
    variables = {
        **os.environ,
        "COURSE_RECORD": str(log),
        "COURSE_ROOT": str(folder),
        "PYTHONPATH": os.pathsep.join([str(recorder), str(folder)]),
    }
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=variables, check=check)
    specification = importlib.util.spec_from_file_location(
        "course_recorder", recorder / "course_recorder.py"
    )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.read(log)


def test_a_file_edited_while_its_chapter_runs_is_out_of_date(tiny_book: TinyBook) -> None:
    tiny_book.write("utils/__init__.py", "")
    tiny_book.write("utils/values.py", "VALUE = 1\n")
    tiny_book.chapter(
        "busy",
        "from utils.values import VALUE",
        """
        from pathlib import Path
        if VALUE == 1:
            Path('../utils/values.py').write_text('VALUE = 2')
        """,
    )
    assert set(tiny_book.execute()) == {"busy"}
    assert tiny_book.execute() == {"busy": "utils/values.py has changed"}
    assert tiny_book.execute() == {}


def test_outputs_without_a_record_are_not_trusted(book: TinyBook) -> None:
    """As those that Jupyter Book keeps when it is run by hand."""
    program = """
import sys; sys.path.insert(0, "tools"); import book
from jupyter_cache.cache.db import NbCacheRecord
from sqlalchemy import update
store = book.open_cache()
from sqlalchemy.orm import Session
with Session(store.db) as session:
    session.execute(update(NbCacheRecord).values(data={"execution_seconds": 1}))
    session.commit()
"""
    assert book.run("-c", program).status == 0
    ran = book.execute()
    assert set(ran) == {"transitive", "lazy", "asset", "plain"}
    assert set(ran.values()) == {"nothing is known of what it used"}


def test_a_damaged_cache_is_made_anew(book: TinyBook) -> None:
    for outputs in (book.root / "_build/.jupyter_cache/executed").glob("*/base.ipynb"):
        outputs.unlink()
    assert len(book.execute()) == 4
    (book.root / "_build/.jupyter_cache/global.db").write_bytes(b"not a database")
    assert len(book.execute()) == 4
    assert book.execute() == {}


def cpu_seconds_of_commands() -> float:
    """Of those that have ended; unlike the clock's, not more on a machine that is busy."""
    spent = os.times()
    return spent.children_user + spent.children_system


def test_whole_builds(tiny_book: TinyBook) -> None:
    """Pages follow every change, stale pages go, and warm builds are quick."""
    tiny_book.write("utils/__init__.py", "VALUE = 'first value'\n")
    tiny_book.chapter("one", "import utils; print(utils.VALUE)")
    tiny_book.chapter("two", "print('second chapter')")
    cold = tiny_book.build()
    assert cold.status == 0, cold.text
    assert set(cold.ran) == {"one", "two"}
    page = tiny_book.root / "_build" / "html" / "index.html"
    assert str(page) in cold.text
    assert page.as_uri() in cold.text
    assert "%20" in page.as_uri()
    assert "first value" in tiny_book.html("chapters/one")

    before = cpu_seconds_of_commands()
    warm = tiny_book.build()
    assert warm.status == 0, warm.text
    assert warm.ran == {}
    assert cpu_seconds_of_commands() - before < 15
    log = (tiny_book.root / "_build/sphinx.log").read_text("utf-8")
    assert "Executing notebook" not in log

    tiny_book.write("utils/__init__.py", "VALUE = 'changed value'\n")
    tiny_book.chapters.remove("two")
    tiny_book.contents()
    changed = tiny_book.build()
    assert changed.status == 0, changed.text
    assert set(changed.ran) == {"one"}
    assert "changed value" in tiny_book.html("chapters/one")
    assert not (tiny_book.root / "_build/html/chapters/two.html").exists()

    fresh = tiny_book.build("--fresh")
    assert fresh.status == 0
    assert fresh.ran == {"one": "asked for"}


def test_nothing_is_written_in_the_home_folder(tiny_book: TinyBook, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    tiny_book.chapter("one", "import matplotlib.pyplot as plt\nplt.figure();")
    clean = dict.fromkeys(
        ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR"), str(home)
    )
    answer = tiny_book.build(HOME=str(home), **clean)
    assert answer.status == 0, answer.text
    assert list(home.rglob("*")) == []


def test_ctrl_c_is_answered_in_a_sentence(tiny_book: TinyBook) -> None:
    """While modules are loaded, a kernel starts, a chapter runs, and while pages are made."""
    page = tiny_book.chapter("slow", "open('begun', 'w').close()", "import time; time.sleep(600)")
    begun, command = page.with_name("begun"), ("tools/book.py", "--no-notebooks")
    for when in (
        lambda _: (tiny_book.root / "_build").exists(),
        lambda text: "(new cells)" in text,
        lambda _: begun.exists(),
    ):
        begun.unlink(missing_ok=True)
        check_interrupted(tiny_book.interrupt(when, *command))
    tiny_book.chapter("slow", "print(6 * 7)")
    check_interrupted(tiny_book.interrupt(lambda text: "Pages:" in text, *command))
    assert tiny_book.build().status == 0


def check_interrupted(answer: Answer) -> None:
    assert answer.status == 130, answer.text
    assert answer.text.endswith("\nInterrupted. Run the same command again to finish.\n")
    assert "Traceback" not in answer.text
