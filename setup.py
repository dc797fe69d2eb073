"""Install `utils` under a name that clashes with nobody's, `inception_course`.

pyproject.toml has everything else, also that `utils` is there as one file (tools/installed).
"""

from setuptools import find_packages, setup

rooms = find_packages(include=["utils", "utils.*"])
setup(packages=["inception_course" + room.removeprefix("utils") for room in rooms])
