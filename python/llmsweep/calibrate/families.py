"""Families of kernels as the core knows them: inputs, coefficients, and which shapes are held out together."""

import json
from dataclasses import dataclass
from functools import cache

# All engines' kernels pooled: of each shape one time, the fastest or the median.
ANY = "any"

# Shapes that are held out together, so that an error is one of kernels that the fit did not see; of other families,
# each combination of inputs is held out on its own.
HELD_OUT_TOGETHER = {
    "gemm": ("n", "k"),
    "quantise": ("k",),
    "grouped_gemm": ("hidden", "intermediate", "top_k", "experts"),
    "prefill_attention": ("batch", "heads", "kv_heads", "head_dim"),
    "decode_attention": ("batch", "heads", "kv_heads", "head_dim"),
    "latent_prefill": ("batch", "heads"),
    "latent_decode": ("batch", "heads"),
}

# Of these, the pool of all engines takes the fastest of each shape: engines share libraries and tune, and some timing
# loops hold work of the host. Kernels of attention differ more: their fastest changes from shape to shape, which no
# law follows as well as the median.
FASTEST = ("gemm", "grouped_gemm")

# Where rows have one of these inputs, every other of its values is held out, so that an error is one of sizes between
# those that the fit saw.
SIZES = {
    **dict.fromkeys(("all_reduce", "all_gather", "reduce_scatter", "all_to_all", "engine_all_reduce"), "bytes"),
    **dict.fromkeys(("dispatch", "combine"), "tokens"),
}


@dataclass(frozen=True)
class Coefficient:
    """A number that a fit finds, and its bounds."""

    name: str
    doc: str
    low: float
    start: float
    high: float


@dataclass(frozen=True)
class Family:
    """A law: what describes a kernel, and what a fit finds."""

    name: str
    doc: str
    inputs: tuple[str, ...]
    coefficients: tuple[Coefficient, ...]

    @property
    def held_out_together(self) -> tuple[str, ...]:
        """The inputs by whose values rows are held out."""
        wanted = HELD_OUT_TOGETHER.get(self.name, self.inputs)
        return tuple(name for name in wanted if name in self.inputs) or self.inputs

    @property
    def size(self) -> str | None:
        """The input of which every other value is held out, if there is one."""
        return SIZES.get(self.name)

    @property
    def is_pooled(self) -> bool:
        """Whether engines share a law: their kernels do the same, but their collectives are different algorithms."""
        return "ranks" not in self.inputs

    @property
    def pools_fastest(self) -> bool:
        """Whether the pool is what the best of the engines' kernels reaches, not the one in the middle."""
        return self.name in FASTEST

    @property
    def starts(self) -> tuple[float, ...]:
        """Physical defaults."""
        return tuple(coefficient.start for coefficient in self.coefficients)


@cache
def families() -> dict[str, Family]:
    """Every family of the core, by name.

    Example:
        >>> families()["elementwise"].inputs
        ('bytes',)
    """
    from llmsweep import _core

    return {
        entry["name"]: Family(
            entry["name"],
            entry["doc"],
            tuple(item["name"] for item in entry["inputs"]),
            tuple(Coefficient(**item) for item in entry["coefficients"]),
        )
        for entry in json.loads(_core.laws())["families"]
    }


@cache
def engines() -> tuple[str, ...]:
    """Software to whose kernels laws are fitted; the first is all of them pooled."""
    from llmsweep import _core

    return tuple(json.loads(_core.laws())["engines"])


@cache
def precisions() -> tuple[str, ...]:
    """Formats of weights and of the key-value cache."""
    from llmsweep.registries import registry

    known = [entry["name"] for entry in (*registry()["precisions"], *registry()["kv_precisions"])]
    return tuple(dict.fromkeys(known))
