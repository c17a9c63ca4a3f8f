"""What tables of expert exchanges share: dispatch and combine, as the project's laws describe them."""

import polars as pl

from llmsweep.calibrate.layouts import aiconfigurator

# Devices of one host, which is the domain of one node in these tables.
HOST_DEVICES = {"gb200": 4, "gb300": 4}
USUAL_HOST_DEVICES = 8
# A value in 8 bits, with a scale of 4 bytes to 128 values.
EIGHT_BITS = 1.0 + 4.0 / 128.0
SIXTEEN_BITS = 2.0


def ranks(nodes: str = "node_num") -> pl.Expr:
    """Devices that share the experts."""
    devices = pl.col("system").replace_strict(HOST_DEVICES, default=USUAL_HOST_DEVICES, return_dtype=pl.Int64)
    return (devices * pl.col(nodes)).cast(pl.Float64).alias("ranks")


def number(column: str, name: str) -> pl.Expr:
    """A column as the input of this name."""
    return pl.col(column).cast(pl.Float64).alias(name)


def constant(value: float, name: str) -> pl.Expr:
    """An input that all rows share."""
    return pl.lit(value, pl.Float64).alias(name)


def deepep(frame: pl.DataFrame, engine: str, microseconds: str, *, copy_per_expert: bool) -> pl.DataFrame:
    """Both directions of one sort of DeepEP's kernels: tokens go in 8 bits and come back in 16.

    ``microseconds`` is the ending of the columns of times, after the direction.
    """
    return pl.concat(
        frame.select(
            pl.lit(family).alias("family"),
            aiconfigurator.accelerator(),
            pl.lit("bf16").alias("precision"),
            pl.lit(engine).alias("engine"),
            (pl.col(f"{family}{microseconds}") * 1e-6).alias("latency_s"),
            number("num_token", "tokens"),
            number("hidden_size", "hidden"),
            number("num_topk", "top_k"),
            number("num_experts", "experts"),
            ranks(),
            number("node_num", "nodes"),
            constant(value_bytes, "value_bytes"),
            constant(float(copy_per_expert), "copy_per_expert"),
        )
        for family, value_bytes in (("dispatch", EIGHT_BITS), ("combine", SIXTEEN_BITS))
    )
