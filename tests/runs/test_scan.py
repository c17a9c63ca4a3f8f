"""A scanned sweep says what `sweep` says, and makes no more of it than is asked for."""

import multiprocessing
import pickle
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llmsweep as ls
from llmsweep.api import compile_sweep
from llmsweep.predicate import push_down
from support import large_sweep, plain

SPEC: dict[str, Any] = {
    "schema": 1,
    "phase": "inference",
    "axes": {
        "model": "llama3.1-8b",
        "accelerator": ["h100-sxm-80", "l40s"],
        "precision": ["bf16", "fp8"],
        "tensor_parallel": [1, 2, 3],
        "concurrency": {"geometric": [1, 64, 2]},
        "input_tokens": [512, 4096],
    },
    "workload": {"output_tokens": 128},
    "constraints": {"ttft_s": {"max": 1.0}},
}
WHOLE = {keep: ls.sweep(SPEC, keep=keep) for keep in ("all", "feasible")}
NAMES = list(WHOLE["all"].columns)

col = pl.col
PUSHED = [
    col("ttft_s") < 0.05,
    col("tpot_s") >= 0.004,
    pl.lit(0.004) < col("tpot_s"),
    col("concurrency") == 4,
    col("concurrency").is_in([1, 2, 64]),
    col("concurrency").is_between(2, 16),
    col("ttft_s").is_between(0.01, 0.1, closed="none"),
    col("precision") == "fp8",
    col("precision").is_in(["fp8", "fp4"]),
    (col("concurrency") == 1) | (col("concurrency") == 8),
    col("feasible"),
    ~col("feasible"),
    col("row_id") < 50,
]
OTHERS = [
    col("precision") != "fp8",
    ~(col("ttft_s") < 0.05),
    (col("ttft_s") < 0.05) | (col("precision") == "fp8"),
    col("accelerator").cast(pl.String).str.starts_with("h"),
    col("tpot_s") * col("concurrency") < 0.1,
    col("reject").is_null(),
    col("usd_per_million_tokens").is_not_null(),
    col("input_tokens") == col("concurrency") * 8,
    pl.lit(value=True),
]
PREDICATES = st.lists(st.sampled_from([*PUSHED, *OTHERS]), max_size=3)


def both(keep: str, lazy: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    return lazy, WHOLE[keep].lazy()


@settings(max_examples=120)
@given(
    keep=st.sampled_from(["all", "feasible"]),
    predicates=PREDICATES,
    names=st.one_of(st.none(), st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=5)),
    head=st.one_of(st.none(), st.integers(0, 30)),
    engine=st.sampled_from(["in-memory", "streaming"]),
)
def test_any_query_is_that_of_the_frame(
    keep: Any, predicates: Sequence[pl.Expr], names: list[str] | None, head: int | None, engine: Any
) -> None:
    def asked(lazy: pl.LazyFrame) -> pl.DataFrame:
        for predicate in predicates:
            lazy = lazy.filter(predicate)
        lazy = lazy if names is None else lazy.select(names)
        return (lazy if head is None else lazy.head(head)).collect(engine=engine)

    assert asked(ls.scan(SPEC, keep=keep)).equals(asked(WHOLE[keep].lazy()))


@pytest.mark.parametrize("predicate", PUSHED, ids=str)
def test_comparisons_with_constants_reach_the_core(predicate: pl.Expr) -> None:
    pushed = push_down(predicate, WHOLE["all"].schema)
    assert pushed.whole
    assert pushed.filters


@pytest.mark.parametrize("predicate", OTHERS, ids=str)
def test_others_are_left_to_polars(predicate: pl.Expr) -> None:
    assert not push_down(predicate, WHOLE["all"].schema).whole


def test_rows_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    numbers = ls.scan(large_sweep(tmp_path, 1_000_000), keep="all").select("row_id").collect()["row_id"]
    assert numbers.len() > 1_000_000
    assert numbers.equals(pl.Series("row_id", range(numbers.len()), dtype=numbers.dtype))


class Spy:
    """A compiled sweep that remembers what it was asked for."""

    def __init__(self, sweep: Any, asked: list[Any]) -> None:
        self.sweep = sweep
        self.asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sweep, name)

    def narrow(self, **options: Any) -> Any:
        if options == {"stop": 0}:
            return self.sweep.narrow(stop=0)  # no rows, only to see what is wrong
        self.asked.append(options["filters"])
        return Spy(self.sweep.narrow(**options), self.asked)

    def stream(self, keep: str, columns: list[str], **options: Any) -> Any:
        self.asked.append(columns)
        return self.sweep.stream(keep, columns, **options)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen: list[Any] = []
    module = sys.modules["llmsweep.scan"]
    compile_sweep = module.compile_sweep
    monkeypatch.setattr(module, "compile_sweep", lambda *args: Spy(compile_sweep(*args), seen))
    return seen


def test_only_the_columns_of_the_query_are_computed(asked: list[Any]) -> None:
    ls.scan(SPEC).select(col("tpot_s").mean(), col("concurrency").max()).collect()
    assert [sorted(names) for names in asked] == [["concurrency", "tpot_s"]]
    asked.clear()
    ls.scan(SPEC).filter(col("precision") == "fp8", col("ttft_s") < 0.5).select("tpot_s").collect()
    filters, names = asked
    assert sorted(filters) == [("precision", "in", ["fp8"]), ("ttft_s", "<", [0.5])]
    assert set(names) <= {"tpot_s", "precision", "ttft_s"}


