#include "tests/fakes/map_catalog.h"

#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/status.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"

namespace huiliu {
namespace {

struct Dataset {
  std::shared_ptr<const schema::Contract> contract;
  std::map<std::string, CatalogRow> rows;
  std::map<TopicPartition, Offset> applied;
  uint64_t generation = 0;
};
using Datasets = std::map<std::string, Dataset>;

// Before: whole numbers by value, all else as text.
bool Before(schema::FieldType type, const std::string& a, const std::string& b) {
  int64_t x = 0, y = 0;
  if (type == schema::FieldType::kInt64 && absl::SimpleAtoi(a, &x) && absl::SimpleAtoi(b, &y))
    return x < y;
  return a < b;
}

class MapSnapshot : public CatalogSnapshot {
 public:
  explicit MapSnapshot(Datasets datasets) : datasets_(std::move(datasets)) {}

  absl::StatusOr<ScanResult> Scan(const DatasetId& id, const ScanRequest& request) const override {
    const auto found = datasets_.find(id.value());
    if (found == datasets_.end()) return absl::NotFoundError("no such dataset");
    const Dataset& dataset = found->second;
    std::vector<const CatalogRow*> matches;
    if (request.condition.has_value() && request.condition->field >= 0) {
      const schema::Field& field =
          dataset.contract->fields()[static_cast<size_t>(request.condition->field)];
      if (!field.options.index()) return absl::InvalidArgumentError("no index");
      std::vector<std::pair<std::string, const CatalogRow*>> by_value;
      for (const auto& [key, row] : dataset.rows) {
        const auto text = schema::FieldToText(*dataset.contract, field, row.payload);
        if (text.ok() && !text->empty() && Matches(*request.condition, field.type, *text))
          by_value.emplace_back(*text, &row);
      }
      std::stable_sort(by_value.begin(), by_value.end(), [&](const auto& a, const auto& b) {
        return Before(field.type, a.first, b.first);
      });
      for (const auto& [value, row] : by_value) matches.push_back(row);
    } else if (request.condition.has_value() &&
               request.condition->field == IndexCondition::kDivision) {
      std::map<std::string, std::vector<const CatalogRow*>> by_division;
      for (const auto& [key, row] : dataset.rows) {
        huiliu::v1::Envelope envelope;
        envelope.ParseFromString(row.envelope);
        by_division[envelope.division()].push_back(&row);
      }
      const IndexCondition& condition = *request.condition;
      for (const auto& [division, rows] : by_division) {
        const bool wanted =
            condition.lies_in != nullptr
                ? !division.empty() && condition.lies_in(division)
                : std::count(condition.equals.begin(), condition.equals.end(), division) != 0;
        if (wanted) matches.insert(matches.end(), rows.begin(), rows.end());
      }
    } else {
      for (const auto& [key, row] : dataset.rows) {
        if (!request.condition.has_value() || HasPrefix(*request.condition, key))
          matches.push_back(&row);
      }
    }
    size_t at = 0;
    if (!request.after.empty() && !absl::SimpleAtoi(request.after, &at))
      return absl::InvalidArgumentError("not a token");
    ScanResult result;
    size_t bytes = 0;
    for (; at < matches.size(); ++at) {
      if (result.rows.size() == request.max_rows || bytes >= request.max_bytes) {
        result.next = absl::StrCat(at);
        break;
      }
      bytes += BytesOf(*matches[at]);
      result.rows.push_back(*matches[at]);
    }
    return result;
  }

  std::vector<std::pair<TopicPartition, Offset>> Applied(const DatasetId& id) const override {
    const auto& applied = datasets_.at(id.value()).applied;
    return {applied.begin(), applied.end()};
  }

 private:
  static bool Matches(const IndexCondition& condition, schema::FieldType type,
                      const std::string& text) {
    if (!condition.equals.empty())
      return std::find(condition.equals.begin(), condition.equals.end(), text) !=
             condition.equals.end();
    return (condition.at_least.empty() || !Before(type, text, condition.at_least)) &&
           (condition.below.empty() || Before(type, text, condition.below));
  }
  static bool HasPrefix(const IndexCondition& condition, const std::string& key) {
    return std::any_of(condition.equals.begin(), condition.equals.end(),
                       [&](const std::string& prefix) { return absl::StartsWith(key, prefix); });
  }
  const Datasets datasets_;
};

class MapCatalog : public Catalog {
 public:
  absl::Status EnsureDataset(std::shared_ptr<const schema::Contract> contract) override {
    absl::MutexLock lock(&mutex_);
    datasets_[contract->id().value()].contract = contract;
    return absl::OkStatus();
  }

