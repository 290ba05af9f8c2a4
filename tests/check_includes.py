#!/usr/bin/env python3
"""Refuses what a module's declared dependencies do not allow.

Reads cmake/tiers.cmake and every huiliu_module(...) call; checks that each `#include "<module>/..."` names the module itself,
one of its DEPS, or a dependency of those. Third-party headers belong to one place (OWNERS). Exits 1 with file:line.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# header prefix → folders that may include it (tests may include everything)
OWNERS = {
    "rocksdb/": ("storage/", "broker/backbone/embedded/", "broker/catalog/rocksdb/", "broker/lineage/store/"),
    "librdkafka/": ("broker/backbone/kafka/",),
    "grpcpp/": ("broker/rpc/", "adapters/agent/", "cli/"),
    "httplib.h": ("broker/http/", "cli/"),
    "libpq-fe.h": ("adapters/postgresql/",),
    "google/protobuf/compiler/": ("core/schema/",),
}


def modules():
    found = {}
    for path in ROOT.rglob("CMakeLists.txt"):
        if "build" in path.relative_to(ROOT).parts[:1]:
            continue
        for call in re.finditer(r"huiliu_module\(\s*(\S+)(.*?)\)", path.read_text(), re.S):
            deps = re.search(r"\bDEPS\b(.*?)(?:\b(?:LIBS|PRIVATE_LIBS|SRCS)\b|$)", call.group(2), re.S)
            found[call.group(1)] = deps.group(1).split() if deps else []
    return found


def closure(module, deps, seen=None):
    seen = set() if seen is None else seen
    for dep in deps.get(module, []):
        if dep not in seen:
            seen.add(dep)
            closure(dep, deps, seen)
    return seen


def module_of(path, names):
    best = ""
    for name in names:
        if path.startswith(name + "/") and len(name) > len(best):
            best = name
    return best


def main():
    deps = modules()
    errors = []
    for folder in ("core", "storage", "broker", "adapters", "cli"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".h", ".cc", ".c"):
                continue
            name = path.relative_to(ROOT).as_posix()
            module = module_of(name, deps)
            allowed = closure(module, deps) | {module}
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = re.match(r'\s*#include\s+["<]([^">]+)[">]', line)
                if not match:
                    continue
                header = match.group(1)
                target = module_of(header, deps)
                if module and target and target not in allowed:
                    errors.append(f"{name}:{number}: {module} includes {header} but {target} is not among its DEPS")
                for prefix, owners in OWNERS.items():
                    if header.startswith(prefix) and not name.startswith(owners):
                        errors.append(f"{name}:{number}: {header} belongs to {', '.join(owners)}")
    for error in errors:
        print(error)
    print(f"{len(deps)} modules, {len(errors)} forbidden includes")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
