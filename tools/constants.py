"""Numbers with a private name of their own take no room, in what is compiled for a board.

`_TICK_MS = 100` in a file of `lib` becomes `_TICK_MS = const(100)`: the compiler then puts the number where the name
stands, and the name, which MicroPython would keep in the heap for ever, is not even in the file. In `lib` itself most
say so; those that CPython reads as well, which knows no `const`, cannot.
"""

import ast


def with_constants(sources, known=frozenset()):
    """{module: text} -> the same, changed as said above. Lines stay where they are; `known` are names that stay."""
    trees = {module: ast.parse(text) for module, text in sources.items()}
    said = known.union(*map(_said_elsewhere, trees.values()))
    return {module: _changed(text, trees[module], said) for module, text in sources.items()}


def _said_elsewhere(tree):
    """Names that a file says of others: `from .jobs import _LOOK_MS`, `jobs._LOOK_MS`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _changed(text, tree, said):
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)]
    lines = text.encode().splitlines(keepends=True)  # columns of ast are bytes
    for node in tree.body:
        name = _name_of_number(node)
        if name is not None and stored.count(name) == 1 and name not in said:
            line, value = lines[node.lineno - 1], node.value
            number = line[value.col_offset : value.end_col_offset]
            lines[node.lineno - 1] = line[: value.col_offset] + b"const(%s)" % number + line[value.end_col_offset :]
    return b"".join(lines).decode()


def _name_of_number(node):
    """The `_NAME` of `_NAME = 100`, else None."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return None
    name, value = node.targets[0].id, node.value
    is_number = isinstance(value, ast.Constant) and type(value.value) is int
    return name if is_number and name.startswith("_") and value.lineno == value.end_lineno else None
