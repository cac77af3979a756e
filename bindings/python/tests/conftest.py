"""What tests share. Logs lie in memory where they can: a sync is then no wait."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a log, not made yet."""
    path = Path(tempfile.mkdtemp(prefix="tslog-", dir=MEMORY))
    yield path / "log"
    shutil.rmtree(path)