  absl::Status Apply(const DatasetId& id, absl::Span<const StoredBatch> batches) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(Dataset * dataset, Find(id));
    for (const StoredBatch& batch : batches)
      RETURN_IF_ERROR(RecordBatchView::Parse(batch.bytes).status());
    for (const StoredBatch& batch : batches) {
      Offset& next = dataset->applied[batch.from];
      RecordBatchView::Parse(batch.bytes)->ForEach([&](int i, const RecordView& record) {
        const Offset offset = batch.offsets.empty() ? Offset(batch.first_offset.value() + i)
                                                    : batch.offsets[static_cast<size_t>(i)];
        if (offset < next) return;
        const std::string key(record.key);
        if (record.tombstone) {
          dataset->rows.erase(key);
        } else {
          dataset->rows[key] = {key, std::string(record.header), std::string(record.value),
                                batch.from, offset};
        }
      });
      next = std::max(next, batch.next);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Offset> AppliedOffset(const DatasetId& id, const TopicPartition& from) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(Dataset * dataset, Find(id));
    const auto it = dataset->applied.find(from);
    return it == dataset->applied.end() ? Offset(0) : it->second;
  }

  absl::Status Flush(const std::map<TopicPartition, Followed>& followed) override {
    absl::MutexLock lock(&mutex_);
    for (const auto& [tp, what] : followed) followed_.insert_or_assign(tp, what);
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<Followed>> FollowedOf(const TopicPartition& from) override {
    absl::MutexLock lock(&mutex_);
    const auto it = followed_.find(from);
    return it == followed_.end() ? std::nullopt : std::optional<Followed>(it->second);
  }

  absl::Status Rewind(const DatasetId& id, uint64_t generation) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(Dataset * dataset, Find(id));
    for (const auto& [tp, offset] : dataset->applied) {
      if (followed_.contains(tp)) followed_[tp].log_end = Offset(0);
    }
    dataset->applied.clear();
    dataset->generation = generation;
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Generation(const DatasetId& id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(Dataset * dataset, Find(id));
    return dataset->generation;
  }

  absl::StatusOr<std::optional<CatalogRow>> Get(const DatasetId& id,
                                                absl::string_view key) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(Dataset * dataset, Find(id));
    const auto it = dataset->rows.find(std::string(key));
    if (it == dataset->rows.end()) return std::optional<CatalogRow>();
    return std::optional<CatalogRow>(it->second);
  }

  absl::StatusOr<std::vector<std::optional<CatalogRow>>> MultiGet(
      const DatasetId& id, absl::Span<const std::string> keys) override {
    std::vector<std::optional<CatalogRow>> out;
    size_t bytes = 0;
    for (const std::string& key : keys) {
      ASSIGN_OR_RETURN(out.emplace_back(), Get(id, key));
      if (out.back().has_value()) bytes += BytesOf(*out.back());
      if (bytes > kMaxMultiGetBytes) return absl::ResourceExhaustedError("too much at once");
    }
    return out;
  }

  absl::StatusOr<std::unique_ptr<CatalogSnapshot>> Snapshot() override {
    absl::MutexLock lock(&mutex_);
    return std::make_unique<MapSnapshot>(datasets_);
  }

  absl::StatusOr<int64_t> Rows(const DatasetId& id) override {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(Dataset * dataset, Find(id));
    return static_cast<int64_t>(dataset->rows.size());
  }

  absl::StatusOr<int64_t> RowsOutside(const std::vector<std::string>& areas) override {
    absl::MutexLock lock(&mutex_);
    int64_t outside = 0;
    for (const auto& [id, dataset] : datasets_) {
      for (const auto& [key, row] : dataset.rows) {
        huiliu::v1::Envelope envelope;
        envelope.ParseFromString(row.envelope);
        const bool inside = std::any_of(areas.begin(), areas.end(), [&](std::string area) {
          while (area.size() > 2 && absl::EndsWith(area, "00")) area.resize(area.size() - 2);
          return absl::StartsWith(envelope.division(), area);
        });
        outside += inside ? 0 : 1;
      }
    }
    return outside;
  }

 private:
  absl::StatusOr<Dataset*> Find(const DatasetId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = datasets_.find(id.value());
    if (it == datasets_.end()) return absl::NotFoundError(absl::StrCat("no dataset ", id.value()));
    return &it->second;
  }
  absl::Mutex mutex_;
  Datasets datasets_ ABSL_GUARDED_BY(mutex_);
  std::map<TopicPartition, Followed> followed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Catalog> NewMapCatalog() { return std::make_unique<MapCatalog>(); }

}  // namespace huiliu
