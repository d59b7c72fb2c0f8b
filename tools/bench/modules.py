"""What each module of the firmware costs of flash and heap: a table, dearest first."""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path

from rich.table import Table

from tools import interpreter
from tools.bench import heap
from tools.bench.desk import Desk
from tools.mpy import compile_lib
from tools.sim import rom


def table(desk: Desk) -> Table:
    """The table for a terminal. The modules that stay are those of a device that has been at work for a while."""
    order = in_order()
    with tempfile.TemporaryDirectory(prefix="bench-modules-") as folder:
        lib = Path(folder) / "lib"
        compile_lib(lib)
        in_flash = {name: _compiled(lib, name).stat().st_size for name in order}
        from_file = desk.run("modules", interpreter.BOARD, "", *order, lib=lib, heap="2m")
        image = rom.write(Path(folder) / "rom", {"lib": lib})
        in_place = desk.run("modules", interpreter.BOARD, image, *order, lib=Path(folder), heap="2m")
    return _table(order, (in_flash, from_file, in_place), heap.staying())


def _compiled(lib: Path, name: str) -> Path:
    path = lib / name.replace(".", "/")
    return path / "__init__.mpy" if path.is_dir() else path.with_suffix(".mpy")


def _table(order: list[str], taken: tuple[dict, dict, dict], staying: set[str]) -> Table:
    """`taken`: bytes of each module in flash, of the heap as a file, of the heap in ROM."""
    made = Table(title=f"bytes for each module: {interpreter.micropython_version()}")
    made.add_column("module")
    for heading in ("flash", "heap, .mpy", "heap, in ROM"):
        made.add_column(heading, justify="right")
    made.add_column("stays")
    for name in sorted(order, key=lambda name: (name not in staying, -taken[1][name])):
        made.add_row(name, *(f"{each[name]:,}" for each in taken), "yes" if name in staying else "")
    for what, names in (("those that stay", staying & set(order)), ("all", order)):
        sums = [f"{sum(each[name] for name in names):,}" for each in taken]
        made.add_row(what, *sums, "", style="bold")
    return made


def in_order() -> list[str]:
    """Every module of lib, after those that it imports at once; packages in front of what is in them."""
    paths = {}
    for path in sorted(interpreter.LIB.rglob("*.py")):
        name = ".".join(path.relative_to(interpreter.LIB).with_suffix("").parts)
        paths[name.removesuffix(".__init__")] = path
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if "." in name:
            visit(name.rpartition(".")[0])
        for imported in _imported(paths[name], name):
            if imported in paths and imported != name:
                visit(imported)
        if name not in order:
            order.append(name)

    for name in paths:
        visit(name)
    return order


def _imported(path: Path, module: str) -> list[str]:
    names = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = module.rpartition(".")[0] if node.level else ""
            origin = ".".join(filter(None, [package, node.module]))
            names += [origin, *(".".join(filter(None, [origin, alias.name])) for alias in node.names)]
    return names
