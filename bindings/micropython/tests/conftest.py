"""What the tests of both implementations share."""

import shutil
import tempfile
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


def pytest_addoption(parser):
    parser.addoption("--seeds", type=int, default=30, help="how many random stories of a kind")


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("--seeds")))


@pytest.fixture
def folder():
    path = Path(tempfile.mkdtemp(dir=MEMORY))
    yield path / "log"
    shutil.rmtree(path)
