"""What is timed: shapes of models from 1 to 400 billion parameters, one token to a long prompt."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product

from llmsweep.calibrate.measure.case import Case

# Columns and depth of matrices: projections and feed-forward layers of widths 2,048 to 16,384, and parts of them.
MATRICES = (
    *((2048, 2048), (8192, 2048), (4096, 4096), (6144, 4096), (14336, 4096), (28672, 4096), (4096, 14336)),
    *((8192, 8192), (10240, 8192), (57344, 8192), (8192, 28672), (2560, 8192), (8192, 7168), (1024, 8192)),
    *((16384, 16384), (53248, 16384), (5120, 5120), (7168, 2048), (2048, 7168), (128256, 4096)),
)
TOKENS = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192, 16384)
# Query heads, key-value heads, values per head.
HEADS = ((32, 8, 128), (64, 8, 128), (16, 2, 128), (8, 1, 128), (32, 32, 128), (32, 8, 64), (16, 8, 256))
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
PROMPTS = (128, 256, 512, 1024, 2048, 4096, 8192, 16384)
CONTEXTS = (128, 512, 1024, 2048, 4096, 8192, 16384, 32768)
# Tokens of a batch of prompts beyond these take long and say nothing new.
MOST_PROMPT_TOKENS = 65_536
PASSES = tuple(2**power for power in range(12, 32))
MESSAGES = tuple(2**power for power in range(10, 31))
QUICK = 3

COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "all_to_all")


def gemm(formats: Sequence[str], every: int) -> Iterator[Case]:
    """Dense matrices times activations."""
    for precision, (n, k), m in product(formats, MATRICES[::every], TOKENS[::every]):
        yield Case("gemm", precision, {"m": m, "n": n, "k": k})


def prefill_attention(_: Sequence[str], every: int) -> Iterator[Case]:
    """Causal attention of whole prompts."""
    for (heads, kv_heads, head_dim), batch, sequence in product(HEADS, BATCHES[::every], PROMPTS[::every]):
        if batch * sequence <= MOST_PROMPT_TOKENS:
            shape = {"heads": heads, "kv_heads": kv_heads, "head_dim": head_dim}
            yield Case("prefill_attention", "bf16", {"batch": batch, "sequence": sequence, **shape})


def decode_attention(_: Sequence[str], every: int) -> Iterator[Case]:
    """Attention of one new token per sequence to its cache."""
    for (heads, kv_heads, head_dim), batch, context in product(HEADS, BATCHES[::every], CONTEXTS[::every]):
        shape = {"heads": heads, "kv_heads": kv_heads, "head_dim": head_dim}
        yield Case("decode_attention", "bf16", {"batch": batch, "context": context, **shape})


def elementwise(_: Sequence[str], every: int) -> Iterator[Case]:
    """Passes over memory."""
    for size in PASSES[::every]:
        yield Case("elementwise", "bf16", {"bytes": size})


KERNELS: dict[str, Callable[[Sequence[str], int], Iterator[Case]]] = {
    "gemm": gemm,
    "prefill_attention": prefill_attention,
    "decode_attention": decode_attention,
    "elementwise": elementwise,
}
FAMILIES = (*KERNELS, *COLLECTIVES)


def cases(families: Sequence[str], formats: Sequence[str], *, quick: bool) -> list[Case]:
    """The kernels of these families, in order; ``quick`` takes every third size of each kind."""
    every = QUICK if quick else 1
    return [case for name in families if name in KERNELS for case in KERNELS[name](formats, every)]


def messages(families: Sequence[str], ranks: int, *, quick: bool) -> list[Case]:
    """The collectives of these families between so many ranks."""
    sizes = MESSAGES[:: QUICK if quick else 1]
    return [
        Case(name, "bf16", {"ranks": ranks, "bytes": size})
        for name in families
        if name in COLLECTIVES
        for size in sizes
    ]
