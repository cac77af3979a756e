"""What tests share. Logs lie in memory where they can: a sync is then no wait."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None

hypothesis.settings.register_profile("whole", deadline=None, max_examples=600)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=100)
hypothesis.settings.load_profile("whole")


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "how often a writing process is killed"
    parser.addoption("--kills", type=int, default=300, help=text)
    parser.addoption("--seed", type=int, help="of what the kills draw; random by default")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Shown where a test fails, to be given again."""
    given = request.config.getoption("--seed")
    seed = random.randrange(1 << 32) if given is None else int(given)
    print(f"run again with --seed {seed}")
    return seed


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a log, not made yet."""
    path = Path(tempfile.mkdtemp(prefix="tslog-", dir=MEMORY))
    yield path / "log"
    shutil.rmtree(path)
