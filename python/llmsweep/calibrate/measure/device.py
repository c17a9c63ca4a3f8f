"""Which accelerator of the catalogue a device is, told from the name that its driver prints."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from llmsweep.errors import UnavailableError

# Words of drivers for what the catalogue names otherwise.
SAME = {"sxm4": "sxm", "sxm5": "sxm", "sxm6": "sxm", "hbm3": "sxm", "blackwell": "bw", "workstation": "ws"}
NOISE = {"nvidia", "amd", "intel", "geforce", "tesla", "instinct", "generation", "edition", "graphics", "hbm3e", "ac"}
# A device has a little less memory than its label.
SLACK = 0.15


def words(name: str) -> set[str]:
    """A device's name as words of the catalogue.

    >>> sorted(words("NVIDIA A100-SXM4-80GB")), sorted(words("NVIDIA RTX PRO 6000 Blackwell Server Edition"))
    (['80', 'a100', 'sxm'], ['6000', 'bw', 'pro', 'rtx', 'server'])
    """
    parts = re.split(r"[^a-z0-9]+", name.lower())
    plain = (SAME.get(part, part) for part in (re.sub(r"^(\d+)gb$", r"\1", part) for part in parts))
    return {part for part in plain if part and part not in NOISE}


def accelerator(name: str, memory_bytes: int, entries: Iterable[Mapping[str, Any]]) -> str:
    """The id of the entry whose words are nearest to the device's, with about its memory.

    Args:
        name: As the driver prints it.
        memory_bytes: What the driver says.
        entries: Accelerators of the catalogue, with `id` and `memory_bytes`.

    Raises:
        UnavailableError: None fits.

    Example:
        >>> chips = [{"id": "h100-pcie-80", "memory_bytes": 8.5e10}, {"id": "h100-sxm-80", "memory_bytes": 8.5e10}]
        >>> accelerator("NVIDIA H100 80GB HBM3", 84_000_000_000, chips)
        'h100-sxm-80'
    """
    wanted = words(name)
    numbered = {word for word in wanted if re.search(r"[a-z]\d|^\d{4}$", word)}
    scored = []
    for entry in entries:
        mine = words(entry["id"])
        near = abs(entry["memory_bytes"] / memory_bytes - 1) <= SLACK
        if near and numbered & mine == numbered and numbered:
            # Shared words count for it; its own that the driver does not print count a little against it.
            scored.append((len(wanted & mine) - 0.3 * len(mine - wanted), entry["id"]))
    if not scored:
        raise UnavailableError(
            f'"{name}" is no accelerator of the catalogue: name one with --accelerator, or add it to a catalogue folder'
        )
    return str(max(scored)[1])
