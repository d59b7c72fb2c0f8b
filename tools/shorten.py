"""Names made short, in what is compiled for a board: `_unconfirmed` becomes `find`, `handshake_failure` becomes `ab`.

MicroPython keeps every name that it has ever met in the heap, for ever: one costs 15 to 25 bytes, and the firmware has
a thousand. Those that nobody outside `lib` says (public.py) are missed by nobody there. Lines stay where they are;
module names, names that stand in a string, and names that are not `lib`'s own stay as they are.

A short name is used again wherever it cannot be mistaken: two names get different ones only if both stand in the same
file, or in files whose classes inherit from each other. Constants keep their names: MicroPython gives one with an
underscore no room in the heap.
"""

import ast
import io
import itertools
import keyword
import re
import string
import tokenize

# Names that are numbers in the format of .mpy files and never take room; without those that Python itself looks for.
IN_EVERY_MPY = """
    abs all any append bool callable chr copy count dir end eval exec find format hash id index insert int isalpha
    isdigit islower isspace isupper iter join key len list little lower lstrip main map object ord pop popitem pow print
    range remove repr reverse rfind rindex round rsplit rstrip self sep set sort sorted split start step stop str strip
    sum super tuple type update upper zip bytecode classmethod divmod endswith extend from_bytes getattr globals hasattr
    isinstance issubclass locals replace setattr setdefault startswith staticmethod to_bytes
    """.split()  # noqa: SIM905 (a list of so many is a page)
# Names that every chip has in its firmware, of modules whose names nobody looks for in an object: they take no room in
# the heap either. With one's own names there are 620, after which MicroPython wants 4,480 bytes in one piece.
IN_EVERY_CHIP = """
    acos asin atan atan2 ceil copysign cos degrees exp fabs floor fmod frexp isfinite isinf isnan ldexp modf radians
    sqrt trunc choice getrandbits randint randrange seed uniform gmtime localtime mktime ticks_cpu ticks_us time_ns
    calcsize pack_into unpack_from hexlify unhexlify
    """.split()  # noqa: SIM905
# MicroPython's compiler takes a call of these for the real one, whatever else has the name in the file.
_COMPILED = {"range", "super"}
_PREFIX = re.compile(r"[A-Za-z_]\w*_")  # what a name is put together from: getattr(self, "on_" + kind)


def shorten(sources, known=frozenset(), given=frozenset()):
    """{module: text} -> the same with short names. `module` is a dotted name, `known` are names that must stay.

    `given`: names that others may give to attributes of these objects, and that are therefore no short ones.
    """
    files = [_File(module, text) for module, text in sources.items()]
    short = _short_names(files, known, given)
    return {file.module: file.renamed(short) for file in files}


def short_names(sources, known=frozenset()):
    """{name: the short one that `shorten` gives it}."""
    return _short_names([_File(module, text) for module, text in sources.items()], known)


class _File:
    """What one source has to say about names."""

    def __init__(self, module, text):
        self.module = module
        self.text = text
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self._tokens = [token for token in _tokens(text) if token.type == tokenize.NAME]
        self.names = {token.string for token in self._tokens}
        self.remembered = set(_remembered(self.nodes))
        self.strings = {node.value for node in self.nodes if _is_text(node)}
        self.imports = list(_imports(self.nodes, module))
        origins = dict(self.imports)
        bases = [_root(base) for node in self.nodes if isinstance(node, ast.ClassDef) for base in node.bases]
        # Modules with which it shares objects: by inheritance.
        self.related = {module, *(origins[base] for base in bases if base in origins)}

    def renamed(self, short):
        """The text with each name of `short` replaced."""
        lines = self.text.splitlines(keepends=True)
        for token in reversed([token for token in self._tokens if token.string in short]):
            row, (begin, end) = token.start[0] - 1, (token.start[1], token.end[1])
            lines[row] = lines[row][:begin] + short[token.string] + lines[row][end:]
        return "".join(lines)


def _tokens(text):
    return tokenize.generate_tokens(io.StringIO(text).readline)


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _remembered(nodes):
    """The names defined here for which MicroPython needs room: all but those of local variables."""
    for scope in nodes:
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield scope.name
        elif isinstance(scope, ast.arg):
            yield scope.arg
        elif isinstance(scope, ast.Attribute) and isinstance(scope.ctx, ast.Store):
            if isinstance(scope.value, ast.Name) and scope.value.id == "self":
                yield scope.attr
        if isinstance(scope, ast.Module | ast.ClassDef):
            yield from _stored(scope)


