#include "tests/conformance/catalog_suite.h"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace huiliu {
namespace {

using Person = PeopleLog::Person;
constexpr int kCounty = 2, kAge = 3, kName = 1;

IndexCondition Equals(int field, std::vector<std::string> values) {
  IndexCondition condition;
  condition.field = field;
  condition.equals = std::move(values);
  return condition;
}
IndexCondition Range(int field, std::string at_least, std::string below) {
  IndexCondition condition;
  condition.field = field;
  condition.at_least = std::move(at_least);
  condition.below = std::move(below);
  return condition;
}

std::unique_ptr<Catalog> OpenPeople(const CatalogFactory& factory) {
  auto catalog = factory.open();
  EXPECT_EQ(catalog->EnsureDataset(PeopleContract("people")), absl::OkStatus());
  return catalog;
}

TEST_P(CatalogSuite, RowsComeChangeAndGo) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch({{"1", "甲", "530102", 30},
                                                      {"2", "乙", "530103", 40},
                                                      {"1", "甲甲", "530102", 31}})}),
            absl::OkStatus());
  auto row = *catalog->Get(log.dataset(), PeopleLog::Key("1"));
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->offset, Offset(2));
  EXPECT_EQ(row->from, log.from());
  EXPECT_EQ(row->key, PeopleLog::Key("1"));
  EXPECT_FALSE(row->envelope.empty());
  EXPECT_FALSE(catalog->Get(log.dataset(), PeopleLog::Key("3"))->has_value());
  EXPECT_EQ(*catalog->Rows(log.dataset()), 2);
  ASSERT_EQ(catalog->Apply(log.dataset(),
                           {log.Batch({{.id = "2", .gone = true}, {.id = "9", .gone = true}})}),
            absl::OkStatus());
  const auto rows = *catalog->MultiGet(
      log.dataset(), {PeopleLog::Key("2"), PeopleLog::Key("1"), PeopleLog::Key("3")});
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_FALSE(rows[0].has_value());
  EXPECT_TRUE(rows[1].has_value());
  EXPECT_FALSE(rows[2].has_value());
  EXPECT_EQ(*catalog->Rows(log.dataset()), 1);
  EXPECT_EQ(*catalog->AppliedOffset(log.dataset(), log.from()), Offset(5));
}

TEST_P(CatalogSuite, ARepeatedBatchChangesNothing) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  const StoredBatch first = log.Batch({{"1", "a", "530102", 1}, {"2", "b", "530102", 1}});
  const StoredBatch second = log.Batch({{"1", "c", "530102", 1}});
  const std::vector<StoredBatch> both = {first, second};
  ASSERT_EQ(catalog->Apply(log.dataset(), both), absl::OkStatus());
  ASSERT_EQ(catalog->Apply(log.dataset(), {first}), absl::OkStatus());
  ASSERT_EQ(catalog->Apply(log.dataset(), both), absl::OkStatus());
  EXPECT_EQ(
      ScanNames(**catalog->Snapshot(), log.dataset()),
      (std::map<std::string, std::string>{{PeopleLog::Key("1"), "c"}, {PeopleLog::Key("2"), "b"}}));
  EXPECT_EQ(*catalog->Rows(log.dataset()), 2);
  EXPECT_EQ(*catalog->AppliedOffset(log.dataset(), log.from()), Offset(3));
}

TEST_P(CatalogSuite, OffsetsOfACompactedBatchCount) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  StoredBatch batch = log.Batch({{"1", "a", "", 0}, {"2", "b", "", 0}});
  batch.first_offset = Offset(10);
  batch.offsets = {Offset(10), Offset(17)};
  batch.next = Offset(20);
  ASSERT_EQ(catalog->Apply(log.dataset(), {batch}), absl::OkStatus());
  EXPECT_EQ((*catalog->Get(log.dataset(), PeopleLog::Key("2")))->offset, Offset(17));
  EXPECT_EQ(*catalog->AppliedOffset(log.dataset(), log.from()), Offset(20));
}

