// The verifier of exported lineage over any bytes: it ends, says the same however the file is read,
// and finds no fault only in what the signer signed. An input that begins with the export's mark is
// a file; any other is a list of edits, four bytes each (place, place, what, byte), to a good
// export that the target makes itself.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/lineage/checkpoint.h"
#include "broker/lineage/entry.h"
#include "broker/lineage/export.h"
#include "broker/lineage/export_frames.h"
#include "tests/fuzz/fuzz.h"

namespace huiliu::lineage {
namespace {

constexpr char kOrigin[] = "fuzz.example/lineage/0";
const absl::Time kNow = absl::FromUnixSeconds(1'760'000'000);

// A good export of a log, and what its signer signed.
struct Good {
  std::unique_ptr<SigningKey> key = fuzz::Must(SigningKey::Generate());
  std::string file;
  std::map<int64_t, std::string> roots;  // by size

  Good() {
    ExportWriter writer([this](absl::string_view bytes) {
      file.append(bytes.data(), bytes.size());
      return absl::OkStatus();
    });
    merkle::TreeBuilder tree;
    constexpr int kEntries = 300;
    Must(writer.Begin(kOrigin, 0, {}));
    for (int i = 0; i < kEntries; ++i) {
      const std::string leaf =
          Encode(GovernEntry("sec", "km-data", "PutGrant", absl::StrCat("grant ", i), "", kNow));
      Must(writer.Entry(leaf));
      tree.Append(merkle::HashLeaf(leaf), [](const merkle::NodeId&, const Digest&) {});
      const int size = i + 1;
      if (size != 2 && size != 7 && size != kEntries) continue;
      roots[size] = absl::BytesToHexString(AsBytes(tree.Root()));
      Must(writer.Checkpoint(fuzz::Must(Sign(kOrigin, size, tree.Root(), *key, kNow))));
    }
    Must(writer.Finish());
  }
  static void Must(const absl::Status& status) {
    if (!status.ok()) fuzz::Broken(__FILE__, __LINE__, "fixture", status.ToString());
  }
};

std::string Edited(std::string file, absl::string_view edits) {
  for (; edits.size() >= 4; edits.remove_prefix(4)) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(edits[i]); };
    const size_t at = std::min<size_t>(byte(0) << 8 | byte(1), file.size());
    const size_t left = file.size() - at;
    switch (byte(2) % 5) {
      case 0:
        if (left > 0) file[at] = static_cast<char>(byte(3));
        break;
      case 1:
        file.erase(at, byte(3));
        break;
      case 2:
        file.insert(at, 1, static_cast<char>(byte(3)));
        break;
      case 3:
        file.insert(at, file.substr(at, byte(3)));
        break;
      default:
        file.resize(at);
    }
  }
  return file;
}

// `chunk`: bytes that one read gives at most.
absl::StatusOr<VerifyReport> Verified(absl::string_view file, size_t chunk,
                                      const VerifyOptions& options) {
  const ReadBytes read = [&file, chunk](char* buffer, size_t n) -> absl::StatusOr<size_t> {
    const size_t took = std::min({n, chunk, file.size()});
    file.copy(buffer, took);
    file.remove_prefix(took);
    return took;
  };
  return VerifyExport(read, options);
}

void CheckFile(const Good& good, absl::string_view file, fuzz::Choices& choices) {
  VerifyOptions options;
  options.public_key = good.key->public_key();
  const auto report = Verified(file, file.size() + 1, options);
  const auto again = Verified(file, 1 + choices.Below(50), options);
  FUZZ_CHECK(report.status() == again.status());
  if (!report.ok()) return;
  FUZZ_CHECK(report->ok() == again->ok() && report->root == again->root);
  FUZZ_CHECK(report->entries == again->entries && report->checkpoints == again->checkpoints);
  FUZZ_CHECK(report->problems.size() == again->problems.size());
  FUZZ_CHECK(report->problems.size() <= 100);
  FUZZ_CHECK(report->entries >= 0 && report->uncovered_entries >= 0);
  FUZZ_CHECK(!report->key_from_file);
  // A checkpoint counts only where its signer signed this very tree.
  if (report->checkpoints > 0) FUZZ_CHECK(good.roots.count(report->newest_checkpoint_size) == 1);
  if (!report->ok()) return;
  FUZZ_CHECK(report->first_wrong_entry == -1 && report->checkpoints > 0);
  FUZZ_CHECK(report->origin == kOrigin);
  if (report->uncovered_entries == 0)
    FUZZ_CHECK(report->root == good.roots.at(report->newest_checkpoint_size));
  // Without the key nobody knows who signed; the file is whole all the same.
  const auto unsure = Verified(file, file.size() + 1, {});
  FUZZ_CHECK(unsure.ok() && unsure->key_from_file);
}

void Check(absl::string_view input) {
  google::protobuf::SetLogHandler(nullptr);
  static const Good& good = *new Good;
  fuzz::Choices choices(input);
  CheckFile(good,
            absl::StartsWith(input, kExportMagic) ? std::string(input) : Edited(good.file, input),
            choices);
  (void)VerifyNote(input, good.key->public_key());
}

}  // namespace
}  // namespace huiliu::lineage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  huiliu::lineage::Check(huiliu::fuzz::AsText(data, size));
  return 0;
}
