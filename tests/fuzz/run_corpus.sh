#!/usr/bin/env bash
# run_corpus.sh BINARY NAME MUTATIONS [OUTSIDE]: the committed corpus of a fuzz target with mutations, then the outside
# corpus of that name (csv, json, protobuf), where it is there.
set -euo pipefail
binary=$1 name=$2 mutations=$3 outside=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run() {
  (cd "$work" && "$binary" "$@") || {
    # Kept beside the binary, to be looked at and committed.
    if [ -e "$work/failing_input" ]; then
      cp "$work/failing_input" "$binary.failing_input"
      echo "kept as $binary.failing_input"
    fi
    exit 1
  }
}
run "$HUILIU_ROOT/tests/fuzz/corpus/$name" "$mutations"
[ -n "$outside" ] || exit 0
archive=${HUILIU_SHARED:-$HUILIU_ROOT/../shared}/conformance/fuzz-corpora/$outside.tgz
if [ ! -e "$archive" ]; then
  echo "NOT RUN: the outside corpus $outside (no $archive)"
  exit 0
fi
mkdir "$work/outside"
tar xzf "$archive" -C "$work/outside"
run "$work/outside" "$mutations"
