#!/usr/bin/env python3
"""cel_runner_test.py RUNNER: what huiliu-conformance counts as passed, refused and wrong, on a few cases; and our own vectors."""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(runner, path):
    done = subprocess.run([runner, "cel", path], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stdout.strip().splitlines()[-1]


def suite(section, expr, **expected):
    return {"name": section, "tests": [{"original": {"name": "one", "expr": expr, **expected}}]}


def main(runner):
    error = {"evalError": {"errors": [{"message": "any"}]}}
    cases = [
        ("a value as expected", suite("x", "1 + 1 == 2"), 0, "passed 1, refused 0, wrong 0"),
        ("another value", suite("x", "1 + 1 == 3"), 1, "passed 0, refused 0, wrong 1"),
        ("no expression where a value is expected", suite("x", "((("), 1, "passed 0, refused 0, wrong 1"),
        ("types that do not fit where a value is expected", suite("x", "1 + 'a' == 2"), 1, "passed 0, refused 0, wrong 1"),
        ("an unknown name where a value is expected", suite("x", "nobody == 2"), 1, "passed 0, refused 0, wrong 1"),
        ("the same where an error is expected", suite("x", "1 + 'a'", **error), 0, "passed 1, refused 0, wrong 0"),
        ("what is not supported", suite("x", "math.abs(-1) == 1"), 0, "passed 0, refused 1, wrong 0"),
        ("what is not supported, in a section that is whole", suite("logic", "math.abs(-1) == 1"), 1, "passed 0, refused 0, wrong 1"),
    ]
    for what, case, code, last in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "cases.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"name": "cases", "suites": [case]}, file)
            got = run(runner, path)
            if (got[0], got[2]) != (code, last):
                sys.exit(f"FAILED: {what}: {got}")
    code, out, last = run(runner, os.path.join(ROOT, "tests/conformance/cel/own.json"))
    if code != 0 or not last.endswith("refused 2, wrong 0"):
        sys.exit(f"FAILED: our own vectors: {out}")
    print(f"{len(cases)} cases, and our own vectors: {last}")


main(sys.argv[1])
