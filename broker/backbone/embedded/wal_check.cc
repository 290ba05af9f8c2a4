#include "broker/backbone/embedded/wal_check.h"

#include <array>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "broker/backbone/embedded/rocksdb_status.h"
#include "core/base/status.h"

namespace huiliu::embedded {
namespace {

// The log's format, RocksDB's db/log_format.h: blocks of 32 KiB; in each, records of masked crc32c
// (4) | length (2) | type (1) | payload, little endian; a rest of under 7 bytes is padding.
constexpr size_t kBlock = 32768;
constexpr size_t kHeader = 7;
enum Type : uint8_t { kZero = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

using Crc32cTables = std::array<std::array<uint32_t, 256>, 8>;

Crc32cTables MakeTables() {
  Crc32cTables t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? 0x82F63B78U : 0);
    t[0][i] = c;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xFF];
  }
  return t;
}

// CRC-32C (RFC 3720), eight bytes a step.
uint32_t Crc32c(const char* data, size_t size) {
  static const Crc32cTables t = MakeTables();
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(data[i]); };
  uint32_t c = 0xFFFFFFFFU;
  while (size >= 8) {
    c ^= static_cast<uint32_t>(byte(0)) | static_cast<uint32_t>(byte(1)) << 8 |
         static_cast<uint32_t>(byte(2)) << 16 | static_cast<uint32_t>(byte(3)) << 24;
    c = t[7][c & 0xFF] ^ t[6][(c >> 8) & 0xFF] ^ t[5][(c >> 16) & 0xFF] ^ t[4][c >> 24] ^
        t[3][byte(4)] ^ t[2][byte(5)] ^ t[1][byte(6)] ^ t[0][byte(7)];
    data += 8;
    size -= 8;
  }
  for (size_t i = 0; i < size; ++i) c = (c >> 8) ^ t[0][(c ^ byte(i)) & 0xFF];
  return c ^ 0xFFFFFFFFU;
}

uint32_t Masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

// What the walk over the log found.
struct Walk {
  uint64_t good_end = 0;  // behind the last whole commit
  bool damaged = false;
  uint64_t damaged_at = 0;
  bool more_behind = false;  // another commit begins behind the damage
  bool inside = false;       // between a first and its last fragment

  void Damage(uint64_t at) {
    if (!damaged) damaged_at = at;
    damaged = true;
  }
  void Take(Type type, uint64_t begin, uint64_t end) {
    const bool starts = type == kFull || type == kFirst;
    if (damaged) {
      // Later fragments alone belong to the damaged commit itself: its blocks reach the disk in
      // any order.
      more_behind = more_behind || starts;
      return;
    }
    if (starts == inside) return Damage(begin);
    inside = type == kFirst || type == kMiddle;
    if (!inside) good_end = end;
  }
};

void WalkBlock(absl::string_view block, uint64_t base, Walk* walk) {
  size_t at = 0;
  while (at + kHeader <= block.size()) {
    const char* p = block.data() + at;
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(p[i]); };
    const uint32_t crc = static_cast<uint32_t>(byte(0)) | static_cast<uint32_t>(byte(1)) << 8 |
                         static_cast<uint32_t>(byte(2)) << 16 |
                         static_cast<uint32_t>(byte(3)) << 24;
    const size_t length = static_cast<size_t>(byte(4)) | static_cast<size_t>(byte(5)) << 8;
    const uint8_t type = byte(6);
    if (type < kFull || type > kLast || at + kHeader + length > block.size())
      return walk->Damage(base + at);  // its length cannot be trusted: on with the next block
    const size_t end = at + kHeader + length;
    if (Masked(Crc32c(p + 6, length + 1)) == crc) {
      walk->Take(static_cast<Type>(type), base + at, base + end);
    } else {
      walk->Damage(base + at);
    }
    at = end;
  }
  // Only the file's last block may end before it is full, and then with a whole record.
  if (block.size() < kBlock && at != block.size()) walk->Damage(base + at);
}

