"""Write the exercises of `utils.exercises` into the chapters that show them.

A chapter says where, between two comments::

    % exercises: one_by_one_reduction (...)
    % end of exercises

What stands between them is written from the exercise objects, so that page and check cannot
disagree. Run it after changing an exercise; `--check` only tells whether the pages are up to date.
"""

import argparse
import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"^(?P<start>% exercises: (?P<module>\w+)[^\n]*\n).*?(?P<end>^% end of exercises$)",
    re.MULTILINE | re.DOTALL,
)

SENTENCE = '\n\nbecause = "..."  # in a sentence: why this one?'


def blocks(module: str) -> str:
    """Return a module's exercises as MyST: statement, stub, check and help; then its challenge."""
    room = importlib.import_module(f"utils.exercises.{module}")
    label = module.replace("_", "-")
    written = [
        f"""\
:::{{exercise}} {exercise.title}
:label: {label}-{exercise.key}

{exercise.statement.strip()}
:::

```{{code-cell}} ipython3
{exercise.stub.strip()}{SENTENCE if exercise.sentence else ""}
```

```{{code-cell}} ipython3
ex.{exercise.key}.check({exercise.answer}{", because" if exercise.sentence else ""})
```

```{{code-cell}} ipython3
:tags: [remove-input]

ex.{exercise.key}.help()
```
"""
        for exercise in room.ALL
    ]
    if challenge := getattr(room, "challenge", None):
        written.append(
            f"""\
:::{{exercise}} Open challenge: {challenge.title}
:label: {label}-challenge

{challenge.statement.strip()}
:::

```{{code-cell}} ipython3
{challenge.stub.strip()}{SENTENCE}
```

```{{code-cell}} ipython3
ex.challenge.check({challenge.answer}, because)
```
"""
        )
    return "\n".join(written)


def written(text: str) -> str:
    """Return a chapter's text with every exercise block written anew."""
    return BLOCK.sub(lambda m: f"{m['start']}\n{blocks(m['module'])}\n{m['end']}", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if out of date")
    check = parser.parse_args().check
    sys.path.insert(0, str(ROOT))
    stale = []
    for page in sorted((ROOT / "chapters").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        new = written(text)
        if new != text:
            stale.append(page.relative_to(ROOT))
            if not check:
                page.write_text(new, encoding="utf-8")
    for page in stale:
        told = "are out of date: run python tools/exercises.py" if check else "written"
        print(f"{page}: exercises {told}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
