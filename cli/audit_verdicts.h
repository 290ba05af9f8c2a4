// What an auditor's program holds for proven in the node's answer about a record, line by line:
// each is proven, or not proven, or does not hold.
#ifndef HUILIU_CLI_AUDIT_VERDICTS_H_
#define HUILIU_CLI_AUDIT_VERDICTS_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "huiliu/v1/audit.pb.h"

namespace huiliu::cli {

enum class Proof {
  kProven,
  kFailed,    // it does not hold: a finding
  kNewer,     // than the checkpoint: nothing to prove yet
  kWithheld,  // the leaf cannot be computed from what this auditor may see
  kNone,      // the node gives none, or there is no checkpoint that holds to prove it by
  kNoKey,     // a signature that is not checked: the signer's key is not known here
};

struct Verdict {
  Proof proof = Proof::kNone;
  std::string why;  // in both languages; may be empty
};

// Keys known beforehand, as bytes.
struct AuditKeys {
  std::string checkpoint;  // hexadecimal, as in the profile; empty: the checkpoint's own counts
  std::map<std::string, std::string> sources;  // by source id
};

struct Verdicts {
  Verdict checkpoint;
  std::optional<Verdict> record;  // where the answer shows one
  std::vector<Verdict> hops;      // one each, in the answer's order
  std::vector<Verdict> reads;     // one each; they come without what their leaves are made of
  // Departments' signatures over the batches, of the hops that carry one.
  struct Signature {
    int64_t index = 0;
    std::string source;
    Verdict verdict;
  };
  std::vector<Signature> signatures;

  bool hold() const;  // nothing failed
};

// Nothing is proven by a checkpoint that does not hold.
Verdicts Judge(const huiliu::v1::TraceRecordRequest& asked,
               const huiliu::v1::TraceRecordResponse& trace, const AuditKeys& keys);

}  // namespace huiliu::cli

#endif  // HUILIU_CLI_AUDIT_VERDICTS_H_
