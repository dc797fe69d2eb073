"""What a training runs on: the device, its precision, and the processes that share the work.

The same call of `train` under ``torchrun --nproc_per_node=2 script.py`` shares each batch among the
processes, each on an accelerator of its own or all on the CPU; only the first one reports and
writes. Without batch normalisation and dropout the weights are those of a single process, up to
rounding; batch normalisation sees each process' own share of the batch
(`torch.nn.SyncBatchNorm.convert_sync_batchnorm`, on GPUs, makes it see all).
"""

import atexit
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .recipe import Precision


@dataclass(frozen=True)
class Machine:
    """A device, and which process of how many this is; see `here`."""

    device: torch.device
    rank: int = 0
    world: int = 1

    def parallel(self, model: nn.Module) -> nn.Module:
        """Let the processes average their gradients, if there are several."""
        if self.world == 1:
            return model
        cuda = self.device.type == "cuda"
        return DistributedDataParallel(model, device_ids=[self.device.index] if cuda else None)

    def total(self, *numbers: float) -> list[float]:
        """Add each number up over all processes."""
        if self.world == 1:
            return list(numbers)
        sums = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        distributed.all_reduce(sums)
        return sums.tolist()

    def from_first(self, value: Any) -> Any:
        """Return what the first process gives here."""
        if self.world == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def share_buffers(self, model: nn.Module) -> None:
        """Give all processes the first one's batch statistics: each has seen its own images."""
        if self.world > 1:
            for buffer in model.buffers():
                distributed.broadcast(buffer, src=0)

    def fork_rng(self) -> AbstractContextManager:
        """Give the random numbers' state back at the end, as it was."""
        cuda = self.device.type == "cuda"
        return torch.random.fork_rng([self.device.index] if cuda else [])

    def autocast(self, precision: Precision, model: nn.Module) -> AbstractContextManager:
        """Compute in the precision that a recipe asks for."""
        half = self.precision(precision, model) == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    def conditions(self, wanted: Precision, model: nn.Module) -> dict[str, Any]:
        """Say what the last bits of a training depend on, beside its recipe."""
        return {
            "torch": torch.__version__,
            "device": self.device.type,
            "precision": self.precision(wanted, model),
            "processes": self.world,
            "threads": torch.get_num_threads(),
        }

    def precision(self, wanted: Precision, model: nn.Module) -> Precision:
        """Choose: bfloat16 where "auto" finds instructions for it and the network can use it."""
        if any(p.dtype == torch.float64 for p in model.parameters()):
            return "float32"  # that is, no autocast: it would leave the weights alone anyway
        if wanted != "auto":
            return wanted
        cpu = self.device.type == "cpu"
        if cpu and any(isinstance(m, nn.LocalResponseNorm) for m in model.modules()):
            return "float32"  # PyTorch has no other for this layer on a CPU
        return "bfloat16" if _has_bfloat16(self.device) else "float32"


def here(device: torch.device | str | None = None) -> Machine:
    """Find the device, by default an accelerator if there is one; join the others of ``torchrun``.

    Under ``torchrun`` the first call connects the processes (by NCCL on NVIDIA's devices, else by
    Gloo), and each takes the accelerator of its local number.

    Raises
    ------
    ValueError
        There is no such device here; the message lists those there are.
    """
    local = int(os.environ.get("LOCAL_RANK", 0))
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if device is None:
        device = torch.device("cpu") if accelerator is None else accelerator
    there = ["cpu"]
    if accelerator is not None:
        there += [f"{accelerator.type}:{i}" for i in range(torch.accelerator.device_count())]
    wrong = ValueError(
        f"there is no device {str(device)!r} that PyTorch can use here; there are "
        f"{', '.join(there)}."
    )
    try:
        device = torch.device(device)
    except RuntimeError as error:
        raise wrong from error
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", local)
    if device.type != "cpu" and f"{device.type}:{device.index or 0}" not in there:
        raise wrong
    if not distributed.is_available():
        return Machine(device)
    if distributed.is_torchelastic_launched() and not distributed.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(distributed.destroy_process_group)
    if not distributed.is_initialized():
        return Machine(device)
    return Machine(device, distributed.get_rank(), distributed.get_world_size())


def _has_bfloat16(device: torch.device) -> bool:
    """Tell whether bfloat16 is quick there, not only possible."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":  # PyTorch has no public question for this
        return getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return False


def to_device(images: Tensor, device: torch.device, like: nn.Module) -> Tensor:
    """Bring images to the network: its device, its dtype, channels last in memory."""
    dtype = next((p.dtype for p in like.parameters() if p.is_floating_point()), images.dtype)
    # Channels last is a question of speed alone: (N, C, H, W) stays the shape.
    ahead = device.type == "cuda"  # from pinned memory, the copy need not be waited for
    return images.to(device, dtype, non_blocking=ahead, memory_format=torch.channels_last)
