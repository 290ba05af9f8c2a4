// An exported lineage log: one file that anyone can verify without the node.
// docs/formats/lineage.md.
#ifndef HUILIU_BROKER_LINEAGE_EXPORT_H_
#define HUILIU_BROKER_LINEAGE_EXPORT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/digest.h"
#include "core/merkle/merkle.h"
#include "huiliu/v1/audit.pb.h"

namespace huiliu::lineage {

// Writes an export to a sink, piece by piece. Begin (Entry | Checkpoint)* Finish. Leaf hashes of
// each 256 entries are written along, so that a verifier can name the first changed entry. The
// sink's error ends it.
class ExportWriter {
 public:
  using Sink = std::function<absl::Status(absl::string_view bytes)>;
  explicit ExportWriter(Sink sink) : sink_(std::move(sink)) {}

  // `peaks` are those of the tree before `first_index` (merkle::PeakIds order); none for a log from
  // its beginning.
  absl::Status Begin(absl::string_view origin, int64_t first_index, absl::Span<const Digest> peaks);
  // Leaf data of the next entry.
  absl::Status Entry(absl::string_view leaf);
  absl::Status Checkpoint(const huiliu::v1::Checkpoint& checkpoint);
  absl::Status Finish();

 private:
  absl::Status Frame(char type, absl::string_view payload);
  absl::Status FlushHashes();

  Sink sink_;
  int64_t next_ = 0;
  std::string hashes_;
  std::string frame_;
};

struct VerifyOptions {
  // 32 bytes: whose checkpoints count. Empty: the signer that the file itself names (the report
  // says so).
  std::string public_key = {};
  // Source → Ed25519 public key: batch signatures are checked too.
  std::map<std::string, std::string> source_keys = {};
  // Checkpoints that the verifier kept from before: the log must agree with them.
  std::vector<huiliu::v1::Checkpoint> known = {};
};

// What an export shows. ok() only where every check held.
struct VerifyReport {
  struct Problem {
    int64_t index = -1;  // leaf index; -1: the file as a whole or a checkpoint
    std::string what;    // Chinese / English
  };
  bool ok() const { return problems.empty(); }

  std::string origin;
  int64_t first_index = 0;
  int64_t entries = 0;
  std::string root;     // hexadecimal, over all entries read
  int checkpoints = 0;  // signatures that hold and roots that fit
  int64_t newest_checkpoint_size = -1;
  int64_t first_wrong_entry = -1;  // leaf index; -1: none found
  bool key_from_file = false;      // no key was given: nothing shows who signed
  int64_t uncovered_entries = 0;   // after the newest checkpoint: in the file, signed by nobody
  int64_t batch_signatures = 0;    // checked and good
  std::map<int, int64_t> by_step;
  std::vector<Problem> problems;  // at most 100, in file order
};

// Reads an export from `read` (fills up to n bytes, returns how many; 0 at the end) and checks
// everything that can be checked offline. A status only where the file cannot be read or is no
// export; findings stand in the report.
using ReadBytes = std::function<absl::StatusOr<size_t>(char* buffer, size_t n)>;
absl::StatusOr<VerifyReport> VerifyExport(const ReadBytes& read, const VerifyOptions& options);
absl::StatusOr<VerifyReport> VerifyExportFile(const std::string& path,
                                              const VerifyOptions& options);

}  // namespace huiliu::lineage

#endif  // HUILIU_BROKER_LINEAGE_EXPORT_H_
