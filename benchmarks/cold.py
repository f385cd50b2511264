"""How long a question takes from a shell: cold processes, one after the other.

Run: python -m benchmarks.cold [QUESTION] [--runs 10] [--against CHECKOUT]

Each round starts every command once, so that a machine whose clock changes treats them alike. The
files are in the disk's cache: a first round is not counted. `--against` adds the same question in
another checkout of this project, over an index that it builds itself.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parents[1]
QUESTION = "天桥区有多少家直播电商企业？"
LIBRARIES = "import faiss, numpy, onnxruntime"
HEAVY = ("torch", "transformers", "sentence_transformers", "gradio", "onnx", "pandas", "rich")
"""Packages that a question has no use for."""


@dataclass
class Command:
    """A command line, the folder that it runs in, and what its processes took, in seconds."""

    line: list[str]
    folder: Path = HERE
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Start it, wait, and note the times; fails when it fails."""
        before, start = _processor_seconds(), time.perf_counter()
        subprocess.run(self.line, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        self.wall.append(time.perf_counter() - start)
        self.processor.append(_processor_seconds() - before)


def main() -> None:
    """Build an index for each checkout, time the commands, print the table."""
    options = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(options.question, options.against, Path(folder))
        for command in commands.values():
            command.run()
            command.wall.clear()
            command.processor.clear()
        for _ in range(options.runs):
            for command in commands.values():
                command.run()
        _report(commands, options.runs)
        print("\nHeavy packages imported: " + (", ".join(_heavy(commands["wenju ask"])) or "none"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--against", type=Path, help="folder of another checkout")
    return parser.parse_args()


def _commands(question: str, against: Path | None, folder: Path) -> dict[str, Command]:
    python = sys.executable
    commands = {
        "python -c pass": Command([python, "-c", "pass"]),
        f"python -c '{LIBRARIES}'": Command([python, "-c", LIBRARIES]),
        "wenju ask": _ask(question, HERE, folder / "own"),
    }
    if against is not None:
        commands[f"wenju ask in {against.name}"] = _ask(question, against, folder / "other")
    return commands


def _ask(question: str, checkout: Path, index: Path) -> Command:
    """Build an index over the seeds of `checkout` and return the command that asks it."""
    wenju = [sys.executable, "-m", "qa.cli"]
    build = [*wenju, "build", "seeds", "--index", str(index)]
    subprocess.run(build, cwd=checkout, check=True, stdout=subprocess.DEVNULL)
    return Command([*wenju, "ask", question, "--index", str(index)], checkout)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _report(commands: dict[str, Command], runs: int) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    print(f"{runs} cold processes each, warm disk\n")
    print("| command | median s | lowest | highest | processor s |")
    print("|---|--:|--:|--:|--:|")
    for name, command in commands.items():
        times = [statistics.median(command.wall), min(command.wall), max(command.wall)]
        cells = [f"{value:.2f}" for value in [*times, statistics.median(command.processor)]]
        print(f"| {name} | {' | '.join(cells)} |")


def _heavy(command: Command) -> list[str]:
    """Return which of `HEAVY` one more process of a command imports."""
    line = [command.line[0], "-X", "importtime", *command.line[1:]]
    done = subprocess.run(line, cwd=command.folder, check=True, capture_output=True)
    lines = done.stderr.decode("utf-8", "replace").splitlines()
    return sorted({text.rpartition("|")[2].strip() for text in lines} & set(HEAVY))


if __name__ == "__main__":
    main()
