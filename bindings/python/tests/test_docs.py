"""The examples in the documentation."""

import doctest

import newcomer
import pytest
import tslog
from tslog import TSBatch, TSLog, TSReader

CLASSES = [TSLog, TSReader, TSBatch]
METHODS = [
    getattr(owner, name)
    for owner in CLASSES
    for name in sorted(vars(owner))
    if not name.startswith("_") and callable(getattr(owner, name))
]


@pytest.mark.parametrize("thing", [tslog, *CLASSES, *METHODS], ids=lambda t: t.__name__)
def test_the_example_in_the_documentation_of_each_public_name_runs(thing, folder):
    names = {"TSLog": TSLog, "TSReader": TSReader, "folder": folder}
    example = doctest.DocTestParser().get_doctest(thing.__doc__, names, thing.__name__, None, 0)
    assert example.examples, f"{thing.__name__} has no example"
    options = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=options)
    runner.run(example)
    assert runner.failures == 0


def test_every_public_name_has_documentation():
    named = [getattr(tslog, name) for name in tslog.__all__]
    properties = [vars(owner)[name] for owner in CLASSES for name in vars(owner) if name[0] != "_"]
    missing = [thing for thing in named + properties if not (thing.__doc__ or "").strip()]
    assert missing == []


def test_the_programs_of_the_readme_run_in_their_order(folder, monkeypatch):
    folder.mkdir()
    monkeypatch.chdir(folder)
    newcomer.main(["pandas"])