TEST_P(CatalogSuite, UntilWhenItFollowedIsKeptWithItsRows) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  EXPECT_FALSE(catalog->FollowedOf(log.from())->has_value());
  ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch({{"1", "a", "530102", 1}})}),
            absl::OkStatus());
  const absl::Time at = absl::FromUnixMicros(1'700'000'000'123'456);
  ASSERT_EQ(catalog->Flush({{log.from(), {at, Offset(7)}}}), absl::OkStatus());
  if (GetParam().reopen) {
    catalog = GetParam().reopen(std::move(catalog));
    ASSERT_EQ(catalog->EnsureDataset(PeopleContract("people")), absl::OkStatus());
  }
  ASSERT_TRUE(catalog->FollowedOf(log.from())->has_value());
  EXPECT_EQ((*catalog->FollowedOf(log.from()))->at, at);
  EXPECT_EQ((*catalog->FollowedOf(log.from()))->log_end, Offset(7));
  EXPECT_FALSE(catalog->FollowedOf({log.from().topic, Partition(9)})->has_value());
  // Where the former topic ended says nothing of a new one.
  ASSERT_EQ(catalog->Rewind(log.dataset(), 1), absl::OkStatus());
  EXPECT_EQ((*catalog->FollowedOf(log.from()))->at, at);
  EXPECT_EQ((*catalog->FollowedOf(log.from()))->log_end, Offset(0));
}

// Its topic was lost and made again.
TEST_P(CatalogSuite, ARewoundDatasetKeepsItsRowsAndReadsAnew) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  ASSERT_EQ(catalog->Apply(log.dataset(),
                           {log.Batch({{"1", "a", "530102", 1}, {"2", "b", "530102", 1}})}),
            absl::OkStatus());
  EXPECT_EQ(*catalog->Generation(log.dataset()), 0U);
  ASSERT_EQ(catalog->Rewind(log.dataset(), 3), absl::OkStatus());
  if (GetParam().reopen) {
    catalog = GetParam().reopen(std::move(catalog));
    ASSERT_EQ(catalog->EnsureDataset(PeopleContract("people")), absl::OkStatus());
  }
  EXPECT_EQ(*catalog->Generation(log.dataset()), 3U);
  EXPECT_EQ(*catalog->AppliedOffset(log.dataset(), log.from()), Offset(0));
  EXPECT_EQ(*catalog->Rows(log.dataset()), 2);
  PeopleLog anew("people");
  ASSERT_EQ(catalog->Apply(log.dataset(), {anew.Batch({{"2", "c", "530102", 1}})}),
            absl::OkStatus());
  EXPECT_EQ(
      ScanNames(**catalog->Snapshot(), log.dataset()),
      (std::map<std::string, std::string>{{PeopleLog::Key("1"), "a"}, {PeopleLog::Key("2"), "c"}}));
  EXPECT_EQ(*catalog->AppliedOffset(log.dataset(), log.from()), Offset(1));
}

TEST_P(CatalogSuite, ABatchThatCannotBeReadChangesNothing) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  const StoredBatch good = log.Batch({{"1", "a", "", 0}});
  StoredBatch bad = log.Batch({{"2", "b", "", 0}});
  bad.bytes[bad.bytes.size() / 2] ^= 1;
  EXPECT_EQ(catalog->Apply(log.dataset(), {good, bad}).code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(*catalog->AppliedOffset(log.dataset(), log.from()), Offset(0));
  EXPECT_EQ(*catalog->Rows(log.dataset()), 0);
}

TEST_P(CatalogSuite, APayloadThatIsNoMessageIsKeptAndHarmsNoOther) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  StoredBatch batch = log.Batch({{"1", "a", "530102", 0}});
  RecordBatchBuilder builder;
  builder.Add(PeopleLog::Key("torn"), "", "\xFF\xFF");
  batch.bytes = builder.Finish();
  const std::vector<StoredBatch> both = {batch, log.Batch({{"2", "b", "530102", 0}})};
  ASSERT_EQ(catalog->Apply(log.dataset(), both), absl::OkStatus());
  EXPECT_EQ((*catalog->Get(log.dataset(), PeopleLog::Key("torn")))->payload, "\xFF\xFF");
  EXPECT_EQ(ScanIds(**catalog->Snapshot(), log.dataset(), Equals(kCounty, {"530102"})),
            (std::vector<std::string>{"2"}));
}

