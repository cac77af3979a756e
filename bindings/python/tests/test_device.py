"""Programs for devices run as they are."""

import subprocess
import sys
from pathlib import Path

import pytest
from tslog import TSLog

EXAMPLE = Path(__file__).parents[3] / "examples" / "python" / "device.py"


def device(*arguments):
    command = [sys.executable, "-m", "tslog.device", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_example_stores_sends_acknowledges_and_goes_on_after_the_power_was_cut(folder):
    first = device(EXAMPLE, "--root", folder, "--for", 3, "--speed", 20)
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    assert lines[0] == "opened with 0 readings"
    sent = [line for line in lines if line.startswith("sent ")]
    assert len(sent) > 40
    acknowledged = [int(line.split()[-1]) for line in lines if line.startswith("acknowledged")]
    assert acknowledged == list(range(10, len(sent) + 1, 10))[: len(acknowledged)]
    with TSLog.open(folder / "readings") as log:
        assert log.stats().seqn % 5 == 0
        assert log.stats().seqn >= len(sent)
        reader = log.reader(0)
        assert reader.cursor >= acknowledged[-1]
        rest = [log.stats().seqn, reader.cursor]
    second = device(EXAMPLE, "--root", folder, "--for", 2, "--speed", 20)
    assert second.stdout.startswith(f"opened with {rest[0]} readings\nsent (")


def test_sleep_thread_and_now_follow_the_clock_of_the_device(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        """
import time
done = []
def work(a, b):
    sleep(1000)
    done.append(a + b)
begin = time.now()
assert isinstance(begin, int)
thread(work, 1, 2)
while not done:
    sleep(10)
print(done, 1 <= time.now() - begin <= 900)
with open("/zerynth/note.txt", "w") as note:
    note.write("kept")
"""
    )
    ran = device(script, "--root", folder, "--speed", 10)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("[3] True\n", "", 0)
    assert (folder / "note.txt").read_text() == "kept"


def test_threads_of_the_device_go_on_after_the_main_program_has_ended(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def work():\n    sleep(100)\n    print('done')\nthread(work)\n")
    assert device(script, "--root", folder, "--speed", 10).stdout == "done\n"


def test_lines_of_several_threads_are_printed_whole(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        """
def work(who):
    for i in range(3000):
        print("=>", (who, i))
for who in range(3):
    thread(work, who)
print("a", "b", sep="-", end=None)
"""
    )
    ran = device(script, "--root", folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert sorted(lines) == sorted(["a-b", *(f"=> ({w}, {i})" for w in range(3) for i in range(3000))])


def test_a_log_that_is_opened_by_its_folder_lies_in_the_root_too(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        """
from tslog import tslog
tslog.TSLog("/zerynth/a", ["Q"]).close()
print(tslog.TSLog.open("/zerynth/a").formats)
"""
    )
    ran = device(script, "--root", folder)
    assert (ran.stdout, ran.stderr) == ("['<Q']\n", "")
    assert (folder / "a").is_dir()


def test_an_error_of_the_program_is_shown_and_is_its_status(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from tslog import tslog\ntslog.TSLog('/zerynth/a', formats=['z'])\n")
    ran = device(script, "--root", folder)
    assert ran.returncode == 1
    assert "bad format at character 1" in ran.stderr


def test_a_program_whose_output_nobody_reads_any_more_ends_without_a_word(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def speak():\n    while True:\n        print('here')\nthread(speak)\n")
    command = [sys.executable, "-m", "tslog.device", script, "--root", folder, "--for", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == b""
        assert program.wait() == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["none.py"], "there is no file none.py"),
        ([EXAMPLE, "--speed", "0"], "expected a number above 0, got 0"),
        ([EXAMPLE, "--for", "-1"], "expected a number above 0, got -1"),
        ([EXAMPLE, "--for", "soon"], "expected a number above 0, got soon"),
    ],
)
def test_wrong_arguments_are_named(folder, arguments, why):
    ran = device(*arguments, "--root", folder)
    assert ran.returncode != 0
    assert why in ran.stderr
