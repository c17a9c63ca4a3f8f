"""`llmsweep calibrate`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmsweep.cli import SentenceGroup
from llmsweep.cli.options import SETTINGS, Names, OutputFile, Whole, catalog_option, json_option, measurements_argument

if TYPE_CHECKING:
    from llmsweep.calibrate.task import Law


@click.group("calibrate", cls=SentenceGroup, context_settings=SETTINGS, no_args_is_help=False)
def command() -> None:
    """Fit the model to timings and runs, or take timings.

    `measure` times kernels on the GPU in front of it, `ops` fits laws of kernels to timings, `runs` fits the constants
    of software to whole runs. What they write is used with --catalog.
    """


class Target(click.ParamType[Path]):
    """A .toml file, or a folder that is made where it is missing."""

    name = "file or folder"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Checks before any work is done."""
        path = Path(str(value))
        if path.suffix.lower() == ".toml":
            return OutputFile((".toml",)).convert(path, param, ctx)
        if path.suffix and not path.is_dir():
            self.fail(f'"{path}" must end in .toml or be a folder', param, ctx)
        if path.exists() and not path.is_dir():
            self.fail(f'"{path}" is a file; a folder or a name that ends in .toml is needed', param, ctx)
        if not path.exists() and not path.parent.is_dir():
            self.fail(f'the folder "{path.parent}" does not exist', param, ctx)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            self.fail(f'"{path}" can\'t be written: permission denied', param, ctx)
        return path


