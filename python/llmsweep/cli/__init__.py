"""The command line. Data goes to stdout, messages and progress to stderr; `llmsweep.errors` lists the exit codes."""

import io
import os
import sys
from importlib import import_module
from typing import Any

import click

from llmsweep.names import near

# Name of each command, and its help line: `llmsweep --help` imports none of them.
COMMANDS = {
    "run": "Evaluate a sweep and print its Pareto front.",
    "merge": "Join the outputs of a sweep that was run in shards.",
    "pareto": "Keep the rows of a table that no other row beats.",
    "fleet": "Say how many devices a request rate or a pool of models needs.",
    "explain": "Show every term of one setup's time, memory and cost.",
    "compare": "Show training beside inference for one model.",
    "select": "Rank hardware for training or serving a model.",
    "sensitivity": "Show what each number of the hardware changes, and what binds.",
    "validate": "Compare predictions with measurements.",
    "claims": "Judge claims about models and hardware.",
    "calibrate": "Fit the model to timings and runs, or take timings.",
    "catalog": "List, show and add models, accelerators, networks and prices.",
    "axes": "List what a sweep can vary.",
    "columns": "List what a sweep computes.",
    "schema": "Print the JSON Schema of sweep files.",
}


class SentenceGroup(click.Group):
    """Says in one sentence what is wrong with a command's name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the options before the command, and asks for a command if there is none."""
        if not args:
            raise click.UsageError(f"name a command; {ctx.command_path} --help lists them")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command, or says which names there are."""
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            raise click.UsageError(f'there is no command "{args[0]}"{near(args[0], names)}')
        return super().resolve_command(ctx, args)


class LazyGroup(SentenceGroup):
    """Imports a command when it is run or its help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of `COMMANDS`."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; its module is imported now."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"llmsweep.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the command list without importing a command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a reader that went away, as `head` does, is no error."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        return result


def print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's signature
    """Prints the version of the core and ends."""
    if wanted and not ctx.resilient_parsing:
        from llmsweep import __version__

        click.echo(f"llmsweep {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=print_version, help="Show the version."
)
def group() -> None:
    """Sweep LLM training and inference setups and keep the ones worth having.

    Data goes to stdout, messages to stderr. Exit codes: 0 done, 2 usage or specification error, 3 nothing feasible,
    4 data error, 5 a package or a GPU is missing, 130 interrupted.
    """


def main(args: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Rather a question mark than no table on a terminal that has no box lines or Greek letters.
            stream.reconfigure(errors="replace")
    try:
        code = group.main(args, prog_name="llmsweep", standalone_mode=False)
    except click.ClickException as error:
        message = " ".join(error.format_message().split())
        return fail(message, error.exit_code if isinstance(error, click.UsageError) else 4)
    except (click.Abort, KeyboardInterrupt):
        return fail("interrupted", 130)
    except Exception as error:
        from llmsweep.errors import LlmsweepError, exit_code

        polars = sys.modules.get("polars")
        expected = (LlmsweepError, OSError, *((polars.exceptions.PolarsError,) if polars else ()))
        if not isinstance(error, expected):
            raise
        return fail(sentence(error), exit_code(error))
    return code if isinstance(code, int) else 0


def sentence(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, OSError) and error.filename is not None:
        return f'"{error.filename}": {error.strerror}'
    return str(error).strip().partition("\n")[0]


def fail(message: str, code: int) -> int:
    """Says why on stderr and hands the exit code on."""
    click.echo(f"Error: {message.strip().rstrip('.')}", err=True)
    return int(code)
