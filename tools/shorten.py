"""Private names made short, in what is compiled for a board: `_unconfirmed` becomes `_f`.

MicroPython keeps every name that it has ever met in the heap: a private one costs 15 to 25 bytes, and the firmware has
hundreds. Nobody outside `lib` may use them, so nobody misses them there. Lines stay where they are, and names that
mean something to others (public ones, those that stand in a string, those of other libraries) stay as they are.

A short name is used again wherever it cannot be mistaken: two names get different ones only if both stand in the same
file, or in files whose classes inherit from each other.
"""

import ast
import io
import itertools
import string
import tokenize


def shorten(sources):
    """{module: text} -> the same with short private names. `module` is a dotted name; lines keep their numbers."""
    files = {module: _File(module, text) for module, text in sources.items()}
    short = _short_names(list(files.values()))
    return {module: file.renamed(short) for module, file in files.items()}


class _File:
    """What one source has to say about its private names."""

    def __init__(self, module, text):
        self.text = text
        tree = ast.parse(text)
        self.names = {token.string for token in _tokens(text) if token.type == tokenize.NAME}
        self.private = {name for name in self.names if name[0] == "_" and name.strip("_") and not name.endswith("__")}
        self.defined = set()
        self.kept = set()  # private names that must stay as they are
        self.related = {module}  # modules with which it shares objects: by inheritance
        for node in ast.walk(tree):
            self._define(node)
            self._keep(node)
        origins = dict(_imports(tree, module))
        bases = [base for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in map(_root, node.bases)]
        self.related |= {origins[base] for base in bases if base in origins}

    def _define(self, node):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.defined.add(node.name)
        elif isinstance(node, ast.arg):
            self.defined.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            self.defined.add(node.id)
        elif _is_stored(node) and _is_self(node.value):
            self.defined.add(node.attr)

    def _keep(self, node):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.kept.add(node.value)
        elif _is_stored(node) and not _is_self(node.value):
            self.kept.add(node.attr)  # on an object of whatever class

    def renamed(self, short):
        """The text with each name of `short` replaced."""
        lines = self.text.splitlines(keepends=True)
        for token in reversed([token for token in _tokens(self.text) if token.string in short]):
            if token.type == tokenize.NAME:
                row, (begin, end) = token.start[0] - 1, (token.start[1], token.end[1])
                lines[row] = lines[row][:begin] + short[token.string] + lines[row][end:]
        return "".join(lines)


def _is_stored(node):
    return isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)


def _is_self(node):
    return isinstance(node, ast.Name) and node.id == "self"


def _tokens(text):
    return tokenize.generate_tokens(io.StringIO(text).readline)


def _imports(tree, module):
    """(local name, module that it comes from) of each import."""
    package = module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = ".".join(filter(None, [package if node.level else "", node.module]))
            yield from ((alias.asname or alias.name, origin or alias.name) for alias in node.names)


def _root(node):
    """The name that `name.attribute.attribute` begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _short_names(files):
    """{private name: short name}: the colours of a graph in which names are joined that must not be the same."""
    groups = _groups(files)
    defined = set().union(*(file.defined for file in files))
    kept = set().union(*(file.kept for file in files))
    chosen = set().union(*(file.private for file in files)) & defined - kept
    taken = set().union(*(file.names for file in files)) - chosen
    places = {name: [place for place, group in enumerate(groups) if name in group] for name in chosen}
    used = [set() for _ in groups]
    short = {}
    for name in sorted(chosen, key=lambda name: (-len(places[name]), name)):
        for candidate in _candidates():
            if candidate not in taken and not any(candidate in used[place] for place in places[name]):
                break
        short[name] = candidate
        for place in places[name]:
            used[place].add(candidate)
    return short


def _groups(files):
    """The private names of each file, together with those of the files that its classes inherit from."""
    groups = []
    for file in files:
        modules, names = set(file.related), set(file.private)
        for other in [group for group in groups if group[0] & modules]:
            groups.remove(other)
            modules |= other[0]
            names |= other[1]
        groups.append((modules, names))
    return [names for _, names in groups]


def _candidates():
    letters = string.ascii_letters
    for size in itertools.count(1):
        for combination in itertools.product(letters, repeat=size):
            yield "_" + "".join(combination)
