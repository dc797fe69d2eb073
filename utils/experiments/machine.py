"""On what a run was made: kind of machine, threads, versions. Nothing names anybody."""

import os
import platform
from typing import Any

import torch

from .. import __version__


def surroundings() -> dict[str, Any]:
    """Return on what a run is made, as the columns of a row."""
    return {
        "machine": machine(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "package": __version__,
    }


def machine() -> str:
    """Return the kind of machine, as "2 cores of AMD EPYC, bf16"; a GPU's name if there is one."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    known = getattr(torch.cpu, "get_capabilities", dict)()  # of later versions of PyTorch
    name = known.get("cpu_name") or platform.processor() or platform.machine()
    bf16 = ", bf16" if known.get("avx512_bf16") or known.get("bf16") else ""
    return f"{os.cpu_count()} cores of {name}{bf16}"
