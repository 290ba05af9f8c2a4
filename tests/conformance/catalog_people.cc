// The dataset and the log that the catalog suite works with.
#include "absl/strings/str_cat.h"
#include "broker/catalog/row_key.h"
#include "core/schema/record_writer.h"
#include "huiliu/v1/common.pb.h"
#include "tests/conformance/catalog_suite.h"

namespace huiliu {

std::shared_ptr<const schema::Contract> PeopleContract(const std::string& dataset,
                                                       uint32_t version) {
  const std::string source = absl::StrCat(R"(syntax = "proto3";
package test;
import "huiliu/v1/dataset.proto";
message Person {
  option (huiliu.v1.dataset) = {
    id: ")",
                                          dataset, R"("
    title: "测试人员" catalog_code: "305001/000001" theme: "population" provider: "测试部门"
    abstract: "测试" sharing: SHARING_UNCONDITIONAL update_cycle: UPDATE_CYCLE_DAILY
    territory: {title: "户籍地" evidence: {field: "county" kind: EVIDENCE_KIND_CODE}}
  };
  string id = 1 [(huiliu.v1.data) = {title: "编号" key: true grade: GRADE_GENERAL_1}];
  string name = 2 [(huiliu.v1.data) = {title: "姓名" grade: GRADE_GENERAL_1)",
                                          version >= 2 ? " index: true" : "", R"(}];
  string county = 3 [(huiliu.v1.data) = {title: "区县" grade: GRADE_GENERAL_1 index: true}];
  int64 age = 4 [(huiliu.v1.data) = {title: "年龄" grade: GRADE_GENERAL_1 index: true}];
}
)");
  auto contract = schema::Contract::Parse("people.proto", source, version);
  EXPECT_TRUE(contract.ok()) << contract.status();
  return *std::move(contract);
}

std::string PeopleLog::Key(const std::string& id) {
  static const auto contract = PeopleContract("people");
  return RowKey("hr", *contract->KeyFromValues({id}));
}

StoredBatch PeopleLog::Batch(const std::vector<Person>& people) {
  RecordBatchBuilder builder;
  for (const Person& person : people) {
    huiliu::v1::Envelope envelope;
    envelope.set_system("hr");
    envelope.set_division(person.county);
    envelope.set_source(person.source);
    const std::string header = envelope.SerializeAsString();
    if (person.gone) {
      builder.AddTombstone(Key(person.id), header);
      continue;
    }
    schema::RecordWriter writer(*contract_);
    writer.SetString(*contract_->FindField("id"), person.id);
    writer.SetString(*contract_->FindField("name"), person.name);
    if (!person.county.empty()) writer.SetString(*contract_->FindField("county"), person.county);
    if (person.age != 0) writer.SetInt64(*contract_->FindField("age"), person.age);
    builder.Add(Key(person.id), header, writer.Finish());
  }
  StoredBatch batch;
  batch.from = from_;
  batch.first_offset = next_;
  batch.records = static_cast<int32_t>(people.size());
  next_ = Offset(next_.value() + batch.records);
  batch.next = next_;
  batch.bytes = builder.Finish();
  return batch;
}

namespace {

std::string FieldOf(const CatalogRow& row, absl::string_view name) {
  static const auto contract = PeopleContract("people");
  return schema::FieldToText(*contract, *contract->FindField(name), row.payload).value_or("torn");
}

template <typename F>
void ForEachRow(const CatalogSnapshot& snapshot, const DatasetId& dataset,
                std::optional<IndexCondition> condition, size_t page, const F& f) {
  ScanRequest request;
  request.condition = std::move(condition);
  request.max_rows = page;
  do {
    auto result = snapshot.Scan(dataset, request);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_LE(result->rows.size(), page);
    for (const CatalogRow& row : result->rows) f(row);
    request.after = result->next;
  } while (!request.after.empty());
}

}  // namespace

std::map<std::string, std::string> ScanNames(const CatalogSnapshot& snapshot,
                                             const DatasetId& dataset,
                                             std::optional<IndexCondition> condition, size_t page) {
  std::map<std::string, std::string> out;
  ForEachRow(snapshot, dataset, std::move(condition), page, [&](const CatalogRow& row) {
    EXPECT_TRUE(out.emplace(row.key, FieldOf(row, "name")).second) << "a row came twice";
  });
  return out;
}

std::vector<std::string> ScanIds(const CatalogSnapshot& snapshot, const DatasetId& dataset,
                                 std::optional<IndexCondition> condition, size_t page) {
  std::vector<std::string> out;
  ForEachRow(snapshot, dataset, std::move(condition), page,
             [&](const CatalogRow& row) { out.push_back(FieldOf(row, "id")); });
  return out;
}

}  // namespace huiliu
