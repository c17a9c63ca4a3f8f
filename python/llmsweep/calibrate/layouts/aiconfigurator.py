"""What the tables of aiconfigurator share: names of systems and formats, and which kernel is an engine's main one."""

import polars as pl

SOURCES = ("aiconfigurator",)

ACCELERATORS = {
    "a100_sxm": "a100-sxm-80",
    "h100_sxm": "h100-sxm-80",
    "h200_sxm": "h200-sxm-141",
    "b200_sxm": "b200-sxm",
    "b300_sxm": "b300-sxm",
    "gb200": "gb200-nvl72",
    "gb300": "gb300-nvl72",
    "l40s": "l40s",
    "rtx_pro_6000_server": "rtx-pro-6000-bw-server",
    "b60": "arc-pro-b60",
}
PRECISIONS = {"bfloat16": "bf16", "float16": "bf16", "fp8": "fp8"}

# A newer release counts as soon as it has this share of the rows of the one with most.
ENOUGH = 0.1


def accelerator(column: str = "system") -> pl.Expr:
    """Ids of the catalogue; a system that is not known keeps its name, so that a sentence can say it."""
    return pl.col(column).replace(ACCELERATORS).alias("accelerator")


def precision(column: str) -> pl.Expr:
    """Names of the project's precisions."""
    return pl.col(column).replace(PRECISIONS).alias("precision")


def seconds(column: str = "latency_ms") -> pl.Expr:
    """Time of one kernel."""
    return (pl.col(column) * 1e-3).alias("latency_s")


def release(column: str = "backend_version") -> pl.Expr:
    """Major and minor number of a release as one that grows.

    Example:
        >>> pl.DataFrame({"backend_version": ["0.24.0", "1.3.0rc20"]}).select(release()).to_series().to_list()
        [24, 1003]
    """
    parts = pl.col(column).str.extract_groups(r"^(\d+)\.(\d+)")
    return parts.struct.field("1").cast(pl.Int64) * 1000 + parts.struct.field("2").cast(pl.Int64)


def main_kernels(frame: pl.DataFrame, key: list[str]) -> tuple[pl.DataFrame, list[str]]:
    """The rows of each key's main kernel: of the newest release with enough rows the kernel with most."""
    kernel = ["kernel_source", "backend_version"]
    counted = frame.group_by(*key, *kernel).len()
    enough = counted.filter(pl.col("len") >= ENOUGH * pl.col("len").max().over(key))
    newest = enough.sort(release(), "len", "kernel_source", descending=[True, True, False])
    main = newest.unique(key, keep="first").select(*key, *kernel)
    kept = frame.join(main, on=[*key, *kernel], how="semi")
    rest = frame.join(main, on=[*key, *kernel], how="anti")
    return kept, left_out(rest, "of older releases or of kernels that are not their engine's main one", kernel)


def split(
    frame: pl.DataFrame, keep: pl.Expr, reason: str, by: list[str] | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """The rows that are kept, and a sentence on the others."""
    keep = keep.fill_null(value=False)
    return frame.filter(keep), left_out(frame.filter(~keep), reason, by or [])


def left_out(rows: pl.DataFrame, reason: str, by: list[str]) -> list[str]:
    """A sentence on rows that are not used; `by` are columns whose values it names."""
    if rows.is_empty():
        return []
    named = rows.select(pl.concat_str(by, separator=" ")).to_series().unique().sort().to_list() if by else []
    count = f"{rows.height:,} row{'' if rows.height == 1 else 's'}"
    return [f"{count} {reason}" + (f" ({', '.join(named)})" if named else "")]
