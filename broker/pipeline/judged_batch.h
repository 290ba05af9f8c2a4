// What the engine made of one source batch (or one redriven row), on its way into a transaction:
// records per receiver, counts, and a lineage entry per receiver.
#ifndef HUILIU_BROKER_PIPELINE_JUDGED_BATCH_H_
#define HUILIU_BROKER_PIPELINE_JUDGED_BATCH_H_

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/backbone/backbone.h"
#include "broker/pipeline/node_engines.h"
#include "core/base/digest.h"
#include "core/rules/sent_reason.h"
#include "huiliu/v1/audit.pb.h"
#include "huiliu/v1/common.pb.h"
#include "huiliu/v1/intake.pb.h"

namespace huiliu::pipeline {

// (Publish | Count | Trace | Name)* Finish. One thread.
class JudgedBatch {
 public:
  struct Origin {
    huiliu::v1::Step step = huiliu::v1::STEP_RETURN;
    uint64_t epoch = 0;
    uint64_t sequence = 0;
    Partition partition{0};  // of all its records
    std::string actor;       // redrive: who
    std::string organisation;
    bool reevaluation = false;  // new rules caused it, no source change did
    rules::DecidedAgain why = rules::DecidedAgain::kByRules;  // of what is decided again
  };
  JudgedBatch(const NodeEngine& engine, Origin origin);

  // `envelope`: as it came from the source; it is completed here.
  void Publish(absl::string_view key, huiliu::v1::Envelope envelope, int64_t arrival_us,
               const rules::Decision& decision, const rules::Output& output);
  // Moves `sign` times what `delta` says; `delta.receiver` is the source's receiver `receiver`.
  void Count(int receiver, const huiliu::v1::CountDelta& delta, int sign);
  // A row that is kept for repair, content-free.
  void Trace(int receiver, const huiliu::v1::QuarantinedRow& row);
  // The territory overrides that decided, for the entry to name.
  void Name(const rules::Decision& decision);
  // Those that decided it before, ids joined by commas.
  void NameWithdrawn(absl::string_view ids);
  // `written`: the entries of the transaction so far. No two of one transaction are the same bytes:
  // those would be taken for a repetition, whose counts count once.
  void Finish(absl::Time now, std::set<std::string>* written, Transaction* transaction);

 private:
  struct Sums {
    int64_t rows = 0;
    int64_t conflicts = 0;
    int64_t masked = 0;
  };
  struct Out {
    RecordBatchBuilder records;
    std::vector<Digest> leaves;
    std::map<std::tuple<std::string, int, std::string>, Sums> counts;  // day, outcome, division
    std::vector<huiliu::v1::QuarantineTrace> traces;
    std::set<std::string> overrides;
  };
  // Its entries; the first carries everything but the counts that have no room in it.
  std::vector<huiliu::v1::LineageEntry> EntriesOf(size_t receiver, const Out& out,
                                                  absl::Time now) const;

  const NodeEngine& engine_;
  const Origin origin_;
  std::vector<Out> outs_;  // in the source's receivers() order
};

// A trace of a kept row for the log. A row id may be a person's number: its digest is the trace.
huiliu::v1::QuarantineTrace TraceOf(const huiliu::v1::QuarantinedRow& row);

// An entry stays under 64 KiB: at most this many kept rows are traced by name; the rest is in the
// counts.
inline constexpr int kMaxTracedRows = 200;
inline constexpr size_t kMaxTracedReasonBytes = 60;
inline constexpr int kMaxCountsOfEntry = 500;  // rows of many days may be decided again at once

}  // namespace huiliu::pipeline

#endif  // HUILIU_BROKER_PIPELINE_JUDGED_BATCH_H_
