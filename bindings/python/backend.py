"""Builds the wheel: maturin builds the library, and the command `tslog` goes in beside it.

The command is a program, not a call into the library: it starts copies of itself, and a pipe or
an interrupt ends it as it ends any other program.
"""

import json
import shutil
import subprocess
from pathlib import Path

import maturin
from maturin import (  # noqa: F401 - the hooks that need nothing more
    get_requires_for_build_editable,
    get_requires_for_build_wheel,
)

HERE = Path(__file__).resolve().parent
COMMAND = HERE.parent.parent / "crates" / "tslog-cli" / "Cargo.toml"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Hook of PEP 517."""
    build_command()
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """Hook of PEP 660."""
    build_command()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory, config_settings=None):
    """Hook of PEP 517; refused, for the log and its command lie outside of this folder."""
    raise SystemExit("expected a wheel; a source archive would lack the log: run pip wheel .")


def build_command():
    """Builds the program `tslog` and puts it where maturin takes scripts from."""
    if not COMMAND.exists():
        raise SystemExit(f"expected the source of the command at {COMMAND}: build in a checkout")
    # Artifacts are asked for, not guessed: where they are written depends on the user's set-up.
    build = subprocess.run(
        ["cargo", "build", "--release", "--locked", "--message-format=json-render-diagnostics"]
        + ["--manifest-path", str(COMMAND)],
        stdout=subprocess.PIPE,
        check=True,
    )
    messages = [json.loads(line) for line in build.stdout.splitlines()]
    program = next(m["executable"] for m in messages if m.get("executable"))
    scripts = HERE / "build" / "tslog.data" / "scripts"
    scripts.mkdir(parents=True, exist_ok=True)
    shutil.copy2(program, scripts / "tslog")
