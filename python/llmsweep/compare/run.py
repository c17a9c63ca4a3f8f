"""Training beside inference for one model."""

import json
from collections.abc import Iterable
from os import PathLike
from typing import Any

import polars as pl

from llmsweep.api import evaluate, open_catalog
from llmsweep.choice import Row
from llmsweep.compare import bill, communication, compute, durations, memory, utilisation
from llmsweep.compare.answers import Answers
from llmsweep.compare.lines import TRAINED, Comparison, Side
from llmsweep.compare.question import Question, serve, train

SECTIONS = (
    compute.section,
    memory.section,
    communication.section,
    durations.section,
    utilisation.section,
    bill.section,
)


def compare(
    model: str,
    *,
    train_on: str,
    serve_on: str,
    catalog: Iterable[str | PathLike[str]] = (),
    **options: Any,
) -> Comparison:
    """Training, fine-tuning (full, LoRA, QLoRA) and inference of one model, side by side.

    Each training side is the setup of fewest device-hours within its time limit, inference the one with most tokens per
    device within its promises, both found by a sweep over layouts. `llmsweep.compare.frame` makes a Polars frame of it.

    Args:
        model: Model of the catalogue.
        train_on: Accelerator of the training sides.
        serve_on: Accelerator of the inference side.
        catalog: Further catalogue folders.
        options: Further fields of `llmsweep.compare.question.Question`, such as ``train_devices`` or ``tokens``.

    Returns:
        The sides with their setups or the sentence why none will do, and lines with a cell for each side: value in SI
        units, formula, and the numbers put in.

    Raises:
        SpecError: There is no such model, accelerator, precision or value of an axis.
        TypeError: There is no such option.

    Example:
        The compute ratio is 3·D/T whatever the model: two trillion tokens against a request of 1,000.

        >>> import llmsweep as ls
        >>> both = ls.compare("llama2-70b", train_on="a100-sxm-80", serve_on="h100-sxm-80", tokens=2e12,
        ...                   input_tokens=900, output_tokens=100)
        >>> ratio = next(line for line in both["lines"] if line["name"] == "run over request")
        >>> round(ratio["cells"]["pretraining"]["value"] / 1e9, 3)
        6.0
    """
    question = Question(model=model, train_on=train_on, serve_on=serve_on, **options)
    question.check()
    folders = list(catalog)
    core = open_catalog(folders)
    entry = json.loads(core.show("models", model))
    hardware = {one: json.loads(core.show("accelerators", one)) for one in {train_on, serve_on}}
    sides: dict[str, Side] = {}
    for mode in TRAINED:
        asked, choice = train(question, mode, entry, folders)
        sides[mode] = {"question": asked, "phase": "training", "setup": plain(choice.row), "why_not": choice.why_not}
    asked, choice = serve(question, entry, folders)
    sides["inference"] = {
        "question": asked,
        "phase": "inference",
        "setup": plain(choice.row),
        "why_not": choice.why_not,
    }
    rows = {name: side["setup"] for name, side in sides.items() if side["setup"] is not None}
    answers = Answers(question, entry, hardware, rows, unsplit(question, folders))
    return {"model": model, "sides": sides, "lines": [line for make in SECTIONS for line in make(answers)]}


def plain(row: Row | None) -> dict[str, Any] | None:
    """A row as plain numbers and texts."""
    return None if row is None else dict(row)


def unsplit(question: Question, catalog: Iterable[Any]) -> dict[str, Row]:
    """Every way to train on one device, whether or not it fits: its memory terms are those of the whole model."""
    asked = question.own("training", {})
    kept = {name: value for name, value in asked.items() if name in ("gradient_precision", "optimizer", "lora_rank")}
    setups = pl.DataFrame(
        {
            "model": question.model,
            "accelerator": question.train_on,
            "precision": question.precision,
            "training_mode": list(TRAINED),
            "devices": 1,
            "global_batch": 1,
            "zero_stage": 0,
            **kept,
        }
    )
    columns = ["weight_bytes", "gradient_bytes", "optimizer_bytes", "gradient_precision"]
    found = evaluate(setups, phase="training", columns=columns, catalog=catalog)
    return dict(zip(TRAINED, found.iter_rows(named=True), strict=True))
