"""Fits beside other packages': CPU seconds of whole processes, alternating, medians.

The peers are installed from their packages into environments of their own:

    python bench/fit_peers.py --runs chinchilla-epoch-svg.csv --slaw ENV/bin/scaling-laws
        --python ENV/bin/python [--slow]

Each of vpnls, optiscale and chinchilla that `--python` can import is run; `--slow` adds the ones
that take minutes. Ratios of one run are comparable, seconds of different machines are not.
Objectives differ and are named; the last column is how far the program's constants lie above the
optimum of the sum of Huber's function (1e-3) of log residuals, which isoflop's own reach.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

READ = """
import csv, json, sys
import numpy as np
rows = list(csv.DictReader(open(sys.argv[1])))
N, D, L = (np.array([float(r[k]) for r in rows]) for k in ("N", "D", "loss"))
def show(E, A, alpha, B, beta):
    print("\\nPARAMETERS", json.dumps(dict(E=float(E), A=float(A), alpha=float(alpha),
                                           B=float(B), beta=float(beta))))
"""

VPNLS = """
from vpnls.api import fit_vpnls, huber
r = fit_vpnls(N, D, L, resolution=RESOLUTION, loss=huber(1e-3))
show(r.E, r.A, r.alpha, r.B, r.beta)
"""

OPTISCALE = """
from optiscale.fit import fit_chinchilla
p = fit_chinchilla(N, D, L, method="METHOD", huber_delta=1e-3, bootstrap=RESAMPLES).params
show(p.E, p.A, p.alpha, p.B, p.beta)
"""

#: The README's ranges; its own grid is 5 points a side.
CHINCHILLA = """
import shutil, tempfile
from functools import partial
from pathlib import Path
from chinchilla import Chinchilla
from chinchilla._metrics import log_huber
folder = tempfile.mkdtemp()
lines = ["C,N,D,loss"] + [f"{6*n*d!r},{n!r},{d!r},{l!r}" for n, d, l in zip(
    N.tolist(), D.tolist(), L.tolist())]
Path(folder, "df.csv").write_text("\\n".join(lines))
def loss(y_true, y_pred):
    return log_huber(y_true, y_pred, delta=1e-3)
line = np.linspace
cc = Chinchilla(folder, param_grid=dict(E=line(1, 2, SIDE), a=line(1, 10, SIDE),
    b=line(1, 10, SIDE), alpha=line(0.1, 0.7, SIDE), beta=line(0.1, 0.7, SIDE)), loss_fn=loss)
cc.fit(parallel=False)
p = cc.params
show(p["E"], p["A"], p["alpha"], p["B"], p["beta"])
shutil.rmtree(folder)
"""

#: program -> (package, script); the slow ones run once.
FAST = {
    "vpnls, grid 0.01, raw Huber": ("vpnls", VPNLS.replace("RESOLUTION", "0.01")),
    "optiscale, default start, raw Huber": (
        "optiscale",
        OPTISCALE.replace("METHOD", "lbfgs").replace("RESAMPLES", "0"),
    ),
    "optiscale, its grid": (
        "optiscale",
        OPTISCALE.replace("METHOD", "grid").replace("RESAMPLES", "0"),
    ),
}
SLOW = {
    "vpnls, grid 0.002": ("vpnls", VPNLS.replace("RESOLUTION", "0.002")),
    "optiscale, 1,000 resamples": (
        "optiscale",
        OPTISCALE.replace("METHOD", "lbfgs").replace("RESAMPLES", "1000"),
    ),
    "chinchilla, 3^5 starts, log Huber": ("chinchilla", CHINCHILLA.replace("SIDE", "3")),
    "chinchilla, README's 5^5 starts": ("chinchilla", CHINCHILLA.replace("SIDE", "5")),
}


def cpu_seconds(command: list[str]) -> tuple[float, str]:
    """Run a command; return the CPU seconds of it and its children, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def write_tables(source: Path, folder: Path) -> tuple[Path, Path]:
    """Write Epoch AI's 240 points with our names and with simple-scaling-laws'."""
    with source.open() as file:
        rows = [r for r in csv.DictReader(file) if r["epoch_outlier"] == "0"]
    ours, theirs = folder / "runs.csv", folder / "slaw.csv"
    names = (
        ["N", "D", "loss"],
        [
            "training_run_id",
            "model_size__parameters",
            "dataset_size__tokens",
            "test_loss__nats",
        ],
    )
    for path, header in zip((ours, theirs), names, strict=True):
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            for i, r in enumerate(rows):
                values = [r["params_N"], r["tokens_D"], r["loss"]]
                writer.writerow(values if path == ours else [f"r{i}", *values])
    return ours, theirs


