"""Modules that are unloaded again leave no texts behind, in what is compiled for a board.

MicroPython keeps each text of at most ten bytes that it meets in a file as a name: in the heap, for ever, even when
the file's module has long gone. Only what stands in a tuple of constants comes and goes with its module. So in modules
that `lib` takes out of `sys.modules` again `"ec"` becomes `("ec", "rsa")[0]`: one such tuple a file, of all its texts.

In a module that stays a name is the better place: it takes a third of what an object of its own takes.
"""

import ast

from tools.shorten import IN_EVERY_MPY

_NAME_BYTES = 10  # a longer text is an object of its own, unless it is a name already
# Taken out by CONFIG, which needs it for seconds; in NORMAL it stays.
_STAYS = frozenset(["wifi"])
_POP = "sys.modules.pop"


def unloaded(sources):
    """The modules among {module: text} that are taken out of `sys.modules` again. Names are as people wrote them."""
    taken = set().union(*(_taken_out(ast.parse(text)) for text in sources.values())) - _STAYS
    return {module for module in sources if taken & {module, module.rpartition(".")[2]}}


def without_lasting_texts(sources, modules):
    """{module: text} -> the same, `modules` of it changed as said above. Lines stay where they are."""
    return {module: _changed(text) if module in modules else text for module, text in sources.items()}


def _taken_out(tree):
    """The modules that a file takes out of `sys.modules`, as it calls them: "settings_json", "dial", "aws.tls"."""
    tables = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last_name(node.func) in ("borrow", "unload"):
            yield from _texts(node.args)
        elif isinstance(node, ast.Call) and _last_name(node.func) == "pop" and ast.unparse(node.func) == _POP:
            yield from _texts(node.args[:1])
        elif isinstance(node, ast.Delete) and ast.unparse(node).startswith("del sys.modules["):
            yield from _texts([node.targets[0].slice])
        elif isinstance(node, ast.For) and f"{_POP}(" in ast.unparse(node):
            names = tables.get(node.iter.id, node.iter) if isinstance(node.iter, ast.Name) else node.iter
            yield from _texts(names.elts if isinstance(names, ast.Tuple) else [])


def _last_name(node):
    """The `c` of `a.b.c`."""
    return getattr(node, "attr", getattr(node, "id", None))


def _texts(nodes):
    return [node.value for node in nodes if _is_text(node)]


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _changed(text):
    tree = ast.parse(text)
    names = set(IN_EVERY_MPY).union(name for node in ast.walk(tree) for name in _names(node))
    found = [node for node in _lasting(tree, _numbers(tree)) if node.value not in names]
    places = {value: place for place, value in enumerate(dict.fromkeys(node.value for node in found))}
    table = "(%s,)" % ", ".join(map(repr, places))
    lines = text.encode().splitlines(keepends=True)  # columns of ast are bytes
    for node in sorted(found, key=lambda node: node.col_offset, reverse=True):
        line = lines[node.lineno - 1]
        instead = f"{table}[{places[node.value]}]".encode()
        lines[node.lineno - 1] = line[: node.col_offset] + instead + line[node.end_col_offset :]
    return b"".join(lines).decode()


def _names(node):
    """What the file keeps as a name anyway."""
    return [getattr(node, field) for field in ("id", "attr", "arg") if field in node._fields]


def _numbers(tree):
    """The names of `_NAME = const(...)`: the compiler puts the number in their place."""
    values = {node.targets[0]: node.value for node in tree.body if isinstance(node, ast.Assign)}
    return {target.id for target, value in values.items() if ast.unparse(value).startswith("const(")}


def _lasting(node, numbers):
    """Short texts of which MicroPython makes names: none in tuples of constants, f-strings, docstrings."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.Tuple) and _is_constant(each, numbers):
            continue
        if isinstance(each, ast.JoinedStr) or (isinstance(each, ast.Expr) and _is_text(each.value)):
            continue
        if _is_text(each) and each.lineno == each.end_lineno and 0 < len(each.value.encode()) <= _NAME_BYTES:
            yield each
        else:
            yield from _lasting(each, numbers)


def _is_constant(node, numbers):
    """Whether it is one object for the compiler."""
    if isinstance(node, ast.Name):
        return node.id in numbers
    if isinstance(node, ast.Constant):
        return True
    parts = isinstance(node, ast.Tuple | ast.UnaryOp | ast.BinOp) and list(ast.iter_child_nodes(node))
    kinds = (ast.expr_context, ast.operator, ast.unaryop)
    return bool(parts) and all(isinstance(each, kinds) or _is_constant(each, numbers) for each in parts)