absl::StatusOr<std::string> NewestLog(rocksdb::Env& env, const std::string& folder) {
  std::vector<std::string> names;
  const rocksdb::Status status = env.GetChildren(folder, &names);
  if (status.IsNotFound()) return std::string();
  RETURN_IF_ERROR(FromRocks(status, folder));
  uint64_t newest = 0;
  std::string path;
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (!absl::EndsWith(name, ".log") ||
        !absl::SimpleAtoi(absl::StripSuffix(name, ".log"), &number))
      continue;
    if (number < newest) continue;
    newest = number;
    path = absl::StrCat(folder, "/", name);
  }
  return path;
}

std::string ClosedWholePath(const std::string& folder) { return folder + "/closed.whole"; }

// What identifies a log file at its end.
std::string EndOf(const std::string& path, uint64_t size) {
  return absl::StrCat(path.substr(path.rfind('/') + 1), " ", size, "\n");
}

}  // namespace

absl::Status NoteClosedWhole(rocksdb::Env& env, const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string path, NewestLog(env, folder));
  if (path.empty()) return absl::OkStatus();
  uint64_t size = 0;
  RETURN_IF_ERROR(FromRocks(env.GetFileSize(path, &size), path));
  return FromRocks(
      rocksdb::WriteStringToFile(&env, EndOf(path, size), ClosedWholePath(folder), true),
      ClosedWholePath(folder));
}

absl::Status CutTornTail(rocksdb::Env& env, const std::string& folder,
                         const std::function<void(const std::string&)>& warn) {
  ASSIGN_OR_RETURN(const std::string path, NewestLog(env, folder));
  if (path.empty()) return absl::OkStatus();
  std::unique_ptr<rocksdb::SequentialFile> file;
  RETURN_IF_ERROR(FromRocks(env.NewSequentialFile(path, &file, rocksdb::EnvOptions()), path));
  Walk walk;
  std::string buffer(kBlock, '\0');
  uint64_t size = 0;
  while (true) {
    size_t filled = 0;
    while (filled < kBlock) {
      rocksdb::Slice got;
      RETURN_IF_ERROR(FromRocks(file->Read(kBlock - filled, &got, buffer.data() + filled), path));
      if (got.empty()) break;
      if (got.data() != buffer.data() + filled)
        std::copy(got.data(), got.data() + got.size(), buffer.data() + filled);
      filled += got.size();
    }
    WalkBlock({buffer.data(), filled}, size, &walk);
    size += filled;
    if (filled < kBlock) break;
  }
  file.reset();
  std::string closed;
  const std::string closed_path = ClosedWholePath(folder);
  const rocksdb::Status word = rocksdb::ReadFileToString(&env, closed_path, &closed);
  const bool closed_whole = word.ok() && closed == EndOf(path, size);
  if (walk.more_behind || (walk.damaged && closed_whole)) {
    return absl::DataLossError(absl::StrCat(
        "log file ", path, ": byte ", walk.damaged_at, " is corrupt, ",
        walk.more_behind ? "and commits follow it" : "and the log had been closed whole",
        ": restore the file from a backup"));
  }
  if (word.ok()) RETURN_IF_ERROR(FromRocks(env.DeleteFile(closed_path), closed_path));
  if (walk.good_end == size || (!walk.damaged && !walk.inside)) return absl::OkStatus();
  std::unique_ptr<rocksdb::WritableFile> tail;
  rocksdb::Status cut = env.ReopenWritableFile(path, &tail, rocksdb::EnvOptions());
  if (cut.ok()) cut = tail->Truncate(walk.good_end);
  if (cut.ok()) cut = tail->Sync();
  if (cut.ok()) cut = tail->Close();
  RETURN_IF_ERROR(FromRocks(cut, path));
  if (warn) {
    warn(absl::StrCat("log file ", path, ": an unfinished commit at its end was cut, ",
                      size - walk.good_end, " bytes from byte ", walk.good_end,
                      "; it had not been acknowledged"));
  }
  return absl::OkStatus();
}

}  // namespace huiliu::embedded
