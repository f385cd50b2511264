"""A command of Wenju over an index that was made with `ENCODER`: all of it but the real weights."""

from __future__ import annotations

import sys
from unittest.mock import patch

from qa.cli import main
from tests.generations import ENCODER

if __name__ == "__main__":
    with patch("qa.bot.open_encoder", lambda _: ENCODER):
        main(sys.argv[1:])
