"""Layouts of one model against each other: what a search over layouts depends on."""

import tomllib

import polars as pl

from llmsweep.validate import validate
from support import ROOT

FILE = ROOT / "tests" / "validation" / "bloom_layouts.toml"
LAYOUT = ("tp", "pp", "micro_batch", "global_batch", "zero_stage", "iter_s")


def layouts() -> pl.DataFrame:
    """The published layouts as rows that `validate` reads."""
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    common = {
        "source": document["source"],
        "vocab": 250_880,
        "seq_len": 2048,
        "heads": 64,
        "kv_heads": 64,
        "gated_mlp": "n",
        "n_devices": 384,
        "devices_per_node": 8,
        "recompute": "full",
        "framework": "Megatron-DeepSpeed",
        "framework_id": "megatron-deepspeed",
        "date": "2022-02",
        "accelerator_id": "a100-sxm-80",
        "node_network_gbytes_per_s": 50.0,
        "scorable": True,
    }
    rows = []
    for model in document["model"]:
        for layout in model["layouts"]:
            shape = {name: value for name, value in model.items() if name != "layouts"}
            identity = {"id": f"{model['model']}-{'-'.join(str(number) for number in layout[:5])}"}
            rows.append({**identity, **common, **shape, **dict(zip(LAYOUT, layout[:6], strict=True))})
    return pl.DataFrame(rows)


def test_published_layouts_come_out_in_their_order() -> None:
    """22 layouts of the 181B prototype span 110 to 145 s: a rank correlation of 0.802, of all 28 layouts 0.882.

    Prototypes with another number of heads are left out: with those of 16 to 256 heads the rank is 0.70, for what heads
    of 56 to 896 channels cost in kernels of 2022 is not in the timings that the laws are fitted to.
    """
    frame = layouts()
    assert frame.height == 28
    rows = validate(frame)
    assert rows["called_infeasible"].null_count() == rows.height
    # 3.7 % at the median and 12.3 % at most are reached; none was fitted to a single layout.
    error = (pl.col("predicted") / pl.col("measured") - 1).abs()
    median, most = rows.select(error.median().alias("median"), error.max().alias("most")).row(0)
    assert median < 0.05
    assert most < 0.15
    one = rows.filter(pl.col("id").str.starts_with("bloom-proto-181B"))
    assert one.height == 22
    assert rank(one) >= 0.8
    assert rank(rows) >= 0.85


def rank(rows: pl.DataFrame) -> float:
    """Spearman's correlation of measured and predicted steps."""
    value: float = rows.select(pl.corr("measured", "predicted", method="spearman")).item()
    return value


def test_the_layout_that_bloom_was_trained_in_comes_out_best_of_its_prototypes() -> None:
    """t 4, p 12, micro-batches of 2 (Le Scao et al. 2022, arXiv:2211.05100): the fastest of the three published."""
    rows = validate(layouts().filter(pl.col("model") == "bloom-proto-176B"))
    assert rows.height == 3
    fastest = rows.sort("predicted")["id"][0]
    assert fastest == rows.sort("measured")["id"][0] == "bloom-proto-176B-4-12-2-2048-1"
