"""Asks the core about cases, again with more memory or in the next format where a run that was measured is refused."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from llmsweep.api import evaluate
from llmsweep.registries import Phase, registry
from llmsweep.validate.defaults import WEIGHT_ONLY
from llmsweep.validate.models import Models

# What a run that was measured needs beyond what the core allows: the first step that suffices is taken.
MORE_MEMORY = (1.25, 1.6, 2.0, 4.0, 16.0)
MEMORY_REASONS = (
    "weights_do_not_fit",
    "optimizer_does_not_fit",
    "activations_do_not_fit",
    "cache_does_not_fit",
    "batch_does_not_fit",
    "prefill_does_not_fit",
)
# Columns that say why a case was not answered as it is.
SUBSTITUTES = ("called_infeasible", "substituted")
CHUNKS_WITH_ENDS = pl.col("model_layers") + 2 >= pl.col("pipeline_parallel") * pl.col("virtual_pipeline")
# Layouts that a published run had, but that the core's checks refuse: the nearest that they take is answered.
NEAREST: Mapping[str, Sequence[pl.Expr]] = {
    "precision_unsupported": (pl.col("precision").replace(WEIGHT_ONLY),),
    "virtual_pipeline_batches": (pl.lit(1, pl.Int64).alias("virtual_pipeline"),),
    # Embedding and head stand for a layer each in some recipes: 128 chunks for 126 layers. Else there are fewer chunks.
    "pipeline_too_deep": (
        CHUNKS_WITH_ENDS.alias("embedding_as_layers"),
        pl.when(CHUNKS_WITH_ENDS)
        .then(pl.col("virtual_pipeline"))
        .otherwise((pl.col("model_layers") // pl.col("pipeline_parallel")).clip(1))
        .alias("virtual_pipeline"),
    ),
    "virtual_pipeline_alone": (pl.lit(1, pl.Int64).alias("virtual_pipeline"),),
    "expert_parallel_dense": (pl.lit(1, pl.Int64).alias("expert_parallel"),),
}


@dataclass(frozen=True)
class Core:
    """The core with the catalogue that answers."""

    folders: tuple[Path, ...]
    models: Models

    def answer(self, cases: pl.DataFrame, phase: Phase, axes: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
        """The cases with the core's columns, and why a substitute was asked.

        ``called_infeasible`` is the reason why memory was raised, ``substituted`` that for which the nearest layout or
        format was taken; null where the case was answered as it is.
        """
        asked = cases.with_row_index("_row")
        rows = asked.filter(pl.col("refusal").is_null())
        if rows.is_empty():
            return nothing(cases, columns)
        with tempfile.TemporaryDirectory(prefix="llmsweep-") as folder:
            self.models.write(Path(folder))
            found = self._ask(rows, phase, axes, columns, (*self.folders, Path(folder)))
        answers = asked.drop("refusal").join(found, on="_row", how="left", maintain_order="left")
        return answers.with_columns(pl.coalesce(cases["refusal"], "refused").alias("refusal")).drop("_row", "refused")

    def _ask(
        self, rows: pl.DataFrame, phase: Phase, axes: Sequence[str], columns: Sequence[str], folders: Iterable[Path]
    ) -> pl.DataFrame:
        wanted = ["feasible", "reject", "provenance", *columns]
        folders = list(folders)

        def ask(setups: pl.DataFrame) -> pl.DataFrame:
            answers = evaluate(setups.select([*axes, "memory_scale"]), phase=phase, columns=wanted, catalog=folders)
            return pl.concat([setups.select("_row"), answers.cast({pl.Enum: pl.String})], how="horizontal")

        setups = rows.select("_row", "model_layers", *axes).with_columns(pl.lit(1.0).alias("memory_scale"))
        answers = ask(setups).with_columns(*(pl.lit(None, pl.String).alias(name) for name in SUBSTITUTES))
        for reason, changes in NEAREST.items():
            which = answers.filter(pl.col("reject") == reason).select(
                "_row", "called_infeasible", pl.coalesce("substituted", "reject").alias("substituted")
            )
            if which.height:
                setups = changed(setups, which, changes)
                answers = replaced(answers, ask(setups.join(which, on="_row", how="semi")), which)
        for scale in MORE_MEMORY:
            short = answers.filter(pl.col("reject").is_in(MEMORY_REASONS))
            which = short.select(
                "_row", "substituted", pl.coalesce("called_infeasible", "reject").alias("called_infeasible")
            )
            if which.height:
                setups = changed(setups, which, [pl.lit(scale).alias("memory_scale")])
                answers = replaced(answers, ask(setups.join(which, on="_row", how="semi")), which)
        return answers.with_columns(refused=pl.when(~pl.col("feasible")).then(sentence("reject"))).drop("reject")


def nothing(cases: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The cases with empty answers."""
    texts = [pl.lit(None, pl.String).alias(name) for name in ("provenance", *SUBSTITUTES)]
    return cases.with_columns(*texts, *(pl.lit(None, pl.Float64).alias(name) for name in columns))


def changed(setups: pl.DataFrame, which: pl.DataFrame, changes: Sequence[pl.Expr]) -> pl.DataFrame:
    """The setups, those of ``which`` with the changes."""
    mine = pl.col("_row").is_in(which["_row"].implode())
    names = [change.meta.output_name() for change in changes if change.meta.output_name() in setups.columns]
    kept = [change for change in changes if change.meta.output_name() in names]
    return setups.with_columns(
        pl.when(mine).then(change).otherwise(pl.col(name)).alias(name) for name, change in zip(names, kept, strict=True)
    )


def replaced(answers: pl.DataFrame, newer: pl.DataFrame, which: pl.DataFrame) -> pl.DataFrame:
    """The answers with newer ones in the place of those of ``which``."""
    newer = newer.join(which, on="_row", how="left", maintain_order="left").select(answers.columns)
    return pl.concat([answers.join(which, on="_row", how="anti"), newer], how="vertical_relaxed").sort("_row")


def sentence(column: str) -> pl.Expr:
    """A reject reason as the registry words it."""
    docs = {entry["name"]: entry["doc"].rstrip(".") for entry in registry()["rejects"]}
    return pl.col(column).replace_strict(docs, default=pl.col(column))
