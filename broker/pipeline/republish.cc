#include "broker/pipeline/republish.h"

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "broker/pipeline/set_aside.h"
#include "core/base/digest.h"
#include "core/base/status.h"

namespace huiliu::pipeline {
namespace {

constexpr size_t kRowsOfATransaction = 1000;

// Records of one transaction, by partition.
class Appends {
 public:
  explicit Appends(const std::string& topic) : topic_(topic) {}
  RecordBatchBuilder& To(Partition partition) { return builders_[partition]; }

  absl::Status Commit(BackboneWriter& writer) {
    Transaction transaction;
    for (auto& [partition, builder] : builders_) {
      const int32_t records = builder.count();
      transaction.appends.push_back({{topic_, partition}, builder.Finish(), records});
    }
    builders_.clear();
    if (transaction.appends.empty()) return absl::OkStatus();
    return writer.Commit(std::move(transaction)).status();
  }

 private:
  const std::string topic_;
  std::map<Partition, RecordBatchBuilder> builders_;
};

// What stands in the new topic, and for which keys a copy from the catalog came behind a record
// that others wrote.
class NewTopic {
 public:
  NewTopic(const schema::Contract& contract, Catalog& catalog,
           std::unique_ptr<BackboneReader> reader)
      : contract_(contract), catalog_(catalog), reader_(std::move(reader)) {}

  absl::Status ReadToEnd() {
    while (true) {
      ASSIGN_OR_RETURN(const std::vector<StoredBatch> batches, reader_->Poll(absl::ZeroDuration()));
      if (batches.empty()) return absl::OkStatus();
      for (const StoredBatch& batch : batches) RETURN_IF_ERROR(Read(batch));
    }
  }

  // Appends again what should stand last; whether there was anything.
  absl::StatusOr<bool> Repair(const std::string& topic, BackboneWriter& writer) {
    if (covered_.empty()) return false;
    Appends appends(topic);
    for (const std::string& key : covered_) {
      const Newer& newer = newer_.at(key);
      RecordBatchBuilder& to = appends.To(newer.partition);
      if (newer.tombstone) {
        to.AddTombstone(key, newer.header);
      } else {
        to.Add(key, newer.header, newer.value);
      }
    }
    RETURN_IF_ERROR(appends.Commit(writer));
    covered_.clear();
    return true;
  }

 private:
  struct Newer {
    Partition partition{0};
    std::string header, value;
    bool tombstone = false;
    std::set<std::string> digests;  // of all records of the key that are no copies
  };

  absl::Status Read(const StoredBatch& batch) {
    ASSIGN_OR_RETURN(const RecordBatchView view, RecordBatchView::Parse(batch.bytes));
    absl::Status status;
    view.ForEach([&](int, const RecordView& record) {
      if (status.ok() && WhyNotReturned(contract_, record).empty())
        status = Take(batch.from.partition, record);
    });
    return status;
  }

  absl::Status Take(Partition partition, const RecordView& record) {
    const std::string key(record.key);
    ASSIGN_OR_RETURN(const std::optional<CatalogRow> row, catalog_.Get(contract_.id(), record.key));
    const bool copy = row.has_value() && !record.tombstone &&
                      absl::string_view(row->envelope) == record.header &&
                      absl::string_view(row->payload) == record.value;
    if (copy) {
      if (newer_.contains(key)) covered_.insert(key);
      return absl::OkStatus();
    }
    Newer& newer = newer_[key];
    // Envelopes say which batch and place a record is of: the same bytes again are a repair, which
    // must not pass for newer than what others wrote before it.
    const std::string digest =
        ToString(Sha256(absl::StrCat(record.tombstone ? "d" : "u", record.header, record.value)));
    if (!newer.digests.insert(digest).second) {
      const bool last = newer.header == record.header && newer.tombstone == record.tombstone &&
                        newer.value == record.value;
      if (last) {
        covered_.erase(key);
      } else {
        covered_.insert(key);
      }
      return absl::OkStatus();
    }
    newer.partition = partition;
    newer.header = std::string(record.header);
    newer.value = std::string(record.value);
    newer.tombstone = record.tombstone;
    covered_.erase(key);
    return absl::OkStatus();
  }

  const schema::Contract& contract_;
  Catalog& catalog_;
  const std::unique_ptr<BackboneReader> reader_;
  std::map<std::string, Newer> newer_;
  std::set<std::string> covered_;
};

}  // namespace

absl::StatusOr<int64_t> Republish(const schema::Contract& contract, const std::string& topic,
                                  int32_t partitions, Catalog& catalog, Backbone& backbone,
                                  BackboneWriter& writer) {
  int64_t rows = 0;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<CatalogSnapshot> snapshot, catalog.Snapshot());
    ScanRequest request;
    request.max_rows = kRowsOfATransaction;
    do {
      ASSIGN_OR_RETURN(const ScanResult part, snapshot->Scan(contract.id(), request));
      Appends appends(topic);
      for (const CatalogRow& row : part.rows) {
        // An older version may have taken in what others wrote.
        if (!WhyNotReturned(contract, RecordView{row.key, row.envelope, row.payload, false})
                 .empty())
          continue;
        appends.To(row.from.partition).Add(row.key, row.envelope, row.payload);
        ++rows;
      }
      RETURN_IF_ERROR(appends.Commit(writer));
      request.after = part.next;
    } while (!request.after.empty());
  }
  ReaderOptions options;
  options.start = StartAt::kEarliest;
  for (int32_t p = 0; p < partitions; ++p) options.assigned.push_back({topic, Partition(p)});
  ASSIGN_OR_RETURN(std::unique_ptr<BackboneReader> reader, backbone.OpenReader(std::move(options)));
  NewTopic filled(contract, catalog, std::move(reader));
  while (true) {
    RETURN_IF_ERROR(filled.ReadToEnd());
    ASSIGN_OR_RETURN(const bool repaired, filled.Repair(topic, writer));
    if (!repaired) return rows;
  }
}

}  // namespace huiliu::pipeline
