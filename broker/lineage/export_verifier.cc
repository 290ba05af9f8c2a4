#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "broker/lineage/export.h"
#include "broker/lineage/export_frames.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/model/varint.h"

namespace huiliu::lineage {
namespace {

constexpr size_t kMaxProblems = 100;
constexpr uint64_t kMaxFirstIndex = uint64_t{1}
                                    << 60;  // no log is so long; what follows it has numbers too

// Takes frames off a byte source. (Magic) (Next)*.
class FrameReader {
 public:
  explicit FrameReader(const ReadBytes& read) : read_(read) {}

  absl::Status Magic() {
    ASSIGN_OR_RETURN(const bool whole, Need(kExportMagic.size()));
    if (!whole || absl::string_view(buffer_).substr(0, kExportMagic.size()) != kExportMagic) {
      return absl::InvalidArgumentError(
          "不是流转留痕导出文件 / no export of a lineage log: it does not begin with its mark");
    }
    begin_ = kExportMagic.size();
    return absl::OkStatus();
  }

  // nullopt at a clean end; DATA_LOSS where the bytes are torn; else the source's own error.
  absl::StatusOr<std::optional<char>> Next(absl::string_view* payload) {
    // Type and length: 11 bytes at most, fewer near the end.
    RETURN_IF_ERROR(Need(11).status());
    absl::string_view rest = absl::string_view(buffer_).substr(begin_);
    if (rest.empty()) return std::optional<char>();
    const char type = rest[0];
    rest.remove_prefix(1);
    uint64_t length = 0;
    if (!TakeVarint(rest, &length) || length > kMaxFrameBytes) return Torn();
    const size_t head = buffer_.size() - begin_ - rest.size();
    ASSIGN_OR_RETURN(const bool whole, Need(head + length));
    if (!whole) return Torn();
    *payload = absl::string_view(buffer_).substr(begin_ + head, length);
    begin_ += head + length;
    return std::optional<char>(type);
  }

 private:
  static absl::Status Torn() { return absl::DataLossError("torn frame"); }

  // Whether n bytes from begin_ are there. Moves the buffer: views from before are gone.
  absl::StatusOr<bool> Need(size_t n) {
    while (buffer_.size() - begin_ < n && !end_) {
      buffer_.erase(0, begin_);
      begin_ = 0;
      const size_t old = buffer_.size();
      buffer_.resize(old + std::max(n, size_t{1} << 16));
      auto got = read_(&buffer_[old], buffer_.size() - old);
      if (!got.ok()) return got.status();
      buffer_.resize(old + *got);
      end_ = *got == 0;
    }
    return buffer_.size() - begin_ >= n;
  }

  const ReadBytes& read_;
  std::string buffer_;
  size_t begin_ = 0;
  bool end_ = false;
};

// Two trees grow side by side: one from the entries as they stand in the file, one from the leaf
// hashes that the node wrote along. Where only the second leads to a signed root, the first entry
// that differs from its hash is the one that was changed.
class Verifier {
 public:
  Verifier(const VerifyOptions& options, VerifyReport* report)
      : options_(options), report_(*report) {
    for (const huiliu::v1::Checkpoint& known : options.known) {
      known_.emplace(known.tree_size(), &known);
    }
  }

  // False: the file is so damaged that nothing after this can be read.
  bool Take(char type, absl::string_view payload) {
    if (!begun_ && type != kBeginFrame) return Damaged("no beginning");
    if (ended_) return Damaged("bytes after the end");
    switch (type) {
      case kBeginFrame:
        return Begin(payload);
      case kEntryFrame:
        return Entry(payload);
      case kHashesFrame:
        return Hashes(payload);
      case kCheckpointFrame:
        return Checkpoint(payload);
      case kEndFrame:
        return End(payload);
      default:
        return Damaged("an unknown kind of frame");
    }
  }

  bool Damaged(absl::string_view what) {
    Problem(next(), "文件在此处损坏", absl::StrCat("the file is damaged here: ", what));
    return false;
  }

  void Finish(bool readable) {
    if (readable && !ended_) {
      Problem(-1, "文件不完整：没有结束标记", "the file is cut: it has no end");
    }
    report_.entries = next() - report_.first_index;
    report_.root = absl::BytesToHexString(AsBytes(entries_.Root()));
    const int64_t covered = std::max(report_.newest_checkpoint_size, report_.first_index);
    report_.uncovered_entries = next() - covered;
    if (first_differing_ >= 0) {
      // No checkpoint covers it: the hash beside it is all that speaks.
      Wrong(first_differing_);
    }
    if (report_.checkpoints == 0) {
      Problem(-1, "没有可验证的检查点，无法证明日志未被改动",
              "no checkpoint that holds: nothing shows that the log was not changed");
    }
    for (const auto& [size, known] : known_) {
      if (size >= report_.first_index && size <= next()) continue;  // compared when it was passed
      Problem(-1, absl::StrCat("导出不含先前检查点（大小 ", size, "）的位置"),
              absl::StrCat("the export does not hold the place of the known checkpoint of size ",
                           size));
    }
  }

