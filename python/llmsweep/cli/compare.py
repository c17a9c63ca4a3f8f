"""`llmsweep compare`."""

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
    Whole,
    catalog_option,
    json_option,
    set_option,
)
from llmsweep.names import near

SECTIONS = ("compute", "memory", "communication", "time", "utilisation", "bill")


@click.command("compare", context_settings=SETTINGS)
@click.option("--model", required=True, metavar="MODEL", help="The model, from `llmsweep catalog list models`.")
@click.option("--train-on", required=True, metavar="ACCELERATOR", help="Accelerator of training and fine-tuning.")
@click.option("--serve-on", required=True, metavar="ACCELERATOR", help="Accelerator of inference.")
@click.option(
    "--train-devices", type=Whole(min=1), metavar="N", help="Devices of pretraining; by default as --days asks."
)
@click.option("--days", type=Positive(), metavar="D", help="Longest time of pretraining.  [default: 90]")
@click.option("--finetune-days", type=Positive(), metavar="D", help="Longest time of fine-tuning.  [default: 7]")
@click.option("--tokens", type=Positive(), metavar="N", help="Tokens of pretraining; by default the published run's.")
@click.option("--finetune-tokens", type=Positive(), metavar="N", help="Tokens of fine-tuning.  [default: 1e8]")
@click.option(
    "--global-batch", type=Whole(min=1), metavar="N", help="Sequences of a step; by default 4 or 16 M tokens."
)
@click.option(
    "--sequence-length", type=Whole(min=1), metavar="N", help="Tokens of a training sequence.  [default: 4096]"
)
@click.option("--precision", metavar="FORMAT", help="Format of training.  [default: bf16]")
@click.option("--serve-precision", metavar="FORMAT", help="Format of weights in inference.  [default: bf16]")
@click.option("--kv-precision", metavar="FORMAT", help="Format of the cache.  [default: bf16]")
@click.option("--input-tokens", type=Whole(min=1), metavar="N", help="Tokens of a prompt.  [default: 1024]")
@click.option("--output-tokens", type=Whole(min=1), metavar="N", help="Tokens of an answer.  [default: 256]")
@click.option(
    "--ttft", "ttft_s", type=Positive(), metavar="S", help="Longest mean time to the first token.  [default: 2]"
)
@click.option(
    "--tpot", "tpot_s", type=Positive(), metavar="S", help="Longest mean time between two tokens.  [default: 0.2]"
)
@set_option
@click.option("-o", "--output", type=OutputFile(EXTENSIONS), help="Write a row per quantity and side.")
@click.option("--brief", is_flag=True, help="Without formulas.")
@click.option("--sections", type=Names(), metavar="A,B,…", help=f"Only these: {', '.join(SECTIONS)}.")
@catalog_option
@json_option
def command(
    *,
    settings: tuple[tuple[str, Any], ...],
    output: Path | None,
    brief: bool,
    sections: list[str] | None,
    catalog: tuple[Path, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Show training beside inference for one model.

    Compute, memory, communication, time, utilisation, devices and money of pretraining, fine-tuning (full, LoRA,
    QLoRA) and inference, with formula and numbers. Each side is the best setup of a sweep over layouts: training that
    of fewest device-hours in time, inference that of most tokens per device within --ttft and --tpot. --set holds for
    the phases that have the axis.

    \b
    llmsweep compare --model llama2-70b --train-on a100-sxm-80 --serve-on h100-sxm-80
    llmsweep compare --model gpt4-rumour --train-on a100-sxm-80 --train-devices 25000 --serve-on h100-sxm-80
    """
    from llmsweep.cli.comparison import print_comparison
    from llmsweep.cli.files import write_frame
    from llmsweep.compare import compare, frame
    from llmsweep.errors import NothingFeasibleError

    for name in sections or ():
        if name not in SECTIONS:
            raise click.UsageError(f'--sections: there is no section "{name}"{near(name, SECTIONS)}')
    given = {name: value for name, value in options.items() if value is not None}
    found = compare(**given, settings=dict(settings), catalog=catalog)
    if sections:
        found = {**found, "lines": [line for line in found["lines"] if line["section"] in sections]}
    if output is not None:
        write_frame(frame(found), output)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        print_comparison(found, formulas=not brief)
    if all(side["setup"] is None for side in found["sides"].values()):
        raise NothingFeasibleError(f"no side has a setup: {found['sides']['inference']['why_not']}")
