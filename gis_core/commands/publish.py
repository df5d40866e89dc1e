"""`wangge publish`: a draft of the store comes into force."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gis_core.commands._common import EXIT_NO, command, print_json
from gis_core.commands._options import Db, Json
from gis_core.commands._plan_ref import stored_plan_id
from gis_core.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gis_core.plan.checks import CheckItem
    from gis_core.store import PlanRecord

#: Things that stand in the way that are shown on a terminal.
_SHOWN = 20


class Exceptable(StrEnum):
    """What may stay open when a plan is published."""

    out_of_bounds = "out_of_bounds"
    unnamed = "unnamed"
    without_staff = "without_staff"


@command
def publish(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="Draft of the store: plan:ID.")],
    valid_from: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Day, or time with its offset, from which it holds; default now."),
    ] = None,
    except_: Annotated[
        list[Exceptable] | None,
        typer.Option(
            "--except",
            metavar="out_of_bounds|unnamed|without_staff",
            help="What may stay open; may be repeated.",
        ),
    ] = None,
    db: Db = None,
    json_: Json = False,
) -> None:
    """Publish a draft: from that day it is in force, and supersedes the plan of the same boundary polygons.

    Refused, with exit code 1, while something is open that is not excepted. Cells in no grid and grids in pieces never
    are.

    Example: wangge publish plan:3 --valid-from 2026-12-01 --except unnamed --except without_staff
    """
    from gis_core.errors import NotPublishableError
    from gis_core.plan.dates import begin_of
    from gis_core.store import open_store

    plan_id = stored_plan_id(plan)
    if plan_id is None:
        raise ParameterError(
            f"{plan} is no plan of a store: load it with `wangge load {plan}`, then publish plan:ID, "
            "as `wangge plans` lists it."
        )
    with open_store(db, create=False) as store:
        try:
            record = store.publish_plan(
                plan_id,
                expected_revision=store.plan(plan_id).revision,
                valid_from=begin_of(valid_from),
                except_=[one.value for one in except_ or ()],
                who=_user(),
            )
        except NotPublishableError as error:
            _say_open(plan_id, error, as_json=json_)
            raise typer.Exit(EXIT_NO) from None
    _say_published(record, as_json=json_)


def _user() -> str:
    """Return who is at the keyboard; empty where the system does not know."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _say_open(plan_id: int, error: Any, *, as_json: bool) -> None:
    items: Sequence[CheckItem] = error.items
    if as_json:
        rows = [item.as_dict() for item in items]
        print_json({"plan": plan_id, "published": False, "items": rows})
        return
    typer.echo(f"plan:{plan_id} is not published; open are {len(items):,} things:")
    for item in items[:_SHOWN]:
        typer.echo(f"  {item.kind}: {item.message}")
    if len(items) > _SHOWN:
        typer.echo(f"  and {len(items) - _SHOWN:,} more; --json lists them all")


def _say_published(record: PlanRecord, *, as_json: bool) -> None:
    begins = record.valid_from.isoformat() if record.valid_from else None
    if as_json:
        print_json(
            {
                "plan": record.id,
                "published": True,
                "name": record.name,
                "revision": record.revision,
                "valid_from": begins,
                "grids": record.n_grids,
            }
        )
        return
    since = "now" if record.valid_from is None else f"{record.valid_from.astimezone():%Y-%m-%d %H:%M %z}"
    typer.echo(
        f"plan:{record.id} {record.name} is published, with {record.n_grids:,} grids; it holds from {since}."
    )
