#!/usr/bin/env python3
"""csv_runner_test.py RUNNER: what huiliu-conformance counts as passed and wrong, on small suites in the layout of csv-spectrum."""
import json
import os
import subprocess
import sys
import tempfile

REFUSED = None  # no JSON: the file must be refused

# Each suite: name, {stem: (CSV, JSON)}, the last line.
SUITES = [
    ("rows under a header", {"a": ("x,y\n1,2\n", [{"x": "1", "y": "2"}])}, "passed 1, refused 0, wrong 0"),
    ("rows without a header", {"a": ("1,2\r\n3,4", [["1", "2"], ["3", "4"]])}, "passed 1, refused 0, wrong 0"),
    ("other rows", {"a": ("1,2\n", [["1", "3"]])}, "passed 0, refused 0, wrong 1"),
    ("an empty line is one empty field", {"a": ("x\n\n", [["x"], [""]]), "all-empty": ("\n\n", [[""], [""]])}, "passed 2, refused 0, wrong 0"),
    ("a header and no rows", {"a": ("x,y", []), "b": ("x,y\n", [])}, "passed 2, refused 0, wrong 0"),
    ("rows where there are none", {"a": ("x\n1\n", [])}, "passed 0, refused 0, wrong 1"),
    ("nothing at all has no rows, and is no table", {"a": ("", []), "b": ("", REFUSED)}, "passed 2, refused 0, wrong 0"),
    ("nothing at all where there are rows", {"a": ("", [["1"]])}, "passed 0, refused 0, wrong 1"),
    ("what must be refused", {"a": ('x\n"1\n', REFUSED), "b": ('a"b\n', REFUSED), "c": ("x,y\n1\n", REFUSED)}, "passed 3, refused 0, wrong 0"),
    ("what must be refused and is well formed", {"a": ("x,y\n1,2\n", REFUSED)}, "passed 0, refused 0, wrong 1"),
    ("another header than the suite's", {"header-one": ("x,y\n1,2\n", [{"x": "1", "y": "2"}]), "bad-header-wrong": ("x,z\n1,2\n", REFUSED),
                                         "bad-header-order": ("y,x", REFUSED)}, "passed 3, refused 0, wrong 0"),
    ("the suite's header", {"header-one": ("x,y\n1,2\n", [{"x": "1", "y": "2"}]), "bad-header-none": ("x,y\n", REFUSED)},
     "passed 1, refused 0, wrong 1"),
    ("another header without that name", {"header-one": ("x,y\n1,2\n", [{"x": "1", "y": "2"}]), "bad-one": ("x,z\n1,2\n", REFUSED)},
     "passed 1, refused 0, wrong 1"),
]


def write(path, text):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def main(runner):
    for what, cases, last in SUITES:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("csvs", "json"):
                os.mkdir(os.path.join(folder, name))
            for stem, (csv, expected) in cases.items():
                write(os.path.join(folder, "csvs", stem + ".csv"), csv)
                if expected is not REFUSED:
                    write(os.path.join(folder, "json", stem + ".json"), json.dumps(expected))
            done = subprocess.run([runner, "csv", folder], capture_output=True, text=True)
            got = done.stdout.strip().splitlines()[-1]
            if got != last or (done.returncode == 0) != last.endswith("wrong 0"):
                sys.exit(f"FAILED: {what}: {done.returncode} {done.stdout}")
    print(f"{len(SUITES)} suites")


main(sys.argv[1])
