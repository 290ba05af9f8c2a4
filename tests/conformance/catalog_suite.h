// The one suite that every catalog passes. A test file instantiates it with a factory.
#ifndef HUILIU_TESTS_CONFORMANCE_CATALOG_SUITE_H_
#define HUILIU_TESTS_CONFORMANCE_CATALOG_SUITE_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/catalog/catalog.h"

namespace huiliu {

struct CatalogFactory {
  std::string name;
  std::function<std::unique_ptr<Catalog>()> open;
  // Closes it and opens it again over the same state. Empty: nothing is meant to survive.
  std::function<std::unique_ptr<Catalog>(std::unique_ptr<Catalog>)> reopen;
};
inline void PrintTo(const CatalogFactory& factory, std::ostream* out) { *out << factory.name; }

// A dataset of test people: id (key), name, county (indexed), age (indexed, a number); version 2
// indexes the name too.
std::shared_ptr<const schema::Contract> PeopleContract(const std::string& dataset,
                                                       uint32_t version = 1);

// A log of one partition, as returned.* topics are: makes the batches and gives them offsets.
class PeopleLog {
 public:
  explicit PeopleLog(std::string dataset, int partition = 0)
      : dataset_(std::move(dataset)),
        contract_(PeopleContract(dataset_)),
        from_{"returned.530100." + dataset_, Partition(partition)} {}

  struct Person {
    std::string id;
    std::string name = {};
    std::string county = {};
    int64_t age = 0;
    bool gone = false;
    std::string source = "hr-file";
  };
  // One batch of these, at the next offsets.
  StoredBatch Batch(const std::vector<Person>& people);
  const TopicPartition& from() const { return from_; }
  Offset next() const { return next_; }
  DatasetId dataset() const { return DatasetId(dataset_); }
  static std::string Key(const std::string& id);

 private:
  const std::string dataset_;
  const std::shared_ptr<const schema::Contract> contract_;
  const TopicPartition from_;
  Offset next_{0};
};

class CatalogSuite : public testing::TestWithParam<CatalogFactory> {};

// All rows of a scan, page by page: key → name.
std::map<std::string, std::string> ScanNames(const CatalogSnapshot& snapshot,
                                             const DatasetId& dataset,
                                             std::optional<IndexCondition> condition = {},
                                             size_t page = 1000);
// The ids of a scan in its order.
std::vector<std::string> ScanIds(const CatalogSnapshot& snapshot, const DatasetId& dataset,
                                 std::optional<IndexCondition> condition, size_t page = 1000);

}  // namespace huiliu

#endif  // HUILIU_TESTS_CONFORMANCE_CATALOG_SUITE_H_
