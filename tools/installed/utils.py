"""The course's package under the name that its chapters use: all of `inception_course`.

An installation has this file and the folder `inception_course`, no folder `utils`: another
package's would be overwritten. Where there is one, Python finds it before this file.
"""

import importlib.util
import sys
from pathlib import Path

start = importlib.util.find_spec("inception_course").origin
spec = importlib.util.spec_from_file_location(
    __name__, start, submodule_search_locations=[str(Path(start).parent)]
)
sys.modules[__name__] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