 private:
  int64_t next() const { return static_cast<int64_t>(entries_.size()); }

  void Problem(int64_t index, absl::string_view zh, absl::string_view en) {
    if (report_.problems.size() >= kMaxProblems) return;
    report_.problems.push_back({index, absl::StrCat(zh, " / ", en)});
  }

  void Wrong(int64_t index) {
    if (report_.first_wrong_entry < 0) report_.first_wrong_entry = index;
    Problem(index, absl::StrCat("第 ", index, " 条记录被改动：内容与其散列不符"),
            absl::StrCat("entry ", index, " was changed: its content does not fit its hash"));
  }

  bool Begin(absl::string_view payload) {
    uint64_t first = 0, length = 0;
    if (begun_) return Damaged("a second beginning");
    if (!TakeVarint(payload, &first) || first > kMaxFirstIndex || !TakeVarint(payload, &length) ||
        length > payload.size()) {
      return Damaged("its beginning is torn");
    }
    const std::string origin(payload.data(), length);
    payload.remove_prefix(length);
    std::vector<Digest> peaks;
    for (; payload.size() >= sizeof(Digest); payload.remove_prefix(sizeof(Digest))) {
      peaks.push_back(*merkle::ToDigest(payload.substr(0, sizeof(Digest))));
    }
    if (!payload.empty() || peaks.size() != merkle::PeakIds(first).size()) {
      return Damaged("its peaks do not fit its first index");
    }
    report_.origin = origin;
    report_.first_index = static_cast<int64_t>(first);
    entries_ = merkle::TreeBuilder(first, peaks);
    hashes_ = merkle::TreeBuilder(first, peaks);
    begun_ = true;
    CompareKnown();
    return true;
  }

  bool Entry(absl::string_view leaf) {
    const int64_t index = next();
    const Digest hash = merkle::HashLeaf(leaf);
    entries_.Append(hash, kNoStore);
    pending_.push_back(hash);
    if (pending_.size() > kHashesEvery) return Damaged("more entries than their hashes cover");
    CheckContent(index, leaf);
    CompareKnown();
    return true;
  }

  void CheckContent(int64_t index, absl::string_view leaf) {
    huiliu::v1::LineageEntry entry;
    if (leaf.size() > kMaxEntryBytes ||
        !entry.ParseFromArray(leaf.data(), static_cast<int>(leaf.size())) ||
        entry.step() == huiliu::v1::STEP_UNSPECIFIED) {
      Problem(index, absl::StrCat("第 ", index, " 条不是有效的留痕记录"),
              absl::StrCat("entry ", index, " is no lineage entry"));
      return;
    }
    ++report_.by_step[entry.step()];
    // A redrive at the node is the node's own step: no batch of the department's stands behind it.
    const bool at_node = entry.step() == huiliu::v1::STEP_REDRIVE && entry.batch_digest().empty();
    const bool signs = entry.step() == huiliu::v1::STEP_INTAKE ||
                       (entry.step() == huiliu::v1::STEP_REDRIVE && !at_node);
    const auto key = signs ? options_.source_keys.find(entry.source()) : options_.source_keys.end();
    if (key == options_.source_keys.end()) return;
    if (VerifySignature(key->second, entry.batch_digest(), entry.batch_signature())) {
      ++report_.batch_signatures;
      return;
    }
    Problem(index, absl::StrCat("第 ", index, " 条：批次签名不成立（", entry.source(), "）"),
            absl::StrCat("entry ", index, ": the batch signature of ", entry.source(),
                         " does not hold"));
  }

  bool Hashes(absl::string_view payload) {
    if (payload.size() != pending_.size() * sizeof(Digest)) {
      return Damaged("its hashes are not as many as its entries");
    }
    for (size_t i = 0; i < pending_.size(); ++i) {
      const Digest given = *merkle::ToDigest(payload.substr(i * sizeof(Digest), sizeof(Digest)));
      if (given != pending_[i] && first_differing_ < 0) {
        first_differing_ = static_cast<int64_t>(hashes_.size());
      }
      hashes_.Append(given, kNoStore);
    }
    pending_.clear();
    return true;
  }

  bool Checkpoint(absl::string_view payload) {
    huiliu::v1::Checkpoint checkpoint;
    if (!checkpoint.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
      return Damaged("a torn checkpoint");
    }
    if (!pending_.empty()) return Damaged("entries without their hashes before a checkpoint");
    std::string key = options_.public_key;
    if (key.empty()) {
      // All must be by one signer, even where nobody says which.
      if (file_key_.empty()) file_key_ = checkpoint.public_key();
      key = file_key_;
      report_.key_from_file = true;
    }
    const absl::StatusOr<Head> head = Verify(checkpoint, key);
    if (!head.ok()) {
      Problem(-1, "检查点无效", head.status().message());
      return true;
    }
    if (head->origin != report_.origin || head->tree_size != next()) {
      Problem(-1, absl::StrCat("检查点（大小 ", head->tree_size, "）不属于此处"),
              absl::StrCat("the checkpoint of ", head->origin, ", size ", head->tree_size,
                           ", does not belong after entry ", next() - 1, " of ", report_.origin));
      return true;
    }
    CompareRoot(head->root, "检查点", "checkpoint");
    return true;
  }