TEST_P(CatalogSuite, ScansGoInKeyOrderPageByPage) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  std::map<std::string, std::string> expected;
  for (int round = 0; round < 10; ++round) {
    std::vector<Person> people;
    for (int i = 0; i < 10; ++i) {
      const std::string id = absl::StrCat((i + round * 9) % 100);
      people.push_back({id, absl::StrCat("n", round, "-", i), "530102", 20});
      expected[PeopleLog::Key(id)] = people.back().name;
    }
    ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch(people)}), absl::OkStatus());
  }
  const auto snapshot = *catalog->Snapshot();
  for (size_t page : {1, 7, 100, 1000})
    EXPECT_EQ(ScanNames(*snapshot, log.dataset(), {}, page), expected) << page;
  IndexCondition prefix;
  prefix.equals = {PeopleLog::Key("5"), PeopleLog::Key("7"), PeopleLog::Key("5")};
  EXPECT_EQ(ScanIds(*snapshot, log.dataset(), prefix), (std::vector<std::string>{"5", "7"}));
}

TEST_P(CatalogSuite, AScanEndsBehindTheRowThatFillsItsBytes) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  for (int i = 0; i < 20; ++i) {
    const std::string name(i % 5 == 4 ? 5000 : 1000, 'x');
    ASSERT_EQ(catalog->Apply(log.dataset(),
                             {log.Batch({{absl::StrCat("p", 99 - i), name, "530102", i + 1}})}),
              absl::OkStatus());
  }
  const auto snapshot = *catalog->Snapshot();
  for (const std::optional<IndexCondition>& condition :
       {std::optional<IndexCondition>(), std::optional(Equals(kCounty, {"530102"})),
        std::optional(Range(kAge, "0", "100"))}) {
    ScanRequest request;
    request.condition = condition;
    request.max_bytes = 2500;
    std::set<std::string> keys;
    size_t rows = 0, pages = 0;
    do {
      const auto result = snapshot->Scan(log.dataset(), request);
      ASSERT_TRUE(result.ok()) << result.status();
      size_t bytes = 0;
      for (const CatalogRow& row : result->rows) {
        EXPECT_LT(bytes, request.max_bytes);
        bytes += BytesOf(row);
        keys.insert(row.key);
      }
      rows += result->rows.size();
      request.after = result->next;
      ASSERT_LT(++pages, 30U);
    } while (!request.after.empty());
    EXPECT_EQ(rows, 20U);
    EXPECT_EQ(keys.size(), 20U);
    EXPECT_GE(pages, 8U);
  }
}

TEST_P(CatalogSuite, ManyKeysAtOnceAreRefusedWhereTheirRowsAreTooLarge) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  std::vector<std::string> keys;
  for (int i = 0; i < 17; ++i) {
    const std::string id = absl::StrCat("p", i);
    keys.push_back(PeopleLog::Key(id));
    ASSERT_EQ(
        catalog->Apply(log.dataset(), {log.Batch({{id, std::string(1 << 20, 'x'), "530102", i}})}),
        absl::OkStatus());
  }
  EXPECT_EQ(catalog->MultiGet(log.dataset(), keys).status().code(),
            absl::StatusCode::kResourceExhausted);
  keys.resize(15);
  const auto rows = catalog->MultiGet(log.dataset(), keys);
  ASSERT_TRUE(rows.ok()) << rows.status();
  for (const auto& row : *rows) EXPECT_TRUE(row.has_value());
}

