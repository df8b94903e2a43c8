"""`edge-retinaface fleet`: all devices of a broker at a glance."""

import json
import os
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from edge_retinaface.commands.fleet_watch import Device, watch
from edge_retinaface.commands.show_config import DEFAULT_CONFIG, ConfigOption
from edge_retinaface.config import MqttSettings, load_config
from edge_retinaface.errors import CHECK_FAILED, ConfigError

COLUMNS = ("device", "state", "version", "model", "fps", "temperature", "memory", "up")
HOUR_S = 3600

app = typer.Typer(help="The devices of a broker.", no_args_is_help=True)


@app.command()
def status(
    config: ConfigOption = DEFAULT_CONFIG,
    host: Annotated[str, typer.Option(help="The broker, instead of the configured one; no user, no TLS.")] = "",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Its port.", show_default=False)] = None,
    prefix: Annotated[str, typer.Option(help="First part of the topics, with --host.")] = "edge_retinaface",
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait at most for figures, which devices send every 60 s.")
    ] = 65,
    expect: Annotated[
        list[str] | None, typer.Option(help="A device that must be online; may be repeated. Exit code 1 if one is not.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Availability, version, model, rate and temperature of every device, from one subscription."""
    settings = MqttSettings(host=host, port=port, prefix=prefix) if host else load_config(config, os.environ).mqtt
    if settings is None:
        raise ConfigError("mqtt: wanted a broker to ask, found none in the configuration: name one with --host")
    wanted = set(expect or ())
    devices = watch(settings, wait, wanted)
    rows = [_row(name, devices.get(name, Device())) for name in sorted(devices.keys() | wanted)]
    if as_json:
        typer.echo(json.dumps({"time": time.time(), "devices": rows}))
    else:
        _show(rows)
    lost = sorted(row["device"] for row in rows if row["device"] in wanted and row["state"] != "online")
    if lost:
        typer.echo(f"not online: {', '.join(lost)}", err=True)
        raise typer.Exit(CHECK_FAILED)


def _row(name: str, device: Device) -> dict[str, Any]:
    """What is known of a device; None where it has not said."""
    stats = device.stats
    cameras = stats.get("cameras", {}).values()
    return {
        "device": name,
        "state": device.availability,
        "version": stats.get("version"),
        "model": stats.get("model"),
        "fps": round(sum(camera["fps"] for camera in cameras), 1) if cameras else None,
        "temperature_c": stats.get("temperature_c"),
        "memory_mib": stats.get("memory_mib"),
        "uptime_s": stats.get("uptime_s"),
    }


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="")
    for number, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if number < len(("device", "state", "version", "model")) else "right")
    for row in rows:
        units = (("fps", ".1f", ""), ("temperature_c", ".0f", " °C"), ("memory_mib", ".0f", " MiB"))
        numbers = [f"{row[key]:{form}}{unit}" if row[key] is not None else "-" for key, form, unit in units]
        up = f"{row['uptime_s'] / HOUR_S:.1f} h" if row["uptime_s"] is not None else "-"
        table.add_row(row["device"], row["state"], row["version"] or "-", row["model"] or "-", *numbers, up)
    Console(width=None if os.isatty(1) else 200, highlight=False).print(table)
