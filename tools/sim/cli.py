"""`make sim`: a simulated ESP32 with a console, left running; typed lines play with the world around it."""

import contextlib
import json
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from tools.interpreter import MissingTool
from tools.signals import interrupt_once
from tools.sim import folder as folders
from tools.sim import options
from tools.sim.bare import bare as bare_board
from tools.sim.commands import Commands, obey_typed
from tools.sim.cord import Board
from tools.sim.options import Mistake
from tools.sim.world import World
from tools.troubles import sentence

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_HOME = ("home", "password")  # the network in range unless somebody names others

_print_lock = threading.Lock()


@app.command()
def main(
    folder: Annotated[
        Path | None, typer.Option(help="The board's flash; made when it is not there.  [default: .board/stock, ...]")
    ] = None,
    heap: Annotated[
        str | None,
        typer.Option(help='The firmware\'s heap, such as "256k"; the chip has 160k, for objects of half the size.'),
    ] = None,
    wifi: Annotated[
        list[str] | None, typer.Option(metavar="NAME:PASSWORD", help="A network in range; repeatable.")
    ] = None,
    main: Annotated[
        Path | None,
        typer.Option(
            "--main", exists=True, dir_okay=False, help="The application, instead of this checkout's main.py."
        ),
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="Becomes /settings.json before the device starts.")] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PORT", help="Connections to NAME go to this machine's PORT; repeatable."),
    ] = None,
    cloud: Annotated[
        str | None,
        typer.Option(help='Control URL of a local AWS IoT; default: that of `make cloud`, if it runs. "none": none.'),
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="Root certificate of that cloud; default .cloud/ca.pem.")] = None,
    internet: Annotated[bool, typer.Option(help="Other names are those of the real internet.")] = False,
    image: Annotated[
        str, typer.Option(help='"stock"; with two slots: "ota" (16 KB of NVS), "awsesp" (64 KB, `make firmware`).')
    ] = "stock",
    erase: Annotated[bool, typer.Option("--erase", help="Begin with an erased flash.")] = False,
    serial: Annotated[bool, typer.Option("--serial", help="Give it a serial port, with a REPL for mpremote.")] = False,
    bluetooth: Annotated[
        bool,
        typer.Option("--bluetooth", help="Let browsers and `make configure ARGS=--simulated` reach its Bluetooth."),
    ] = False,
    bare: Annotated[bool, typer.Option("--bare", help="Only MicroPython on it, and a port for `make flash`.")] = False,
):
    """A simulated ESP32 that runs boot.py and main.py of this checkout, unchanged, until you type quit or Ctrl-C.

    Its console is printed here. What you type goes to the world around it: `help` tells the commands.
    """
    interrupt_once()
    folder = folder or folders.default(image, bare, main)
    try:
        options.check_heap(heap)
        options.check_cloud(cloud, ca)
        options.check_bare(bare, main)
        networks, names = options.networks(wifi), options.endpoints(endpoint)
        document = options.settings(settings)
        with (
            contextlib.suppress(KeyboardInterrupt),
            folders.alone(folder),
            World() as world,
            _bluetooth(world, bluetooth),
            Board(folder, world, heap=heap, image=image, on_line=_hear, **_kind(folder, serial, bare, main)) as board,
        ):
            world.internet = internet
            folders.lay_out(folder, image, erase)
            _prepare(board, document, erase)
            network = _furnish(world, networks or _networks(board), names)
            if cloud != "none":
                _connect_cloud(world, board, cloud, ca, network, folder / "settings.json" if bare else None)
            with _named_port(board, folder):
                if not bare and "/settings.json" not in board.list_files():
                    show("sim: the device has no settings: run `make cloud` in another terminal first, or use")
                    show("sim: --settings; or give it some over Bluetooth, with --bluetooth here")
                show(f"sim: board {board.unique_id}, flash in {board.flash.folder}; type help, or quit")
                board.power_on()
                obey_typed(Commands(board, world, show))
    except (Mistake, folders.FolderInUse, MissingTool, ValueError, OSError) as mistake:
        sys.exit(f"sim: {sentence(mistake)}")