TEST_P(CatalogSuite, IndexesAnswerEqualsAndRangesInTheOrderOfTheType) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch({{"a", "", "530102", 9},
                                                      {"b", "", "530103", 10},
                                                      {"c", "", "530102", -5},
                                                      {"d", "", "5301", 100},
                                                      {"e", "", "", 0}})}),
            absl::OkStatus());
  const auto snapshot = *catalog->Snapshot();
  const auto ids = [&](IndexCondition condition, size_t page = 1000) {
    return ScanIds(*snapshot, log.dataset(), std::move(condition), page);
  };
  using Ids = std::vector<std::string>;
  EXPECT_EQ(ids(Equals(kCounty, {"530102"})), (Ids{"a", "c"}));
  EXPECT_EQ(ids(Equals(kCounty, {"530103", "530102"}), 1), (Ids{"a", "c", "b"}));
  EXPECT_EQ(ids(Equals(kCounty, {"5301"})), (Ids{"d"}));
  EXPECT_EQ(ids(Equals(kCounty, {"53"})), Ids{});
  EXPECT_EQ(ids(Range(kCounty, "530102", "530103")), (Ids{"a", "c"}));
  EXPECT_EQ(ids(Range(kAge, "-10", "100")), (Ids{"c", "a", "b"}));
  EXPECT_EQ(ids(Range(kAge, "10", ""), 1), (Ids{"b", "d"}));
  EXPECT_EQ(ids(Equals(kAge, {"-5", "10"})), (Ids{"c", "b"}));
  ScanRequest request;
  request.condition = Equals(kName, {"x"});
  EXPECT_EQ(snapshot->Scan(log.dataset(), request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(CatalogSuite, AnIndexForgetsFormerValues) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  ASSERT_EQ(
      catalog->Apply(log.dataset(), {log.Batch({{"a", "", "530102", 1}, {"b", "", "530102", 2}})}),
      absl::OkStatus());
  ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch({{"a", "", "530103", 1}})}), absl::OkStatus());
  const auto county = [&](const std::string& code) {
    return ScanIds(**catalog->Snapshot(), log.dataset(), Equals(kCounty, {code}));
  };
  EXPECT_EQ(county("530102"), (std::vector<std::string>{"b"}));
  EXPECT_EQ(county("530103"), (std::vector<std::string>{"a"}));
  ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch({{.id = "a", .gone = true}})}),
            absl::OkStatus());
  EXPECT_TRUE(county("530103").empty());
}

// The attributed division stands in the envelope; every dataset has an index on it.
TEST_P(CatalogSuite, TheAttributedDivisionIsIndexed) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  ASSERT_EQ(
      catalog->Apply(
          log.dataset(),
          {log.Batch({{"a", "", "530102", 1}, {"b", "", "530103", 2}, {"c", "", "530111", 3}})}),
      absl::OkStatus());
  const auto divisions = [&](std::vector<std::string> codes, size_t page = 1000) {
    return ScanIds(**catalog->Snapshot(), log.dataset(),
                   Equals(IndexCondition::kDivision, std::move(codes)), page);
  };
  EXPECT_EQ(divisions({"530102"}), (std::vector<std::string>{"a"}));
  EXPECT_EQ(divisions({"530103", "530111"}, 1), (std::vector<std::string>{"b", "c"}));
  EXPECT_TRUE(divisions({"53010"}).empty());
  const auto lying_in = [&](const std::string& area, size_t page = 1000) {
    IndexCondition condition = Equals(IndexCondition::kDivision, {area});
    condition.lies_in = [area](absl::string_view division) {
      return absl::StartsWith(division, area);
    };
    return ScanIds(**catalog->Snapshot(), log.dataset(), condition, page);
  };
  EXPECT_EQ(lying_in("53010", 1), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(lying_in("5301"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(lying_in("5303").empty());
  ASSERT_EQ(catalog->Apply(log.dataset(),
                           {log.Batch({{"a", "", "530103", 1}, {.id = "c", .gone = true}})}),
            absl::OkStatus());
  EXPECT_TRUE(divisions({"530102", "530111"}).empty());
  EXPECT_TRUE(lying_in("530102").empty());
  EXPECT_EQ(lying_in("5301"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(divisions({"530103"}), (std::vector<std::string>{"a", "b"}));
}

TEST_P(CatalogSuite, ASnapshotStands) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch({{"a", "1", "530102", 1}})}),
            absl::OkStatus());
  const auto snapshot = *catalog->Snapshot();
  ASSERT_EQ(catalog->Apply(log.dataset(),
                           {log.Batch({{"a", "2", "530103", 1}, {"b", "2", "530102", 1}})}),
            absl::OkStatus());
  EXPECT_EQ(ScanNames(*snapshot, log.dataset()),
            (std::map<std::string, std::string>{{PeopleLog::Key("a"), "1"}}));
  EXPECT_EQ(ScanIds(*snapshot, log.dataset(), Equals(kCounty, {"530102"})),
            (std::vector<std::string>{"a"}));
  const auto applied = snapshot->Applied(log.dataset());
  ASSERT_EQ(applied.size(), 1U);
  EXPECT_EQ(applied[0], std::make_pair(log.from(), Offset(1)));
  EXPECT_EQ(ScanNames(**catalog->Snapshot(), log.dataset()).size(), 2U);
}

