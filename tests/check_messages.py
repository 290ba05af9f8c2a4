#!/usr/bin/env python3
"""What a person is refused with is said in Chinese and in English. Exits 1 with file:line of each error that is not."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ["adapters", "broker", "cli", "core/base", "core/cel", "core/model", "core/rules", "core/schema", "core/territory"]
# The words of another product's protocol; the kit for those who write plugins; verbs with words of their own.
LEFT_OUT = ["broker/service/schema_registry.cc", "adapters/sdk/testkit/", "broker/backbone/memory/",
            # Contracts between our own modules: whoever breaks one mends the code.
            "broker/lineage/checkpoint.cc", "broker/lineage/entry.cc", "broker/lineage/export_writer.cc", "broker/lineage/store/tile_tree.cc",
            "broker/backbone/topic.cc", "broker/catalog/rocksdb/delta_builder.cc", "core/territory/attributor.cc"]
# Errors that somebody can mend by doing something else, and the functions that make such errors. INTERNAL and DATA_LOSS are bugs
# and broken disks.
MADE = r"(?<!void )\b((?:InvalidArgument|NotFound|AlreadyExists|FailedPrecondition|PermissionDenied|ResourceExhausted|Aborted|OutOfRange|Unauthenticated)Error|Fail|Wrong|Refuse|NoPlugin)\("
HAN = re.compile(r"[\u4e00-\u9fff]")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def arguments(text, begin):
    """The text between the parenthesis before `begin` and its end."""
    depth, at = 1, begin
    while at < len(text):
        if text[at] == '"':
            found = LITERAL.match(text, at)
            at = found.end() if found else at + 1
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            break
        at += 1
    return text[begin:at]


def main():
    errors, checked = [], 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix not in {".cc", ".h"} or any(name.startswith(left) for left in LEFT_OUT):
                continue
            text = path.read_text(encoding="utf-8")
            for made in re.finditer(MADE, text):
                said = "".join(LITERAL.findall(arguments(text, made.end())))
                words = re.findall(r"[a-z]{2,}", said)
                if len(words) < 2:
                    continue
                checked += 1
                if not HAN.search(said):
                    errors.append(f"{name}:{text.count(chr(10), 0, made.start()) + 1}: no Chinese: {said}")
    print("\n".join(errors) if errors else f"{checked} messages, all in Chinese and English")
    sys.exit(1 if errors or checked == 0 else 0)


main()