def _stored(scope):
    """Names that are assigned to in a module's or a class's own lines."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _stored(node)


def _constants(tree):
    """`_NAME = const(...)`: the compiler puts the number in its place, as long as the name has its underscore."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _root(node.value.func) == "const":
            yield from (target.id for target in node.targets if target.id.startswith("_"))


def _imports(nodes, module):
    """(local name, module that it comes from) of each import."""
    package = module.rpartition(".")[0]
    for node in nodes:
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


def _short_names(files, known, given=frozenset()):
    """{name: short name}: the colours of a graph in which names are joined that must not be the same."""
    chosen = _chosen(files, known)
    groups = _groups(files)
    places = {name: [place for place, group in enumerate(groups) if name in group] for name in chosen}
    taken = [group - chosen | given for group in groups]
    short = {}
    for name in sorted(chosen, key=lambda name: (-len(places[name]), name)):
        for candidate in _candidates():
            if not any(candidate in taken[place] for place in places[name]):
                break
        short[name] = candidate
        for place in places[name]:
            taken[place].add(candidate)
    return short


def _chosen(files, known):
    strings = set().union(*(file.strings for file in files))
    prefixes = tuple(text for text in strings if _PREFIX.fullmatch(text))
    modules = {part for file in files for part in file.module.split(".")}
    kept = strings | modules | known | set(IN_EVERY_MPY) | set(_said_to_strangers(files))
    for file in files:
        kept |= set(_constants(file.tree)) | _strangers(file, modules)
    return {
        name
        for file in files
        for name in file.remembered - kept
        if len(name.strip("_")) > 1 and not name.endswith("__") and not name.startswith(prefixes)
    }


def _strangers(file, modules):
    """Names that belong to modules which are not `lib`'s: `from cryptolib import aes`, `time.ticks_ms`."""
    foreign = set()
    for node in file.nodes:
        if isinstance(node, ast.ImportFrom) and not node.level and node.module.split(".")[0] not in modules:
            foreign.update(alias.name for alias in node.names)
    imported = {name for name, origin in file.imports if origin.split(".")[0] not in modules}
    for node in file.nodes:
        if isinstance(node, ast.Attribute) and _root(node) in imported:
            foreign.add(node.attr)
    return foreign


def _said_to_strangers(files):
    """Names of arguments in calls of what is not defined here, or takes them as data: `emit(name, **data)`."""
    parameters = _parameters(files)
    for call in [node for file in files for node in file.nodes if isinstance(node, ast.Call)]:
        called = call.func.attr if isinstance(call.func, ast.Attribute) else _root(call.func)
        for argument in call.keywords:
            if not all(argument.arg in own for own in parameters.get(called, [set()])):
                yield argument.arg


def _parameters(files):
    """{name of a function or class: [the names of its parameters, one set for each that is called so]}."""
    found = {}
    for node in [node for file in files for node in file.nodes]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.setdefault(node.name, []).append(_own_parameters(node))
        elif isinstance(node, ast.ClassDef):
            makers = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
            # Without a maker of its own it is made by that of a base, which may be a stranger's.
            found.setdefault(node.name, []).extend([_own_parameters(each) for each in makers] or [set()])
    return found


def _own_parameters(function):
    if function.args.kwarg:
        return set()  # what it is told is data
    return {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}


def _groups(files):
    """The names of each file, together with those of the files that its classes inherit from."""
    groups = []
    for file in files:
        modules, names = set(file.related), set(file.names)
        for other in [group for group in groups if group[0] & modules]:
            groups.remove(other)
            modules |= other[0]
            names |= other[1]
        groups.append((modules, names))
    return [names for _, names in groups]


def _candidates():
    yield from (name for name in IN_EVERY_MPY if name not in _COMPILED)
    yield from IN_EVERY_CHIP
    for size in itertools.count(1):
        for letters in itertools.product(string.ascii_letters, repeat=size):
            name = "".join(letters)
            if not keyword.iskeyword(name):
                yield name
