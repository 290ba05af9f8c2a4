#!/usr/bin/env bash
# run_suite.sh RUNNER SUITE: one outside suite, where its vectors are there.
shared=${HUILIU_SHARED:-$HUILIU_ROOT/../shared}/conformance
case "$2" in
  cel) path=$shared/cel/conformance.json ;;
  csv) path=$shared/csv-spectrum ;;
  ids) path=$shared/cn-id-vectors.json ;;
  *) path=$shared/$2 ;;
esac
if [ ! -e "$path" ]; then
  echo "NOT RUN: the outside suite $2 (no $path)"
  exit 0
fi
exec "$1" "$2" "$path"
