"""Measures the sources: lengths of functions and files, types, docstrings, import cycles.

    python -m tests.support.code_metrics     prints the figures

Only Python is measured, by its syntax tree. A name is public if neither it nor its module begins
with an underscore.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

from tests.support.paths import ROOT

PACKAGES = (ROOT / "service/off_tanet", ROOT / "model_export/off_tanet_export")
TESTS = ROOT / "tests"
REFERENCE = ROOT / "docs/reference.md"
README = ROOT / "README.md"

FUNCTION_LINES = 50
FILE_LINES = 300

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Module:
    """A source file and its syntax tree. `name` is dotted, `lines` the file's length."""

    path: Path
    name: str
    lines: int
    tree: ast.Module


def modules(folder: Path) -> list[Module]:
    """The modules of a package, or of the tests."""
    return [_module(path, folder.parent) for path in sorted(folder.rglob("*.py"))]


def _module(path: Path, root: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    return Module(path, name, len(text.splitlines()), ast.parse(text))


# --- lengths and types ------------------------------------------------------------------------


def functions(module: Module) -> Iterator[Function]:
    """All functions and methods, nested ones included."""
    return (node for node in ast.walk(module.tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the end, the docstring included."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def long_functions(sources: Iterable[Module], limit: int = FUNCTION_LINES) -> list[str]:
    """`path:line name (lines)` of the functions that are longer than `limit`."""
    return [
        f"{module.path.relative_to(ROOT)}:{function.lineno} {function.name} ({length(function)})"
        for module in sources
        for function in functions(module)
        if length(function) > limit
    ]


def long_files(sources: Iterable[Module], limit: int = FILE_LINES) -> list[str]:
    """`path (lines)` of the files that are longer than `limit`."""
    return [
        f"{module.path.relative_to(ROOT)} ({module.lines})"
        for module in sources
        if module.lines > limit
    ]


def is_typed(function: Function) -> bool:
    """Whether each parameter and the return value has an annotation."""
    return function.returns is not None and all(
        each.annotation is not None or each.arg in ("self", "cls") for each in _arguments(function)
    )


def _arguments(function: Function) -> list[ast.arg]:
    given = function.args
    variadic = [each for each in (given.vararg, given.kwarg) if each is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *variadic]


# --- docstrings -------------------------------------------------------------------------------


def public(module: Module) -> Iterator[tuple[str, Definition]]:
    """The public functions and classes of a module, and the public methods of these classes."""
    if any(part.startswith("_") for part in module.name.split(".")):
        return
    for node in _public_definitions(module.tree.body):
        yield f"{module.name}.{node.name}", node
        if isinstance(node, ast.ClassDef):
            for method in _public_definitions(node.body):
                yield f"{module.name}.{node.name}.{method.name}", method


def _public_definitions(body: Iterable[ast.stmt]) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            overload = any(ast.unparse(each).endswith("overload") for each in node.decorator_list)
            if not overload:
                yield node


def is_structured(node: Definition) -> bool:
    """Whether it has a docstring, with `Args:` if it is a function of two parameters or more."""
    docstring = ast.get_docstring(node)
    if docstring is None:
        return False
    if isinstance(node, ast.ClassDef):
        return True
    parameters = [each for each in _arguments(node) if each.arg not in ("self", "cls")]
    return len(parameters) < 2 or re.search(r"^Args:$", docstring, re.M) is not None


def referenced(names: Mapping[str, Definition]) -> dict[str, Definition]:
    """Those of the public `names` that docs/reference.md documents: modules, classes, functions."""
    found: dict[str, Definition] = {}
    for target in re.findall(r"^::: (\S+)$", REFERENCE.read_text(encoding="utf-8"), re.M):
        package, _, last = target.rpartition(".")
        inside = re.compile(rf"{re.escape(target)}\.|{re.escape(package)}\.(\w+\.)*{last}(\.|$)")
        found |= {name: node for name, node in names.items() if inside.match(name)}
    return found


# --- imports ----------------------------------------------------------------------------------


def imports(tree: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def import_cycle(sources: Iterable[Module], depth: int | None = None) -> list[str]:
    """One cycle among the imports, the first name repeated at the end; or nothing.

    `depth` limits dotted names to so many parts: 2 compares the packages and modules directly
    below the top-level package, without it each module is compared with all others.
    """
    known = {module.name: module for module in sources}

    def node(name: str) -> str:
        while name and name not in known:
            name = name.rpartition(".")[0]
        return ".".join(name.split(".")[:depth])

    graph: dict[str, set[str]] = {}
    for module in known.values():
        imported = {node(name) for name in imports(module.tree)}
        graph.setdefault(node(module.name), set()).update(imported - {node(module.name), ""})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


# --- the report -------------------------------------------------------------------------------


def report() -> str:
    """The figures, one a line."""
    sources = [module for package in PACKAGES for module in modules(package)]
    tests = modules(TESTS)
    every = [function for module in sources for function in functions(module)]
    lengths = [length(function) for function in every]
    names = {name: node for module in sources for name, node in public(module)}
    rows = {
        "functions": f"{len(every)}, median {median(lengths):g} lines",
        "functions over 40 lines": _listed(long_functions(sources, 40)),
        f"functions over {FUNCTION_LINES} lines": _listed(long_functions(sources)),
        "files": f"{len(sources)}, median {median(module.lines for module in sources):g} lines",
        f"files over {FILE_LINES} lines": _listed(long_files(sources)),
        f"test files over {FILE_LINES} lines": _listed(long_files(tests)),
        "typed functions": _share(map(is_typed, every)),
        "structured docstrings, reference": _share(map(is_structured, referenced(names).values())),
        "structured docstrings, all public": _share(map(is_structured, names.values())),
        "README lines": len(README.read_text(encoding="utf-8").splitlines()),
        "import cycle of modules": " -> ".join(import_cycle(sources)) or "none",
        "import cycle of packages": " -> ".join(import_cycle(sources, 2)) or "none",
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows.items())


def _listed(found: list[str]) -> str:
    return "\n    ".join([str(len(found)), *found])


def _share(found: Iterable[bool]) -> str:
    flags = list(found)
    return f"{sum(flags)} of {len(flags)} ({sum(flags) / len(flags):.1%})"


if __name__ == "__main__":
    print(report())
