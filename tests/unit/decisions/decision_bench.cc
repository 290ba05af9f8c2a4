// decision_bench [records] [folder]: what lookup, stage and commit cost per record, in batches of
// 1,000 keys never seen before, and what a re-read of them costs. CPU of the whole process,
// background work included.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "storage/decisions/rocksdb_decision_store.h"

namespace {

struct Clock {
  double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  double cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
};

}  // namespace

int main(int argc, char** argv) {
  const int records = argc > 1 ? std::atoi(argv[1]) : 2000000;
  const std::string path = argc > 2 ? argv[2] : "/var/tmp/huiliu-decision-bench";
  std::filesystem::remove_all(path);
  auto store = huiliu::RocksDbDecisionStore::Open(path);
  if (!store.ok() || !(*store)->Recover(0).ok()) return 1;
  std::mt19937_64 random(1);
  std::vector<std::string> keys(1000);
  std::vector<absl::string_view> views(1000);
  const std::string value(62, 'v');
  double get = 0, stage = 0, commit = 0, hits = 0;
  Clock begin;
  const int batches = records / 1000;
  for (int batch = 1; batch <= batches; ++batch) {
    std::vector<huiliu::DecisionUpdate> updates(1000);
    for (int i = 0; i < 1000; ++i) {
      updates[i] = {keys[i] = absl::StrCat("\x12", absl::Hex(random(), absl::kZeroPad16), "01"),
                    value};
      views[i] = keys[i];
    }
    const Clock a;
    if (!(*store)->GetMany(views).ok()) return 2;
    const Clock b;
    if (!(*store)->Stage(batch, std::move(updates)).ok()) return 3;
    const Clock c;
    if (!(*store)->Commit(batch).ok()) return 4;
    const Clock d;
    get += b.wall - a.wall, stage += c.wall - b.wall, commit += d.wall - c.wall;
  }
  const Clock end;
  std::printf(
      "new keys: %.2f us CPU, wall: lookup %.2f + stage %.2f + commit %.2f = %.2f us per record\n",
      (end.cpu - begin.cpu) / records * 1e6, get / records * 1e6, stage / records * 1e6,
      commit / records * 1e6, (get + stage + commit) / records * 1e6);
  random.seed(1);
  for (int batch = 0; batch < batches; ++batch) {
    for (int i = 0; i < 1000; ++i) {
      keys[i] = absl::StrCat("\x12", absl::Hex(random(), absl::kZeroPad16), "01");
      views[i] = keys[i];
    }
    const Clock a;
    const auto values = (*store)->GetMany(views);
    hits += Clock().wall - a.wall;
    if (!values.ok() || !(*values)[0].has_value()) return 5;
  }
  std::printf("re-read: lookup %.2f us per record\n", hits / records * 1e6);
  store->reset();
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(path)) {
    if (file.is_regular_file()) bytes += file.file_size();
  }
  const Clock reopen;
  store = huiliu::RocksDbDecisionStore::Open(path);
  if (!store.ok() || !(*store)->Recover(batches).ok()) return 6;
  std::printf("disk %.0f bytes per record; reopen %.2f s\n", static_cast<double>(bytes) / records,
              Clock().wall - reopen.wall);
  std::filesystem::remove_all(path);
  return 0;
}
