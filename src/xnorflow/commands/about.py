"""What there is, and what it costs."""

from __future__ import annotations

from typing import Annotated

import typer

from xnorflow.commands.console import Json, command, show


@command
def doctor(as_json: Json = False) -> None:
    """Say what is installed, what is missing, and how to get it."""
    from xnorflow.flows.doctor import doctor as diagnose
    from xnorflow.flows.render import diagnosis_text

    diagnosis = diagnose()
    show(diagnosis.to_json(), as_json, diagnosis_text(diagnosis))
    if not diagnosis.ok:
        raise typer.Exit(2)


@command
def models(as_json: Json = False) -> None:
    """List the networks that can be trained."""
    from xnorflow.flows.models import models as list_models
    from xnorflow.flows.render import table

    entries = [entry.to_json() for entry in list_models()]
    show({"models": entries}, as_json, table(("name", "image", "what it is"), [(e["name"], e["input"], e["summary"]) for e in entries]))


@command
def cost(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A network that `xnorflow models` lists.")],
    image: Annotated[str | None, typer.Option("--input", metavar="CxHxW", help="Image size; the published one by default.")] = None,
    classes: Annotated[int, typer.Option("--classes", min=1, help="Number of classes.")] = 10,
    width: Annotated[float | None, typer.Option("--width", help="Channel multiplier.")] = None,
    options: Annotated[list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="A switch of the network; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Count a network's parameters, bytes, BOPs, FLOPs and OPs = BOPs/64 + FLOPs."""
    from xnorflow.flows.cost import cost as count
    from xnorflow.flows.render import cost_text

    result = count(name, image, num_classes=classes, options=options or (), **({} if width is None else {"width": width}))
    show(result.to_json(), as_json, cost_text(result.cost))
