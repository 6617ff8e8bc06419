"""Imports run downwards only, and nothing heavy is imported before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import isoflop

SOURCE = Path(isoflop.__file__).parent

#: The picture of the architecture: a module imports from its own line or an earlier one.
LINES = [
    {"errors", "units", "samples", "entry"},
    {"runs"},
    {"laws"},
    {"fit"},
    {"validate"},
    {"design", "plan"},
    {"store", "train"},
    {"protocols"},
    {"report"},
    {"cli", "app", "__main__"},
]
LEVEL = {layer: level for level, line in enumerate(LINES) for layer in line}
MODULES = sorted(SOURCE.rglob("*.py"))


def layer_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Layers of isoflop that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
            if node.module == "isoflop":
                names = [f"isoflop.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("isoflop.")}
    return found & LEVEL.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_downwards(path):
    layer = layer_of(path)
    if layer == "__init__":
        return  # the package itself names the layers lazily; the import budget below holds it
    for other in imports(path) - {layer}:
        together = other in LINES[0] and layer in LINES[0]
        start = (layer, other) == ("__main__", "cli")
        assert LEVEL[other] < LEVEL[layer] or together or start, f"{layer} imports {other}"


def test_every_module_has_a_layer():
    assert {layer_of(path) for path in MODULES} - {"__init__"} <= LEVEL.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_no_pickle_no_eval(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & {"pickle", "dill", "marshal"}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile"}


def loaded(code: str) -> set[str]:
    """Top-level packages in sys.modules after running some code in a fresh Python."""
    script = f"import sys\n{code}\nprint(*{{m.split('.')[0] for m in sys.modules}})"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(out.stdout.splitlines()[-1].split())


HEAVY = {"torch", "sympy", "plotly", "jinja2", "pandas", "polars", "pyarrow", "scipy", "tokenizers"}


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import isoflop", HEAVY | {"numpy", "click", "msgspec", "rich"}),
        (
            "from isoflop.cli.main import run\nimport contextlib, io\n"
            "with contextlib.redirect_stdout(io.StringIO()): run(['--help'])",
            HEAVY | {"numpy", "msgspec", "rich"},
        ),
        ("import isoflop.fit, isoflop.runs.io", HEAVY),
        ("import isoflop.protocols.study", HEAVY),
        ("import isoflop.report", HEAVY),
        (
            "from isoflop.cli.main import run\nimport contextlib, io\n"
            "with contextlib.redirect_stdout(io.StringIO()):\n"
            "    run(['plan', '--law', 'chinchilla', '--budget', '1e23', '--serve', '2T'])\n"
            "    run(['serve', 'Llama-3-8B'])\n    run(['moe', '--budget', '1e22'])\n"
            "    run(['inference', 'vote', '--p', '0.6,0.4', '--n', '5'])",
            HEAVY,
        ),
    ],
)
def test_import_budget(code, absent):
    assert not loaded(code) & absent


def cpu_seconds(arguments: list[str]) -> float:
    """CPU seconds of a fresh Python."""
    script = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)\n"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(u.ru_utime + u.ru_stime)"
    )
    command = [sys.executable, "-c", script, sys.executable, *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_help_costs_little():
    """Less than 0.15 CPU seconds more than bare Python; noise only adds, so once is enough."""
    bare = min(cpu_seconds(["-c", "pass"]) for _ in range(5))
    costs = (cpu_seconds(["-m", "isoflop", "--help"]) - bare for _ in range(30))
    assert any(cost < 0.15 for cost in costs)
