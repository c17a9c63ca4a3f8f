"""`llmsweep fleet`."""

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

# What may be said of a pool on the command line.
BESIDE_POOL = {"pool", "prices", "catalog", "as_json", "output"}


@click.command("fleet", context_settings=SETTINGS)
@click.argument(
    "sweep", metavar="[SWEEP.toml]", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--pool",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="POOL.toml",
    help="Size a pool of many models instead.",
)
@click.option("--model", metavar="MODEL", help="The model, where no sweep is given.")
@click.option(
    "--accelerator",
    type=Names(),
    metavar="A,B,…",
    help="Accelerators to choose from; by default all with a rental price.",
)
@click.option("--precision", type=Names(), metavar="A,B,…", help="Precisions to choose from; by default bf16.")
@click.option("--peak-rate", type=Positive(), metavar="R", help="Requests per second at the peak.")
@click.option("--mean-rate", type=Positive(), metavar="R", help="Requests per second on average; by default the peak.")
@click.option("--users", type=Positive(), metavar="N", help="Users who read at once, in place of --peak-rate.")
@click.option(
    "--tokens-per-s-per-user",
    "speed",
    type=Positive(),
    metavar="X",
    help="Tokens that each of them reads per second; by default as promised by --tpot.",
)
@click.option("--input-tokens", type=Whole(min=1), metavar="N", help="Tokens of a prompt.")
@click.option("--output-tokens", type=Whole(min=1), metavar="N", help="Tokens of an answer.")
@click.option("--ttft", "ttft_s", type=Positive(), metavar="S", help="Promised mean time to the first token.")
@click.option(
    "--ttft-p99", "ttft_p99_s", type=Positive(), metavar="S", help="The same that 99 of 100 requests keep within."
)
@click.option("--tpot", "tpot_s", type=Positive(), metavar="S", help="Promised mean time between two tokens.")
@click.option(
    "--tpot-p99", "tpot_p99_s", type=Positive(), metavar="S", help="The same that 99 of 100 answers keep within."
)
@click.option("--redundancy", default="N", metavar="N+1|10%", help="Replicas beyond those that the peak needs.")
@click.option(
    "--price",
    "prices",
    multiple=True,
    metavar="[ID=]USD",
    help="Rental of a device per hour, of one accelerator or of all. Repeatable.",
)
@click.option("--all", "every", is_flag=True, help="Print every layout, not only the best of each accelerator.")
@set_option
@catalog_option
@json_option
@click.option(
    "-o", "--output", type=OutputFile(EXTENSIONS), metavar="FILE", help="Write every row to .parquet, .csv or .json."
)
def command(*, pool: Path | None, output: Path | None, as_json: bool, **options: Any) -> None:
    """Say how many devices a request rate or a pool of models needs.

    One model: for every accelerator and layout the largest rate at which a replica keeps the promised times, and from
    it replicas, devices, occupancy, money and power. A sweep's axes are what may be chosen, its [constraints] what is
    promised. Many models: devices where each has its own, and where they share a pool.

    \b
    llmsweep fleet --model llama3.1-70b --precision fp8 --peak-rate 100 --mean-rate 40 --ttft-p99 1 --tpot 0.05
    llmsweep fleet --model llama3.1-8b --users 1e6 --tokens-per-s-per-user 20 --redundancy 10%
    llmsweep fleet sweep.toml --peak-rate 100 --set tensor_parallel=4,8
    llmsweep fleet --pool pool.toml
    """
    from llmsweep.cli.fleet_job import Asked, run_fleet, run_pool

    if pool is None:
        run_fleet(Asked(**options), output, as_json=as_json)
        return
    context = click.get_current_context()
    given = [
        parameter
        for parameter in context.command.params
        if parameter.name not in BESIDE_POOL
        and context.get_parameter_source(str(parameter.name)) is not click.core.ParameterSource.DEFAULT
    ]
    if given:
        raise click.UsageError(f"a pool file says all itself: {given[0].opts[0]} can't stand beside --pool")
    run_pool(pool, options["prices"], options["catalog"], output, as_json=as_json)
