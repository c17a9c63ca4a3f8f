"""The numbers of the hardware that results are sensitive to."""

from collections.abc import Sequence
from dataclasses import dataclass

from llmsweep.errors import DataError
from llmsweep.names import near
from llmsweep.registries import Phase


@dataclass(frozen=True)
class HardwareNumber:
    """One number of the hardware.

    Attributes:
        name: What `llmsweep.sensitivity` calls it.
        axis: The axis that is a factor on it.
        is_speed: Whether it is work per second: the share of a time that answers to no speed is the software's.
        doc: What it is.
    """

    name: str
    axis: str
    is_speed: bool
    doc: str


NUMBERS = {
    number.name: number
    for number in (
        HardwareNumber("peak_flops", "peak_flops_scale", is_speed=True, doc="Peak FLOP/s of every format."),
        HardwareNumber("hbm_bandwidth", "hbm_bandwidth_scale", is_speed=True, doc="Bandwidth of the device's memory."),
        HardwareNumber("memory", "memory_scale", is_speed=False, doc="Size of the device's memory."),
        HardwareNumber(
            "scale_up_bandwidth", "scale_up_bandwidth_scale", is_speed=True, doc="Bandwidth of the links inside a node."
        ),
        HardwareNumber(
            "network_bandwidth", "network_bandwidth_scale", is_speed=True, doc="Bandwidth of the network between nodes."
        ),
        HardwareNumber("price", "price_scale", is_speed=False, doc="Rental of a device-hour."),
        HardwareNumber("power", "power_scale", is_speed=False, doc="Board power of a device."),
    )
}
SPEEDS = tuple(name for name, number in NUMBERS.items() if number.is_speed)

#: The time whose elasticities say what binds.
MAIN_TIME: dict[Phase, str] = {"training": "step_time_s", "inference": "e2e_s"}
#: Results that are asked for where none is named.
DEFAULT_RESULTS: dict[Phase, tuple[str, ...]] = {
    "training": ("step_time_s", "mfu", "time_to_train_s", "cost_usd", "energy_j"),
    "inference": ("ttft_s", "tpot_s", "e2e_s", "tokens_per_s", "usd_per_million_tokens", "j_per_token"),
}


def hardware_numbers(names: Sequence[str] | str | None) -> list[HardwareNumber]:
    """The numbers of these names, each once, or all.

    Raises:
        DataError: There is no such number; the sentence names the nearest.

    Example:
        >>> [number.axis for number in hardware_numbers("power")]
        ['power_scale']
    """
    if names is None:
        return list(NUMBERS.values())
    wanted = dict.fromkeys([names] if isinstance(names, str) else names)
    for name in wanted:
        if name not in NUMBERS:
            raise DataError(f'"{name}" is no number of the hardware{near(name, NUMBERS)}')
    return [NUMBERS[name] for name in wanted]
