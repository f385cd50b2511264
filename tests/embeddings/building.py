"""What tests of builds share: an encoder that remembers, aged files, a build in a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import CountingEncoder

ALPHABET = "济南天桥高新区党建园产业企"


class Recording(CountingEncoder):
    """Remembers what it was asked to encode, and can be made to fail."""

    def __init__(self) -> None:
        super().__init__(ALPHABET)
        self.encoded: list[str] = []
        self.fail_after: int | None = None

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.fail_after is not None and len(self.encoded) >= self.fail_after:
            raise KeyboardInterrupt
        self.encoded.extend(texts)
        return super().encode_passages(texts)


def write(path: Path, text: str, age: float = 3600.123456789) -> Path:
    """Write a file that was last changed `age` seconds ago, so that a scan can rely on that."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    changed = time.time_ns() - int(age * 1e9)
    os.utime(path, ns=(changed, changed))
    return path


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return time, inode and content of everything in a folder, to see that nothing was written."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        stat = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (stat.st_mtime_ns, stat.st_ino, content)
    return found


_BUILD = """
import os, signal, sys
from pathlib import Path
from embeddings import build as module
from embeddings.lexical import Tokenizer
from embeddings.model import home
from tests.embeddings.building import Recording
stage, steps, batch = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
module.BATCH = batch
def tell(at):
    if at.stage == stage and at.done >= steps:
        os.kill(os.getpid(), signal.SIGKILL)
module.build(Path(sys.argv[1]), Path(sys.argv[2]), Recording(), Tokenizer(home() / "jieba"),
             on_progress=tell)
"""


def build_and_kill(root: Path, index: Path, stage: str, steps: int, batch: int = 2) -> None:
    """Build in a process that kills itself when `steps` of a stage are done and committed."""
    done = subprocess.run(
        [sys.executable, "-c", _BUILD, str(root), str(index), stage, str(steps), str(batch)],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == -9
