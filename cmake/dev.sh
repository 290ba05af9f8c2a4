# What ./dev does. Sourced by it; the working folder is the project's root.

BUILD=${HUILIU_BUILD_DIR:-build}

usage() {
  cat <<'TXT'
./dev — build, run and test Huiliu (回流) on Debian 12. Every command installs the packages it needs.

  ./dev demo [--once] [--kafka] [--data DIR [--charset NAME]] [--state DIR] [--lang zh|en] [--output json]
                 the main job on one machine: three approval systems, the node, a bureau's database; one live screen
                 --kafka: on a real Apache Kafka, which it starts
  ./dev test [NAME…]      all tests (or those whose name matches); starts the PostgreSQL and Kafka they need
  ./dev build [TARGET…]   build only
  ./dev bench [NAME…]     benchmarks, each beside its yardstick [--output json]; docs/BENCHMARKS.md
  ./dev verify            format, lint, tiers and includes, thread-safety analysis with clang
  ./dev fuzz NAME [SECONDS]      searches on with libFuzzer and sanitizers (60 s); without NAME: which there are. docs/TESTING.md
  ./dev conformance SUITE PATH   an outside test suite: merkle DIR, csv DIR, gb18030 DIR, ids FILE, cel FILE
  ./dev territory-report [DIR]   how territory performs on real registrations, and how right it is on labelled rows
  ./dev clean             removes what was built
  ./dev help              this

./dev demo 运行完整演示；./dev test 运行全部测试；其余命令见上。
TXT
}

say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install LIST…: the packages named in the files that are not there yet
install_packages() {
  local wanted missing
  wanted=$(grep -hv '^#' "$@" | sort -u)
  missing=$(comm -23 <(printf '%s\n' $wanted) <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | awk '$1 == "ii" {print $2}' | sort -u))
  [ -z "$missing" ] && return 0
  say "installing: $(echo $missing)"
  as_root apt-get update -qq >&2
  # The test clusters are our own: the package's default cluster is not wanted.
  as_root mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq --no-install-recommends $missing >&2
}

configure() {
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  [ -f "$BUILD/build.ninja" ] && return 0
  mkdir -p "$BUILD"
  if ! cmake -S . -B "$BUILD" -G Ninja >"$BUILD/configure.log" 2>&1; then
    tail -40 "$BUILD/configure.log" >&2
    return 1
  fi
}

# build [TARGET…]: quiet unless it fails
build() {
  install_packages cmake/packages.txt
  configure
  say "building${*:+ $*} (log: $BUILD/build.log)"
  local started=$SECONDS
  if ! ninja -C "$BUILD" "$@" >"$BUILD/build.log" 2>&1; then
    grep -E 'error|FAILED|undefined' -A4 "$BUILD/build.log" | head -60 >&2
    say "build failed: see $BUILD/build.log"
    return 1
  fi
  say "built in $((SECONDS - started)) s"
}

run_tests() {
  build
  local args=()
  for name in "$@"; do args+=(-R "$name"); done
  (cd "$BUILD" && ctest --output-on-failure -j2 "${args[@]}")
}

demo() {
  build huiliud huiliu-agent huiliu huiliu_file huiliu_postgresql
  exec python3 deploy/demo/demo.py --build "$BUILD" "$@"
}

bench() {
  build huiliu-bench
  exec "$BUILD/bin/huiliu-bench" "$@"
}

conformance() {
  build huiliu-conformance >/dev/null
  exec "$BUILD/bin/huiliu-conformance" "$@"
}

# The real registrations lie beside the project, or where HUILIU_SHARED points.
territory_report() {
  local data=${HUILIU_SHARED:-../shared}/data/enterprise-registry-yunnan
  if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then data=$1; shift; fi
  build huiliu-territory-report >/dev/null
  exec "$BUILD/bin/huiliu-territory-report" "$data" "$@"
}

# fuzz NAME [SECONDS]: one fuzz target with clang, in a build folder of its own, of which only the target's libraries are built.
fuzz() {
  local targets
  targets=$(cd tests/fuzz && ls -- *_fuzzer.cc | sed 's/_fuzzer\.cc$//')
  if [ $# = 0 ] || ! grep -qx -- "$1" <<<"$targets"; then
    say "./dev fuzz NAME [SECONDS]; names: $(echo $targets)"
    return 2
  fi
  local name=$1 seconds=${2:-60} folder="$BUILD-fuzz" corpus=tests/fuzz/corpus/$1
  install_packages cmake/packages.txt cmake/packages-fuzz.txt
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  local flags='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined'
  mkdir -p "$folder"
  if ! cmake -S . -B "$folder" -G Ninja -DHUILIU_FUZZ=ON -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 \
    -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" >"$folder/configure.log" 2>&1; then
    tail -40 "$folder/configure.log" >&2
    return 1
  fi
  say "building fuzz_$name with clang (log: $folder/build.log)"
  if ! ninja -C "$folder" "fuzz_$name" >"$folder/build.log" 2>&1; then
    grep -E 'error|FAILED|undefined' -A4 "$folder/build.log" | head -60 >&2
    return 1
  fi
  # What the search finds worth keeping stays in the build folder; the committed corpus only gets what breaks the target.
  local work=$folder/corpus/$name
  mkdir -p "$work"
  "$folder/bin/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
    -artifact_prefix="$corpus/" "$work" "$corpus" || {
    say "what broke it is in $corpus: mend it, and commit the file as a seed"
    return 1
  }
}

verify() {
  install_packages cmake/packages.txt cmake/packages-verify.txt
  exec bash cmake/verify.sh "$BUILD"
}

main() {
  local command=${1:-help}
  [ $# -gt 0 ] && shift
  case "$command" in
    demo) demo "$@" ;;
    test) run_tests "$@" ;;
    build) build "$@" ;;
    bench) bench "$@" ;;
    verify) verify ;;
    conformance) conformance "$@" ;;
    fuzz) fuzz "$@" ;;
    territory-report) territory_report "$@" ;;
    clean) rm -rf "$BUILD" "$BUILD-fuzz" ;;
    help | -h | --help) usage ;;
    *)
      say "./dev: unknown command \"$command\""
      usage >&2
      exit 2
      ;;
  esac
}