@command.command("ops", context_settings=SETTINGS)
@click.argument(
    "paths", metavar="FILE_OR_FOLDER…", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path)
)
@click.option(
    "-o",
    "--output",
    type=Target(),
    metavar="KERNELS.toml|DIR",
    help="Write one accelerator's laws to a file, or each one's into DIR/kernels; --catalog DIR then uses them.",
)
@click.option("--report", type=OutputFile((".parquet", ".csv", ".json")), help="Write a row per law.")
@click.option("--rows", type=Whole(min=10), default=3000, show_default=True, help="Most timings per fit.")
@click.option(
    "--leave-out-accelerators",
    "leave_out",
    is_flag=True,
    help="Also predict each accelerator from its nearest relative, without and with 40 of its timings.",
)
@click.option("--fresh", is_flag=True, help="Start at physical defaults, not at laws of the catalogue.")
@click.option(
    "--source", multiple=True, default=("own timings",), show_default=True, help="Says where timings are from."
)
@click.option("--jobs", type=Whole(min=1), help="Processes; by default one per core.")
@click.option("-q", "--quiet", is_flag=True, help="Draw no progress.")
@catalog_option
@json_option
def ops(
    *,
    paths: tuple[Path, ...],
    output: Path | None,
    report: Path | None,
    rows: int,
    leave_out: bool,
    fresh: bool,
    source: tuple[str, ...],
    jobs: int | None,
    quiet: bool,
    catalog: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Fit laws of kernels to timings.

    FILE has a row per kernel: `family, accelerator, precision, engine, latency_s` and the shape, in the columns of its
    family (docs/calibrate.md lists them); public layouts are recognised. A law is fitted per family, accelerator,
    precision and engine, and one to all engines together. The report has the error on shapes that the fit did not see.

    \b
    llmsweep calibrate ops timings.parquet -o my-catalog
    """
    from llmsweep.calibrate.extra import need

    need("calibrate", "numpy", "scipy")
    from llmsweep.calibrate import report as reports
    from llmsweep.calibrate.ops import calibrate
    from llmsweep.cli.files import write_frame
    from llmsweep.cli.progress import Progress

    progress = Progress(quiet=quiet, unit="fits")
    try:
        found = calibrate(
            paths,
            catalog=catalog,
            rows=rows,
            fresh=fresh,
            check_transfer=leave_out,
            jobs=jobs or os.cpu_count() or 1,
            source=source,
            progress=progress,
        )
    finally:
        progress.clear()
    if output is not None:
        write_laws(found.laws, output)
    if report is not None:
        frame = reports.laws(found)
        write_frame(frame.drop("source") if report.suffix.lower() == ".csv" else frame, report)
    if as_json:
        click.echo(json.dumps(reports.as_json(found), indent=2, ensure_ascii=False))
        return
    for line in reports.lines(found):
        click.echo(line)


def write_laws(laws: "list[Law]", output: Path) -> None:
    """Writes a file, or a file per accelerator.

    Raises:
        UsageError: One file can't hold the laws of several accelerators.
    """
    from llmsweep.calibrate.kernel_files import NOTE, by_accelerator, write_file, write_folder

    if output.suffix.lower() != ".toml":
        output.mkdir(exist_ok=True)
        write_folder(laws, output, NOTE)
        return
    accelerators = by_accelerator(laws)
    if len(accelerators) > 1:
        names = ", ".join(accelerators)
        raise click.UsageError(f'"{output}" holds one accelerator, but these timings are of {names}: name a folder')
    write_file(laws, output, NOTE)


@command.command("measure", context_settings=SETTINGS)
@click.option(
    "-o",
    "--output",
    type=OutputFile((".parquet", ".csv")),
    required=True,
    metavar="TIMINGS.parquet",
    help="Where to write the timings; `calibrate ops` reads them.",
)
@click.option(
    "--families",
    type=Names(),
    help="What to time, with commas between; by default gemm, attention and elementwise, with --ranks collectives.",
)
@click.option("--precisions", type=Names(), help="Formats of gemm; by default all that the GPU has.")
@click.option("--accelerator", metavar="ID", help="The GPU's id in the catalogue; by default told from its name.")
@click.option("--quick", is_flag=True, help="Time a tenth of the shapes.")
@click.option(
    "--cold/--warm", default=True, help="Whether the cache holds other data before each launch.  [default: cold]"
)
@click.option("--ranks", type=Whole(min=2), help="Time collectives between so many GPUs of this machine.")
@click.option("--repeats", type=Whole(min=3), default=25, show_default=True, help="Times of which the median counts.")
@click.option("-q", "--quiet", is_flag=True, help="Draw no progress.")
@catalog_option
def measure(
    *,
    output: Path,
    families: list[str] | None,
    precisions: list[str] | None,
    accelerator: str | None,
    quick: bool,
    cold: bool,
    ranks: int | None,
    repeats: int,
    quiet: bool,
    catalog: tuple[Path, ...],
) -> None:
    """Time kernels and collectives on the GPU in front of it.

    PyTorch runs them (pip install 'llmsweep[measure]'); without it or without a GPU the exit code is 5. Kernels are
    replayed inside CUDA graphs, so that the host has no part in the times. torchrun may start the command on several
    machines: its ranks then time collectives.

    \b
    llmsweep calibrate measure -o timings.parquet --quick
    """
    from llmsweep.calibrate.measure.session import Wanted, session
    from llmsweep.cli.files import write_frame
    from llmsweep.cli.progress import Progress

    progress = Progress(quiet=quiet, unit="kernels")
    try:
        wanted = Wanted(families, precisions, accelerator, quick, cold, ranks, repeats)
        taken = session(wanted, catalog, progress)
    finally:
        progress.clear()
    if taken is None:
        return
    write_frame(taken.frame(), output)
    click.echo(f"{len(taken.rows):,} timings: {output}")
    for reason, count in taken.left_out.items():
        click.echo(f"left out {count:,}: {reason}", err=True)


@command.command("runs", context_settings=SETTINGS)
@measurements_argument
@click.option(
    "-o",
    "--output",
    type=Target(),
    metavar="DIR",
    help="Write the fitted constants into a catalogue folder; --catalog DIR then uses them.",
)
@catalog_option
@json_option
def runs(*, files: tuple[Path, ...], output: Path | None, catalog: tuple[Path, ...], as_json: bool) -> None:
    """Fit the constants of software to whole runs.

    FILE is what `llmsweep validate` reads. Host times, exposed traffic and sustained clocks are fitted, each with a
    tight prior around its shipped value; one that the runs don't tell keeps it. The error before and after is of runs
    that the fit did not see.

    \b
    llmsweep calibrate runs my-runs.parquet -o my-system
    """
    from llmsweep.calibrate.extra import need

    if output is not None and output.suffix.lower() == ".toml":
        raise click.UsageError(f'"{output}" is a file, but constants of several files are written: name a folder')
    need("calibrate", "numpy")
    from llmsweep.calibrate.runs import override, text
    from llmsweep.calibrate.runs.session import calibrate

    found = calibrate(files, catalog=catalog)
    if output is not None:
        override.write(found.changed, output, tuple(catalog), override.NOTE)
    if as_json:
        click.echo(json.dumps(text.as_json(found), indent=2, ensure_ascii=False))
        return
    for line in text.lines(found):
        click.echo(line)
