#!/usr/bin/env python3
"""Every RPC and every field of the protos says what it is: a comment at its end, or on the line before it. Exits 1 with file:line."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent / "proto"
RPC = re.compile(r"^\s*rpc\s+\w+\s*\(")
FIELD = re.compile(r"^\s*(?:repeated\s+|optional\s+)?(?:map<[^>]+>|[\w.]+)\s+\w+\s*=\s*\d+\s*(?:\[.*\])?\s*;")
NOT_A_FIELD = re.compile(r"^\s*(?:option|syntax|package|import|reserved|extensions|return)\b")


def main():
    errors, checked = [], 0
    for path in sorted(ROOT.rglob("*.proto")):
        before, in_enum = "", False
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            in_enum = in_enum and "}" not in line or re.match(r"^\s*enum\s", line) is not None and "}" not in line
            is_field = FIELD.match(line) and not NOT_A_FIELD.match(line) and not in_enum
            if RPC.match(line) or is_field:
                checked += 1
                if "//" not in line and not before.strip().startswith("//"):
                    errors.append(f"{path.relative_to(ROOT.parent)}:{number}: {line.strip()} has no comment")
            before = line
    print("\n".join(errors) if errors else f"{checked} RPCs and fields, all with a comment")
    sys.exit(1 if errors or checked == 0 else 0)


main()
