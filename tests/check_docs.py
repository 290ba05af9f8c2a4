#!/usr/bin/env python3
"""Every document that a file of the repository names, or that a document links to, is there. Exits 1 with file:line."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUFFIXES = {".h", ".cc", ".c", ".md", ".proto", ".txt", ".py", ".yaml", ".sh", ".cmake"}


def main():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.split("\n") if listed.returncode == 0 else [p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*")]
    errors, checked = [], 0
    for name in names:
        path = ROOT / name
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
            named = [ROOT / found for found in re.findall(r"docs/[\w/.-]+\.md", line)]
            if path.suffix == ".md":
                named += [path.parent / found for found in re.findall(r"\]\(([^)#:]+)\)", line)]
            for target in named:
                checked += 1
                if not target.exists():
                    errors.append(f"{name}:{number}: {target.relative_to(ROOT) if target.is_relative_to(ROOT) else target} is not there")
    print("\n".join(errors) if errors else f"{checked} references, all there")
    sys.exit(1 if errors or checked == 0 else 0)


main()
