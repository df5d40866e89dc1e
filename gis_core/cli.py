"""The command `wangge`: one Typer app, a module per command under `gis_core.commands`."""

from __future__ import annotations

import importlib
import sys

import typer

from gis_core import __version__
from gis_core.commands._common import EXIT_STOPPED

#: Command name -> module of `gis_core.commands`; the function in it is the name with `-` as `_`.
COMMANDS: dict[str, str] = {
    "demo": "demo",
    "check": "check",
    "partition": "partition",
    "solve": "solve",
    "rebalance": "rebalance",
    "compare": "compare",
    "locate": "locate",
    "export": "export",
    "load": "load",
    "plans": "plans",
    "publish": "publish",
    "cases": "cases",
    "serve": "serve",
    "doctor": "doctor",
}

app = typer.Typer(
    name="wangge",
    help="Cut a town into balanced grids 网格, and find whose grid a place is in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(version: bool = typer.Option(False, "--version", help="Print the version and stop.")) -> None:
    """Cut a town into balanced grids 网格, and find whose grid a place is in."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


for _name, _module in COMMANDS.items():
    _function = importlib.import_module(f"gis_core.commands.{_module}").__dict__[_name.replace("-", "_")]
    app.command(_name)(_function)


def main() -> None:
    """Run the command line; Ctrl-C before a command has begun ends it as quietly as later."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(EXIT_STOPPED)