def show(line):
    """One line, whole, whoever says it."""
    with _print_lock:
        print(line, flush=True)


def _hear(line):
    """A line of the device's console."""
    show(line)
    if "--crash_loop-->" in line:
        show(
            "sim: main.py's application is left out, because the last starts were short. "
            "Leave the device on for a minute and type reset, or start over with --erase."
        )


@contextlib.contextmanager
def _bluetooth(world, is_wanted):
    """The radio, for clients of this machine."""
    if not is_wanted:
        yield
        return
    from tools.sim.radio import rendezvous
    from tools.sim.radio.bluez import BlueZ

    with BlueZ(world.radio) as bluez, rendezvous.offered(bluez):
        show("sim: its Bluetooth: make configure ARGS=--simulated; for any other client of BlueZ, in its environment")
        show(f"sim:   {rendezvous.VARIABLE}={bluez.environment[rendezvous.VARIABLE]}")
        yield


def _prepare(board, settings, erase):
    if erase:
        board.erase()
    if settings is not None:
        board.write_file("/settings.json", settings)


def _furnish(world, networks, names):
    """The networks and the names of the world. Returns the first network."""
    for name, password in networks:
        world.access_point(name, password)
        show(f"sim: access point {name!r} is on")
    for name, port in names:
        world.name(name, port)
    return networks[0]


def _networks(board):
    """The networks that the device's own settings name, so that it finds what it looks for."""
    try:
        networks = json.loads(board.read_file("/settings.json")).get("networks", [])
        return [(network["ssid"], network.get("password") or None) for network in networks] or [_HOME]
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return [_HOME]


def _kind(folder, serial, is_bare, main):
    """Options of the board: a bare one needs its serial port."""
    return {"serial": True, **bare_board(folder)} if is_bare else {"serial": serial, "main": main}


@contextlib.contextmanager
def _named_port(board, folder):
    """A name for the serial port that is the same each time, and gone with it: another terminal gets the number."""
    name = folder / "serial"
    name.unlink(missing_ok=True)
    if board.port:
        name.symlink_to(board.port)
        settings = folder / "settings.json"  # of a bare board, by its cloud
        options = f' ARGS="--settings {_near(settings)}"' if settings.exists() else ""
        show(f"sim: its serial port is {_near(name)}, also {board.port}; in another terminal:")
        show(f"sim:   make flash PORT={_near(name)}{options}")
        show(f"sim:   make monitor PORT={_near(name)}")
    try:
        yield
    finally:
        name.unlink(missing_ok=True)


def _near(path):
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _connect_cloud(world, board, url, ca, network, settings_file=None):
    """Let the device reach a local AWS IoT; one without settings gets a factory's, made by that cloud.

    Without an URL it is the cloud of this checkout, if it runs. With a `settings_file` the settings go there instead.
    """
    from tools.sim.factory import Cloud, CloudMissing, running_cloud

    asked, url = url, url or running_cloud()
    if url is None:
        return
    try:
        cloud = Cloud(url)
        name, port = cloud.endpoint()
        if settings_file is not None:
            settings_file.touch(mode=0o600)
            settings_file.write_text(cloud.factory_settings(board.unique_id, network, ca), encoding="utf-8")
        elif "/settings.json" not in board.list_files():
            settings = json.loads(cloud.factory_settings(board.unique_id, network, ca))
            board.write_file("/settings.json", json.dumps({**_settings_beside(board.image.main), **settings}))
            show("sim: the device has a factory's settings now, and may enrol itself")
    except CloudMissing as missing:
        if asked is None:
            return  # it was killed and could not say that it has gone
        raise Mistake(f"--cloud: {missing}") from missing
    world.name(name, {8883: port, None: ("127.0.0.1", None)})  # links to files lead to another port of it
    show(f"sim: {name} is the cloud, port {port} of this machine")


def _settings_beside(main):
    """What an application's own settings.json says, such as that of an example."""
    path = main.with_name("settings.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


if __name__ == "__main__":
    app()