TEST_P(CatalogSuite, DatasetsAndPartitionsStandApart) {
  auto catalog = OpenPeople(GetParam());
  ASSERT_EQ(catalog->EnsureDataset(PeopleContract("peoples")), absl::OkStatus());
  PeopleLog people("people"), second("people", 1), peoples("peoples");
  ASSERT_EQ(catalog->Apply(people.dataset(), {people.Batch({{"a", "1", "530102", 1}})}),
            absl::OkStatus());
  ASSERT_EQ(catalog->Apply(people.dataset(), {second.Batch({{"b", "2", "530102", 1}})}),
            absl::OkStatus());
  ASSERT_EQ(catalog->Apply(peoples.dataset(), {peoples.Batch({{"c", "3", "530102", 1}})}),
            absl::OkStatus());
  const auto snapshot = *catalog->Snapshot();
  EXPECT_EQ(ScanIds(*snapshot, people.dataset(), {}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(ScanIds(*snapshot, peoples.dataset(), Equals(kCounty, {"530102"})),
            (std::vector<std::string>{"c"}));
  EXPECT_EQ(snapshot->Applied(people.dataset()).size(), 2U);
  EXPECT_EQ(*catalog->Rows(people.dataset()), 2);
  EXPECT_FALSE(catalog->Get(peoples.dataset(), PeopleLog::Key("a"))->has_value());
  EXPECT_EQ(catalog->Get(DatasetId("none"), "k").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(catalog->Apply(DatasetId("none"), {people.Batch({{"x", "", "", 0}})}).code(),
            absl::StatusCode::kNotFound);
}

TEST_P(CatalogSuite, RowsOfOtherAreasAreCounted) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  ASSERT_EQ(
      catalog->Apply(
          log.dataset(),
          {log.Batch({{"a", "", "530102", 1}, {"b", "", "530302", 1}, {"c", "", "440100", 1}})}),
      absl::OkStatus());
  EXPECT_EQ(*catalog->RowsOutside({"530100"}), 2);
  EXPECT_EQ(*catalog->RowsOutside({"530100", "440100"}), 1);
  EXPECT_EQ(*catalog->RowsOutside({"530000"}), 1);
  ASSERT_EQ(catalog->Apply(log.dataset(),
                           {log.Batch({{.id = "c", .gone = true}, {"b", "", "530103", 1}})}),
            absl::OkStatus());
  EXPECT_EQ(*catalog->RowsOutside({"530100"}), 0);
}

TEST_P(CatalogSuite, ANewerContractsIndexIsBuiltFromTheRows) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  ASSERT_EQ(catalog->Apply(log.dataset(),
                           {log.Batch({{"a", "x", "530102", 1}, {"b", "y", "530102", 1}})}),
            absl::OkStatus());
  ASSERT_EQ(catalog->EnsureDataset(PeopleContract("people", 2)), absl::OkStatus());
  ASSERT_EQ(catalog->Apply(log.dataset(), {log.Batch({{"c", "x", "530102", 1}})}),
            absl::OkStatus());
  EXPECT_EQ(ScanIds(**catalog->Snapshot(), log.dataset(), Equals(kName, {"x"})),
            (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(ScanIds(**catalog->Snapshot(), log.dataset(), Equals(kCounty, {"530102"})).size(), 3U);
  EXPECT_EQ(*catalog->AppliedOffset(log.dataset(), log.from()), Offset(3));
  EXPECT_EQ(*catalog->Rows(log.dataset()), 3);
}

// Every Apply writes one number to all keys: a snapshot that sees two numbers has seen half of it.
TEST_P(CatalogSuite, ReadersSeeWholeApplies) {
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      std::vector<Person> people;
      for (int k = 0; k < 20; ++k)
        people.push_back({absl::StrCat(k), absl::StrCat(i), absl::StrCat(530100 + i % 3), i + 1});
      EXPECT_EQ(catalog->Apply(log.dataset(), {log.Batch(people)}), absl::OkStatus());
    }
    done = true;
  });
  while (!done) {
    const auto snapshot = *catalog->Snapshot();
    std::set<std::string> numbers;
    const auto names = ScanNames(*snapshot, log.dataset(), {}, 7);
    for (const auto& [key, name] : names) numbers.insert(name);
    EXPECT_LE(numbers.size(), 1U);
    size_t in_counties = 0;
    for (const char* county : {"530100", "530101", "530102"})
      in_counties += ScanIds(*snapshot, log.dataset(), Equals(kCounty, {county})).size();
    EXPECT_EQ(in_counties, names.size());
    const int64_t rows = *catalog->Rows(log.dataset());
    EXPECT_TRUE(rows == 0 || rows == 20) << rows;
  }
  writer.join();
}