def test_sql(asked: list[Any]) -> None:
    with pl.SQLContext(sweep=ls.scan(SPEC), eager=True) as context:
        found = context.execute(
            "SELECT accelerator, MIN(tpot_s) AS best FROM sweep WHERE precision = 'fp8' AND concurrency IN (1, 2) "
            "AND ttft_s BETWEEN 0.01 AND 0.5 GROUP BY accelerator ORDER BY best"
        )
    rows = WHOLE["feasible"].filter(
        col("precision") == "fp8", col("concurrency").is_in([1, 2]), col("ttft_s").is_between(0.01, 0.5)
    )
    right = rows.group_by("accelerator").agg(col("tpot_s").min().alias("best")).sort("best")
    assert found.height == 2
    assert plain(found).equals(plain(right))
    assert {name for name, _, _ in asked[0]} == {"precision", "concurrency", "ttft_s"}
    assert len(asked[1]) <= 5


def test_sinks(tmp_path: Path) -> None:
    ls.scan(SPEC).select("row_id", "accelerator", "tpot_s").sink_parquet(tmp_path / "rows.parquet")
    rows = pl.read_parquet(tmp_path / "rows.parquet")
    assert plain(rows).equals(plain(WHOLE["feasible"].select("row_id", "accelerator", "tpot_s")))


def core_threads() -> int:
    """Threads that make batches just now."""
    names = (path.read_text() for path in Path("/proc/self/task").glob("*/comm"))
    return sum(name.startswith("llmsweep-stream"[:15]) for name in names)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads in /proc")
@pytest.mark.parametrize("by", ["head", "stream", "error"])
def test_work_stops_with_its_reader(tmp_path: Path, by: str) -> None:
    # The whole would take minutes.
    sweep = large_sweep(tmp_path, 2_000_000_000)
    begun = time.monotonic()
    if by == "head":
        assert ls.scan(sweep).select("row_id", "tpot_s").head(10).collect().height == 10
    elif by == "stream":
        frames = iter(ls.stream(sweep, columns=["row_id"]))
        assert next(frames).height
        del frames
    else:
        lazy = ls.scan(sweep).select(col("tpot_s").map_batches(lambda _: 1 / 0))
        with pytest.raises((ZeroDivisionError, pl.exceptions.PolarsError)):
            lazy.head(10).collect()
    while core_threads():
        assert time.monotonic() - begun < 20
        time.sleep(0.01)


def test_two_scans_at_once() -> None:
    lazy = ls.scan(SPEC)
    joined = lazy.join(ls.scan(SPEC, keep="all").filter("feasible"), on="row_id").select("row_id").collect()
    assert sorted(joined["row_id"]) == WHOLE["feasible"]["row_id"].to_list()
    first, second = pl.collect_all([lazy.select("row_id"), lazy.select("tpot_s")])
    assert first.height == second.height == WHOLE["feasible"].height
    results: list[pl.DataFrame] = []
    threads = [threading.Thread(target=lambda: results.append(lazy.collect())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 4
    assert all(result.equals(WHOLE["feasible"]) for result in results)


def height_of(spec: dict[str, Any], answers: Any) -> None:
    answers.put(sum(frame.height for frame in ls.stream(spec, columns=["row_id"])))


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork:RuntimeWarning")
def test_fork_after_use() -> None:
    ls.scan(SPEC).select("row_id").collect()
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=height_of, args=(SPEC, answers))
    process.start()
    assert answers.get(timeout=60) == WHOLE["feasible"].height
    process.join(60)
    assert process.exitcode == 0


def test_explain_names_the_source() -> None:
    plan = ls.scan(SPEC).filter(col("ttft_s") < 0.5).select("tpot_s").explain()
    assert "llmsweep" in plan.lower()
    assert "ttft_s" in plan


def test_a_lazy_frame_of_a_sweep_stays_in_its_process() -> None:
    with pytest.raises((TypeError, pl.exceptions.PolarsError, AttributeError)):
        pickle.dumps(ls.scan(SPEC))


def test_duckdb_reads_a_stream() -> None:
    rows = ls.stream(SPEC, columns=["accelerator", "precision", "tpot_s", "feasible"])
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        found = connection.sql(
            "SELECT accelerator, count(*), min(tpot_s) FROM rows WHERE precision = 'fp8' GROUP BY ALL ORDER BY 1"
        ).fetchall()
        again = connection.sql("SELECT count(*) FROM rows").fetchall()
    right = WHOLE["feasible"].filter(col("precision") == "fp8").group_by(col("accelerator").cast(pl.String))
    assert found == right.agg(pl.len(), col("tpot_s").min()).sort("accelerator").rows()
    assert len(found) == 2
    assert again == [(WHOLE["feasible"].height,)]


def test_a_stream_is_made_anew_for_each_reader() -> None:
    rows = ls.stream(SPEC, columns=["row_id", "accelerator"])
    right = WHOLE["feasible"].select("row_id", "accelerator")
    for _ in range(2):
        frame = pl.DataFrame(rows)
        assert plain(frame.cast({pl.Categorical: pl.String})).equals(plain(right))
        assert pl.concat(rows).equals(right)


def test_batches_of_the_core_are_read_once() -> None:
    batches = compile_sweep(SPEC).stream("feasible", ["row_id"])
    assert pl.DataFrame(batches).height == WHOLE["feasible"].height
    with pytest.raises(ls.DataError, match="read already"):
        pl.DataFrame(batches)
    assert list(batches) == []


def test_wrong_columns_and_sweeps_are_refused_at_once() -> None:
    with pytest.raises(ls.SpecError, match="did you mean"):
        ls.stream(SPEC, columns=["tpot"])
    with pytest.raises(ls.SpecError, match="phase"):
        ls.scan({"schema": 1})
    with pytest.raises(ls.SpecError, match="keep"):
        ls.scan(SPEC, keep="front")  # type: ignore[arg-type]
    with pytest.raises(ls.SpecError, match="keep"):
        ls.stream(SPEC, keep="front")  # type: ignore[arg-type]
