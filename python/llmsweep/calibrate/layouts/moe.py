"""Layers of experts of aiconfigurator: of each engine the kernel that runs most models."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator
from llmsweep.calibrate.layouts.aiconfigurator import SOURCES, split
from llmsweep.calibrate.layouts.routing import power_law

__all__ = ["COLUMNS", "SOURCES", "canonical"]

COLUMNS = frozenset(
    {
        "system",
        "backend",
        "backend_version",
        "kernel_source",
        "moe_dtype",
        "num_tokens",
        "hidden_size",
        "inter_size",
        "topk",
        "num_experts",
        "moe_tp_size",
        "moe_ep_size",
        "distribution",
        "latency_ms",
    }
)

PRECISIONS = {"int4_wo": "w4a16", "w4a8_mxfp4_mxfp8": "mxfp4"}
# 4-bit weights with block exponents in 16-bit arithmetic, 4-bit integers in 8-bit arithmetic.
WITHOUT_NAME = ("w4a16_mxfp4", "w4afp8")
EXPANDED = (pl.col("system") == "b60") & (pl.col("moe_dtype") == "fp8")

SHAPE = ["hidden_size", "inter_size", "topk", "num_experts"]
# Nemotron 3's experts have a squared ReLU and no gate; its larger ones also run on a narrower latent token.
NOT_GATED = [
    (2688, 1856, 6, 128),
    (4096, 2688, 22, 512),
    (1024, 2688, 22, 512),
    (8192, 5120, 22, 512),
    (2048, 5120, 22, 512),
]
# Older releases were timed with a gate all the same: where weights bound, on every system they take 1.5 times as long
# as newer ones, which read two matrices at nine tenths of the bandwidth.
GATED_ALL_THE_SAME = (pl.col("kernel_source") == "vllm_fused_moe") | (
    (pl.col("backend") == "sglang") & pl.col("backend_version").str.contains(r"^0\.5\.(\d|10)(\D|$)")
)
# One kernel under several names: with and without a gate, or with another activation function.
SAME_KERNEL = {"_nongated": "_cutlass", "_situ_as_silu": ""}
KEY = ["system", "backend", "moe_dtype"]
ROUTING = ["num_tokens", "num_experts", "topk", "moe_ep_size", "distribution"]


def canonical(frame: pl.DataFrame, stem: str) -> tuple[pl.DataFrame, list[str]]:  # noqa: ARG001 - a column says the system
    """The canonical table, and sentences on what was left out."""
    named = ~pl.col("moe_dtype").is_in(WITHOUT_NAME)
    frame, nameless = split(frame, named, "of formats that have no name here", ["moe_dtype"])
    known = pl.col("distribution").str.contains(r"^(balanced|power_law_[0-9.]+)$")
    frame, unknown = split(frame, known, "of distributions that are not known", ["distribution"])
    small = pl.col("kernel_source").str.contains("min_latency")
    frame, special = split(frame, ~small, "of kernels for few tokens only", ["kernel_source"])
    frame, uneven = split(
        frame, pl.col("num_experts") % pl.col("moe_ep_size") == 0, "whose experts don't divide evenly among ranks"
    )
    frame = frame.with_columns(pl.col("kernel_source").str.replace_many(SAME_KERNEL))
    frame, others = aiconfigurator.main_kernels(frame, KEY)
    frame = frame.join(_routing(frame), on=ROUTING, how="left")
    gates = pl.DataFrame(NOT_GATED, schema=SHAPE, orient="row").with_columns(pl.lit(0.0).alias("gated"))
    frame = frame.join(gates, on=SHAPE, how="left")
    precision = pl.when(EXPANDED).then(pl.lit("w8a16")).otherwise(pl.col("moe_dtype").replace(PRECISIONS))
    table = frame.with_columns(precision.alias("format")).select(
        pl.lit("grouped_gemm").alias("family"),
        aiconfigurator.accelerator(),
        aiconfigurator.precision("format"),
        pl.col("backend").alias("engine"),
        pl.col("kernel_source").alias("kernel"),
        aiconfigurator.seconds(),
        pl.col("num_tokens").alias("tokens"),
        pl.col("hidden_size").alias("hidden"),
        (pl.col("inter_size") / pl.col("moe_tp_size")).alias("intermediate"),
        pl.col("topk").alias("top_k"),
        pl.col("num_experts").alias("experts"),
        pl.col("moe_ep_size").alias("expert_parallel"),
        pl.when(GATED_ALL_THE_SAME).then(1.0).otherwise(pl.col("gated").fill_null(1.0)).alias("gated"),
        pl.col("hottest"),
        pl.col("active"),
    )
    return table, [*nameless, *unknown, *special, *uneven, *others]


def _routing(frame: pl.DataFrame) -> pl.DataFrame:
    """What each distribution means for the busiest rank; an even one leaves it to the law."""
    cases = frame.select(ROUTING).unique()
    busiest = [
        (1.0, 0.0)
        if distribution == "balanced"
        else power_law(tokens, experts, top_k, ranks, float(distribution.removeprefix("power_law_")))
        for tokens, experts, top_k, ranks, distribution in cases.iter_rows()
    ]
    return cases.with_columns(
        pl.Series("hottest", [hottest for hottest, _ in busiest], pl.Float64),
        pl.Series("active", [active for _, active in busiest], pl.Float64),
    )