def above_optimum(path: Path, printed: str, best: float) -> str:
    """Return the objective of the constants a child printed over the best one, or nothing."""
    lines = [x for x in printed.splitlines() if x.startswith("PARAMETERS ")]
    if not lines:
        return ""
    import numpy as np

    from isoflop.fit.noise import parse_noise, terms
    from isoflop.laws import get

    values = json.loads(lines[-1].removeprefix("PARAMETERS "))
    with path.open() as file:
        rows = list(csv.DictReader(file))
    N, D, loss = (np.array([float(r[k]) for r in rows]) for k in ("N", "D", "loss"))
    r = np.log(get("chinchilla")(N, D, **values) / loss)
    rho = terms(parse_noise("huber:1e-3"), r[None], np.array([[1e-3]]))[0].sum()
    constants = " ".join(f"{name} {x:.5g}" for name, x in values.items())
    return f"{100 * (rho / best - 1):+9.3f} %  {constants}"


def compare(title: str, programs: dict[str, list[str]], repeats: int, runs: Path) -> None:
    """Time the programs in turns and print their medians, ratios and objectives."""
    times: dict[str, list[float]] = {program: [] for program in programs}
    printed: dict[str, str] = {}
    for _ in range(repeats):
        for program, command in programs.items():
            seconds, printed[program] = cpu_seconds(command)
            times[program].append(seconds)
    best = json.loads(printed["isoflop"])["objective"]
    ours = statistics.median(times["isoflop"])
    for program, measured in times.items():
        median = statistics.median(measured)
        gap = above_optimum(runs, printed[program], best)
        print(f"{title:22} {program:36} {median:8.3f} CPU s {median / ours:8.2f} x {gap}")


def scripts(python: str, runs: Path, known: dict[str, tuple[str, str]]) -> dict[str, list[str]]:
    """Return the commands of the programs whose package an interpreter can import."""
    found = {}
    for program, (package, script) in known.items():
        there = subprocess.run(
            [python, "-c", f"import {package}"], check=False, capture_output=True
        )
        if there.returncode == 0:
            found[program] = [python, "-c", READ + script, str(runs)]
        else:
            print(f"{program}: {package} is not installed for {python}")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Fits beside other packages.")
    parser.add_argument("--runs", type=Path, required=True, help="Epoch AI's digitised points")
    parser.add_argument("--slaw", help="the command scaling-laws of simple-scaling-laws")
    parser.add_argument("--python", help="a Python that has vpnls, optiscale or chinchilla")
    parser.add_argument("--slow", action="store_true", help="also those that take minutes")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs, theirs = write_tables(arguments.runs, folder)
        fit = [sys.executable, "-m", "isoflop", "fit", str(runs), "--no-sensitivity", "--json"]
        point = {"isoflop": [*fit, "--bootstrap", "0"]}
        samples = {"isoflop": [*fit, "--bootstrap", "1000", "--method", "case"]}
        if arguments.slaw:
            out = str(folder / "fit.slaw")
            command = f"rm -rf {out} && {arguments.slaw} fit {theirs} -o {out} --quiet"
            samples["simple-scaling-laws, squared"] = ["sh", "-c", command]
        if arguments.python:
            compare(
                "point fit",
                point | scripts(arguments.python, runs, FAST),
                arguments.repeats,
                runs,
            )
        compare("fit and 1,000 samples", samples, arguments.repeats, runs)
        if arguments.slow and arguments.python:
            compare("point fit, once", point | scripts(arguments.python, runs, SLOW), 1, runs)


if __name__ == "__main__":
    main()