// Random changes against a map, with pages, indexes, counts and, where there is one, reopening:
// then what was not kept is applied again from the applied offset.
TEST_P(CatalogSuite, AgreesWithAModel) {
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  auto catalog = OpenPeople(GetParam());
  PeopleLog log("people");
  std::vector<StoredBatch> all;
  std::map<std::string, Person> model;
  for (int round = 0; round < 120; ++round) {
    std::vector<Person> people;
    for (size_t n = 1 + random() % 60; n > 0; --n) {
      Person person{absl::StrCat(random() % 500), absl::StrCat(round, "/", n),
                    absl::StrCat(530100 + random() % 5), 1 + static_cast<int64_t>(random() % 90),
                    random() % 4 == 0};
      if (person.gone) {
        model.erase(person.id);
      } else {
        model[person.id] = person;
      }
      people.push_back(std::move(person));
    }
    all.push_back(log.Batch(people));
    ASSERT_EQ(catalog->Apply(log.dataset(), {all.back()}), absl::OkStatus());
    if (GetParam().reopen && random() % 20 == 0) {
      catalog = GetParam().reopen(std::move(catalog));
      ASSERT_EQ(catalog->EnsureDataset(PeopleContract("people")), absl::OkStatus());
      ASSERT_EQ(catalog->Apply(log.dataset(), all), absl::OkStatus());
    }
    if (random() % 5 != 0) continue;
    std::map<std::string, std::string> names;
    std::map<std::string, std::set<std::string>> counties;
    int64_t outside = 0;
    for (const auto& [id, person] : model) {
      names[PeopleLog::Key(id)] = person.name;
      counties[person.county].insert(id);
      outside += person.county == "530102" ? 0 : 1;
    }
    const auto snapshot = *catalog->Snapshot();
    ASSERT_EQ(ScanNames(*snapshot, log.dataset(), {}, 1 + random() % 300), names);
    for (const auto& [county, ids] : counties) {
      const auto got =
          ScanIds(*snapshot, log.dataset(), Equals(kCounty, {county}), 1 + random() % 100);
      ASSERT_EQ(std::set<std::string>(got.begin(), got.end()), ids) << county;
      ASSERT_EQ(got.size(), ids.size());
    }
    ASSERT_EQ(*catalog->Rows(log.dataset()), static_cast<int64_t>(model.size()));
    ASSERT_EQ(*catalog->RowsOutside({"530102"}), outside);
    const std::string id = absl::StrCat(random() % 500);
    ASSERT_EQ(catalog->Get(log.dataset(), PeopleLog::Key(id))->has_value(), model.contains(id));
  }
}

}  // namespace
}  // namespace huiliu
