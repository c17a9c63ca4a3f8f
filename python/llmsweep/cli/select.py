"""`llmsweep select`."""

import json
from pathlib import Path
from typing import Any

import click

from llmsweep.cli.options import (
    EXTENSIONS,
    SETTINGS,
    Names,
    OutputFile,
    Positive,
    PromisedTimes,
    Whole,
    catalog_option,
    json_option,
    set_option,
)
from llmsweep.registries import PHASES


@click.command("select", context_settings=SETTINGS)
@click.option("--for", "purpose", required=True, type=click.Choice(PHASES), help="What the hardware is for.")
@click.option("--model", required=True, metavar="MODEL", help="The model, from `llmsweep catalog list models`.")
@click.option("--accelerators", type=Names(), metavar="A,B,…", help="Ids or globs to choose from; by default all.")
@click.option("--precisions", type=Names(), metavar="A,B,…", help="Formats to try; by default the usual ones.")
@click.option("--by", metavar="COL", help="The column that decides; by default cost.")
@click.option(
    "--budget", "budget_usd", type=Positive(), metavar="USD", help="Most money for a run, or a month of a deployment."
)
@click.option("--top", type=Whole(min=1), default=10, show_default=True, metavar="N", help="Places to print.")
@click.option("--days", type=Positive(), metavar="D", help="Training: longest time of the run.  [default: 90]")
@click.option(
    "--tokens", type=Positive(), metavar="N", help="Training: tokens of the run; by default the published run's."
)
@click.option("--devices", type=Whole(min=1), metavar="N", help="Training: devices; by default powers of two.")
@click.option("--global-batch", type=Whole(min=1), metavar="N", help="Training: sequences of a step.")
@click.option(
    "--sequence-length", type=Whole(min=1), metavar="N", help="Training: tokens of a sequence.  [default: 4096]"
)
@click.option("--training-mode", metavar="MODE", help="Training: pretraining, full_finetuning, lora or qlora.")
@click.option("--input-tokens", type=Whole(min=1), metavar="N", help="Inference: tokens of a prompt.  [default: 1024]")
@click.option("--output-tokens", type=Whole(min=1), metavar="N", help="Inference: tokens of an answer.  [default: 256]")
@click.option("--ttft", "ttft_s", type=Positive(), metavar="S", help="Inference: longest mean TTFT.  [default: 2]")
@click.option("--tpot", "tpot_s", type=Positive(), metavar="S", help="Inference: longest mean TPOT.  [default: 0.2]")
@click.option(
    "--slo",
    type=PromisedTimes(),
    metavar="COL<S,…",
    help="Inference: promised times, such as ttft_p99<0.45s,tpot<40ms.",
)
@set_option
@click.option("-o", "--output", type=OutputFile(EXTENSIONS), help="Write the setup of every place.")
@catalog_option
@json_option
def command(
    *,
    purpose: Any,
    settings: tuple[tuple[str, Any], ...],
    output: Path | None,
    top: int,
    catalog: tuple[Path, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Rank hardware for training or serving a model.

    Each place has the best layout and format of one accelerator, the reason why it stands there, and its runner-up. The
    verdict says the same in a paragraph. How many devices a rate of requests needs `llmsweep fleet` says.

    \b
    llmsweep select --for inference --model llama3.1-70b --ttft 0.5 --tpot 0.05
    llmsweep select --for inference --model llama2-70b --slo "ttft_p99<450ms,tpot_p99<40ms"
    llmsweep select --for training --model llama3.1-8b --days 30 --budget 2e6
    """
    import polars as pl

    from llmsweep.cli.files import write_frame
    from llmsweep.cli.selected import print_selection
    from llmsweep.errors import NothingFeasibleError
    from llmsweep.select.run import select

    given = {name: value for name, value in options.items() if value is not None}
    found = select(purpose, settings=dict(settings), catalog=catalog, **given)
    if output is not None:
        write_frame(pl.DataFrame([place["setup"] for place in found["places"]], infer_schema_length=None), output)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif found["places"]:
        print_selection(found, top)
    if not found["places"]:
        raise NothingFeasibleError(found["verdict"])
