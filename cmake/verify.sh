#!/usr/bin/env bash
# ./dev verify: format, includes and tiers, clang's thread-safety analysis and a short list of clang-tidy checks.
set -uo pipefail
build=${1:-build}
failed=0
say() { printf '%s\n' "$*" >&2; }
sources=$(git ls-files '*.cc' '*.h' '*.c')

say "format (clang-format 14)"
clang-format-14 --dry-run --Werror $sources 2>&1 | grep -E 'error|warning' | head -20
[ "${PIPESTATUS[0]}" = 0 ] || { say "format: run clang-format-14 -i on the files above"; failed=1; }

say "includes and tiers"
python3 tests/check_includes.py || failed=1

say "thread-safety analysis and lint (clang 14)"
cmake --preset clang -B "$build-clang" >"$build-clang.log" 2>&1 \
  || { tail -20 "$build-clang.log" >&2; exit 1; }
ninja -k 50 -C "$build-clang" huiliu_all_modules >"$build-clang/build.log" 2>&1 || {
  grep -E 'error' "$build-clang/build.log" | sort -u | head -30 >&2
  failed=1
}
git ls-files 'core/**/*.cc' 'storage/**/*.cc' 'broker/pipeline/*.cc' 'broker/access/*.cc' 'broker/governance/*.cc' 'adapters/mapping/*.cc' \
  'adapters/file/*.cc' | xargs -P "$(nproc)" -n 1 clang-tidy-14 -p "$build-clang" --quiet \
  --checks='-*,bugprone-use-after-move,bugprone-dangling-handle,bugprone-infinite-loop,bugprone-sizeof-expression,performance-move-const-arg,clang-analyzer-core.*' \
  --warnings-as-errors='*' >"$build-clang/tidy.log" 2>/dev/null || {
  grep -E 'error|warning' "$build-clang/tidy.log" | head -30 >&2
  failed=1
}
[ $failed = 0 ] && say "verified"
exit $failed