  void CompareRoot(const Digest& root, absl::string_view zh, absl::string_view en) {
    if (entries_.Root() == root) {
      ++report_.checkpoints;
      report_.newest_checkpoint_size = next();
      if (first_differing_ >= 0) {
        Problem(first_differing_, "散列列表有误，记录本身无误",
                absl::StrCat("the list of hashes is wrong at entry ", first_differing_,
                             ", the entry itself is not"));
      }
      first_differing_ = -1;
      hashes_ = entries_;
      lost_ = false;
      return;
    }
    if (hashes_.Root() == root && first_differing_ >= 0) {
      // The signed log is known again from here: later changes are found on their own.
      ++report_.checkpoints;
      report_.newest_checkpoint_size = next();
      Wrong(first_differing_);
      first_differing_ = -1;
      entries_ = hashes_;
      return;
    }
    if (lost_) return;
    lost_ = true;
    const int64_t good = std::max(report_.newest_checkpoint_size, report_.first_index);
    Problem(-1,
            absl::StrCat("第 ", good, " 至 ", next() - 1, " 条与", zh, "（大小 ", next(),
                         "）不符：有记录被改动、增删或换位"),
            absl::StrCat("entries ", good, " to ", next() - 1, " do not lead to the ", en,
                         " of size ", next(), ": some were changed, added, removed or moved"));
    if (first_differing_ >= 0) Wrong(first_differing_);
    first_differing_ = -1;
  }

  void CompareKnown() {
    const auto range = known_.equal_range(next());
    for (auto it = range.first; it != range.second; ++it) {
      const absl::StatusOr<Head> head = Verify(*it->second, options_.public_key);
      const int64_t size = it->first;
      if (!head.ok() || head->origin != report_.origin) {
        Problem(-1, absl::StrCat("所给的先前检查点（大小 ", size, "）无效"),
                head.ok() ? "the known checkpoint is of another log" : head.status().message());
      } else if (head->root != entries_.Root()) {
        Problem(-1, absl::StrCat("日志与先前检查点（大小 ", size, "）不一致：历史被改写"),
                absl::StrCat("the log is not consistent with the known checkpoint of size ", size,
                             ": history was rewritten"));
      } else {
        ++report_.checkpoints;
        report_.newest_checkpoint_size = size;
      }
    }
  }

  bool End(absl::string_view payload) {
    uint64_t end = 0;
    if (!pending_.empty() || !TakeVarint(payload, &end) || !payload.empty() ||
        end != static_cast<uint64_t>(next())) {
      return Damaged("its end does not fit its entries");
    }
    ended_ = true;
    return true;
  }

  static void NoStore(const merkle::NodeId&, const Digest&) {}
  const merkle::TreeBuilder::Store kNoStore = NoStore;

  const VerifyOptions& options_;
  VerifyReport& report_;
  std::multimap<int64_t, const huiliu::v1::Checkpoint*> known_;
  std::string file_key_;
  merkle::TreeBuilder entries_;
  merkle::TreeBuilder hashes_;
  std::vector<Digest> pending_;   // entries whose hashes have not come yet
  int64_t first_differing_ = -1;  // since the newest checkpoint that held
  bool lost_ = false;             // no checkpoint holds any more
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace

absl::StatusOr<VerifyReport> VerifyExport(const ReadBytes& read, const VerifyOptions& options) {
  VerifyReport report;
  FrameReader frames(read);
  RETURN_IF_ERROR(frames.Magic());
  Verifier verifier(options, &report);
  bool readable = true;
  while (readable) {
    absl::string_view payload;
    const absl::StatusOr<std::optional<char>> type = frames.Next(&payload);
    if (absl::IsDataLoss(type.status())) {
      readable = verifier.Damaged(type.status().message());
      break;
    }
    if (!type.ok()) return type.status();
    if (!type->has_value()) break;
    readable = verifier.Take(**type, payload);
  }
  verifier.Finish(readable);
  return report;
}

absl::StatusOr<VerifyReport> VerifyExportFile(const std::string& path,
                                              const VerifyOptions& options) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                       &std::fclose);
  if (file == nullptr) return ErrnoStatus(errno, "open", path);
  return VerifyExport(
      [&](char* buffer, size_t n) -> absl::StatusOr<size_t> {
        const size_t got = std::fread(buffer, 1, n, file.get());
        if (got == 0 && std::ferror(file.get()) != 0) return ErrnoStatus(errno, "read", path);
        return got;
      },
      options);
}

}  // namespace huiliu::lineage
