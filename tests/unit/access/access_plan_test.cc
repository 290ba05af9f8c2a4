#include "broker/access/access_plan.h"

#include <gmock/gmock.h>

#include "tests/unit/access/access_fixture.h"

namespace huiliu::access {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class AccessPlanTest : public AccessFixture {
 protected:
  void ExpectRefused(const huiliu::v1::Grant& grant, const char* what,
                     absl::string_view key = kPseudonymKey) {
    auto plan = Compile(grant, key);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(plan.status().message()), HasSubstr(what));
  }
  Visibility Of(const AccessPlan& plan, const char* field) {
    return plan.visibility(*contract_->FindField(field));
  }
};

TEST_F(AccessPlanTest, DefaultMasksHoldWhereTheGrantNamesNone) {
  auto plan = Compile(Granted());
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Of(**plan, "number"), Visibility::kClear);
  EXPECT_EQ(Of(**plan, "citizen_id"), Visibility::kMasked);
  EXPECT_EQ(Of(**plan, "secret_note"), Visibility::kHidden);
  const std::string seen = Seen(**plan, Record());
  EXPECT_THAT(seen, HasSubstr("530102********1234"));
  EXPECT_THAT(seen, HasSubstr("张**"));
  EXPECT_THAT(seen, HasSubstr("8000"));
  EXPECT_THAT(seen, Not(HasSubstr("do not show")));
  EXPECT_EQ((*plan)->visible_fields().size(), 8u);
}

TEST_F(AccessPlanTest, OnlyNamedFieldsAreThereAndMasksMayBeChanged) {
  auto grant = Granted();
  for (const char* name : {"citizen_id", "name", "salary"}) grant.add_fields(name);
  (*grant.mutable_masks())["citizen_id"].set_hash(true);
  (*grant.mutable_masks())["name"].set_keep(true);
  (*grant.mutable_masks())["salary"].set_drop(true);
  auto plan = Compile(grant);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Of(**plan, "number"), Visibility::kHidden);
  EXPECT_EQ(Of(**plan, "name"), Visibility::kClear);
  EXPECT_EQ(Of(**plan, "salary"), Visibility::kHidden) << "granted but dropped is not there";
  const std::string seen = Seen(**plan, Record());
  EXPECT_THAT(seen, HasSubstr("张小明"));
  EXPECT_THAT(seen, Not(HasSubstr("199001011234")));
  EXPECT_THAT(seen, Not(HasSubstr("8000")));
  EXPECT_EQ(Seen(**plan, Record()), seen) << "a pseudonym is stable";
  auto other = Compile(grant, "another key of 16 bytes or more");
  EXPECT_NE(Seen(**other, Record()), seen) << "and differs by receiver";
}

TEST_F(AccessPlanTest, ADroppedFieldNamedInTheGrantStaysDroppedUnlessKept) {
  auto grant = Granted();
  grant.add_fields("number");
  grant.add_fields("secret_note");
  EXPECT_EQ(Of(**Compile(grant), "secret_note"), Visibility::kHidden);
  (*grant.mutable_masks())["secret_note"].set_keep(true);
  EXPECT_EQ(Of(**Compile(grant), "secret_note"), Visibility::kClear);
}

TEST_F(AccessPlanTest, CoarserNumbersSm3AndConstants) {
  auto grant = Granted();
  (*grant.mutable_masks())["citizen_id"].set_hash_sm3(true);
  (*grant.mutable_masks())["name"].set_constant("某人");
  (*grant.mutable_masks())["salary"].mutable_generalise()->set_band(5000);
  auto plan = Compile(grant);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Of(**plan, "salary"), Visibility::kMasked);
  const std::string seen = Seen(**plan, Record());
  EXPECT_THAT(seen, HasSubstr("某人"));
  EXPECT_THAT(seen, HasSubstr("5000"));
  EXPECT_THAT(seen, Not(HasSubstr("8000")));
  EXPECT_THAT(seen, Not(HasSubstr("199001011234")));
  EXPECT_FALSE(Compile(grant, "short").ok()) << "a pseudonym needs a key, by SM3 too";
  (*grant.mutable_masks())["citizen_id"].set_hash_sm3(false);
  EXPECT_FALSE(Compile(grant).ok());
}

TEST_F(AccessPlanTest, ShortValuesAreMaskedWhole) {
  auto plan = Compile(Granted());
  const std::string seen = Seen(**plan, Record("5301021234", "明"));
  EXPECT_THAT(seen, HasSubstr("**********"));
  EXPECT_THAT(seen, Not(HasSubstr("5301021234")));
  EXPECT_THAT(seen, Not(HasSubstr("明")));
}

TEST_F(AccessPlanTest, EachOccurrenceOfARepeatedFieldIsMasked) {
  auto record = schema::RecordFromJson(
      *contract_, R"({"number": "P1", "phones": ["13887654321", "13912345678"]})");
  ASSERT_TRUE(record.ok()) << record.status();
  const std::string seen = Seen(**Compile(Granted()), *record);
  EXPECT_THAT(seen, HasSubstr("138****4321"));
  EXPECT_THAT(seen, HasSubstr("139****5678"));
}

TEST_F(AccessPlanTest, BrokenGrantsAreRefusedNamingTheField) {
  auto grant = Granted();
  grant.add_fields("salary");
  grant.add_fields("nickname");
  ExpectRefused(grant, "nickname");

  grant = Granted();
  grant.add_fields("salary");
  (*grant.mutable_masks())["name"].set_drop(true);
  ExpectRefused(grant, "name");

  grant = Granted();
  (*grant.mutable_masks())["salary"].set_hash(true);
  ExpectRefused(grant, "salary");

  grant = Granted();
  (*grant.mutable_masks())["name"];
  ExpectRefused(grant, "name");

  grant = Granted();
  (*grant.mutable_masks())["name"].set_keep(false);
  ExpectRefused(grant, "name");

  grant = Granted();
  (*grant.mutable_masks())["name"].set_hash(true);
  ExpectRefused(grant, "key for pseudonyms", "");
  ExpectRefused(grant, "key for pseudonyms", "too short");

  grant = Granted();
  grant.add_fields("secret_note");
  ExpectRefused(grant, "shows no field");

  grant = Granted();
  grant.clear_valid_to();
  ExpectRefused(grant, "expiry");

  grant = Granted();
  grant.clear_purpose();
  ExpectRefused(grant, "purpose");

  grant = Granted();
  grant.set_dataset("employment");
  ExpectRefused(grant, "dataset");

  grant = Granted();
  grant.set_row_filter("place == 530102");
  ExpectRefused(grant, "row filter 1:");
}

TEST_F(AccessPlanTest, RowFilterMayUseWhatTheReaderMayNotSee) {
  auto grant = Granted();
  grant.add_fields("number");
  grant.set_row_filter("salary < 5000 && division == '530102'");
  auto plan = Compile(grant);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Seen(**plan, Record("", "", 8000)), "hidden");
  EXPECT_EQ(Seen(**plan, Record("", "", 4000)), R"({"number":"P001"})");
  envelope_.set_division("530103");
  EXPECT_EQ(Seen(**plan, Record("", "", 4000)), "hidden");
}

TEST_F(AccessPlanTest, AnErrorInTheRowFilterHidesTheRow) {
  auto grant = Granted();
  grant.set_row_filter("100 / salary < 1");
  auto plan = Compile(grant);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(Seen(**plan, Record("", "", 0)), "hidden");
  EXPECT_NE(Seen(**plan, Record("", "", 200)), "hidden");
  grant.set_row_filter("division != '530103'");
  plan = Compile(grant);
  std::string shown;
  EXPECT_TRUE(*(*plan)->Apply(Record(), envelope_.SerializeAsString(), &shown));
  EXPECT_FALSE(*(*plan)->Apply(Record(), "\x42\xFFtorn", &shown)) << "a torn envelope";
}

TEST_F(AccessPlanTest, ACodeOfNoDivisionIsNotShownCoarser) {
  auto grant = Granted();
  grant.add_fields("place");
  (*grant.mutable_masks())["place"].mutable_generalise()->set_division(
      huiliu::v1::Mask::Generalise::LEVEL_CITY);
  EXPECT_THAT(Seen(**Compile(grant), Record()), HasSubstr("place")) << "no division tree is loaded";
  environment_.has_division = [](absl::string_view code) { return code == "530100"; };
  EXPECT_THAT(Seen(**Compile(grant), Record()), HasSubstr("the mask cannot be applied"));
  environment_.has_division = [](absl::string_view code) { return code.substr(0, 4) == "5301"; };
  EXPECT_THAT(Seen(**Compile(grant), Record()), HasSubstr(R"("place":"530100")"));
}

TEST_F(AccessPlanTest, AMaskThatNobodySeesIsRefused) {
  auto grant = Granted();
  (*grant.mutable_masks())["name"].mutable_partial()->set_fill("\u200B");
  ExpectRefused(grant, "a fill is seen");
}

TEST_F(AccessPlanTest, WhatCannotBeMaskedIsNotShown) {
  auto plan = Compile(Granted());
  std::string record = Record();
  const size_t at = record.find("张");
  record[at] = '\xFF';
  std::string shown = "left over";
  auto applied = (*plan)->Apply(record, envelope_.SerializeAsString(), &shown);
  EXPECT_FALSE(applied.ok());
  EXPECT_THAT(std::string(applied.status().message()), HasSubstr("name"));
  EXPECT_THAT(std::string(applied.status().message()), Not(HasSubstr("小明")));
  EXPECT_TRUE(shown.empty());
  record = Record();
  record.pop_back();
  EXPECT_FALSE((*plan)->Apply(record, "", &shown).ok());
  EXPECT_TRUE(shown.empty());
}

TEST_F(AccessPlanTest, FieldsThatTheContractDoesNotKnowNeverLeave) {
  std::string record = Record();
  record += "\xA2\x06\x05";  // field 100, text
  record += "extra";
  EXPECT_THAT(Seen(**Compile(Granted()), record), Not(HasSubstr("extra")));
  std::string shown;
  ASSERT_TRUE((*Compile(Granted()))->Project(record, &shown).ok());
  EXPECT_THAT(shown, Not(HasSubstr("extra")));
}

// Without this rule a reader who sees 530102********1234 finds the rest by asking for each value.
TEST_F(AccessPlanTest, HiddenValuesCannotBeProbedByAFilter) {
  auto grant = Granted();
  for (const char* name : {"number", "citizen_id", "place"}) grant.add_fields(name);
  auto plan = Compile(grant);
  ASSERT_TRUE(plan.ok()) << plan.status();
  for (const char* filter :
       {"citizen_id == '530102199001011234'", "citizen_id.startsWith('5301021990')",
        "place == '530102' && citizen_id > '53'", "true || citizen_id != ''", "salary > 7000",
        "has(secret_note)", "size(name) == 3", "citizen_id in ['1', '2']",
        "place == '530102' ? salary > 1 : false", "inDivision(citizen_id, '530100')",
        "citizen_id.matches('^5301.*')", "phones.exists(p, p == '13887654321')",
        "size(phones) > 0"}) {
    auto compiled = (*plan)->CompileFilter(filter, environment_);
    ASSERT_FALSE(compiled.ok()) << filter;
    if (compiled.status().code() == absl::StatusCode::kInvalidArgument) {
      // Not (yet) a part of our CEL: refused all the same, and said.
      std::printf("not compiled: %s: %s\n", filter,
                  std::string(compiled.status().message()).c_str());
      continue;
    }
    EXPECT_EQ(compiled.status().code(), absl::StatusCode::kPermissionDenied) << filter;
  }
  auto refused = (*plan)->CompileFilter("citizen_id == '5'", environment_);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("citizen_id, which is masked"));
  refused = (*plan)->CompileFilter("salary > 1", environment_);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("salary, which is not granted"));
}

TEST_F(AccessPlanTest, FiltersOverClearFieldsWork) {
  auto plan = Compile(Granted());
  auto filter = (*plan)->CompileFilter("place == '530102' && salary > 7000 && division == '530102'",
                                       environment_);
  ASSERT_TRUE(filter.ok()) << filter.status();
  const std::string envelope = envelope_.SerializeAsString();
  EXPECT_TRUE((*plan)->Matches(**filter, Record(), envelope));
  EXPECT_FALSE((*plan)->Matches(**filter, Record("", "", 6000), envelope));
  EXPECT_EQ(*(*plan)->CompileFilter("", environment_), nullptr);
  EXPECT_EQ((*plan)->CompileFilter("place ==", environment_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(AccessPlanTest, InDivisionNeedsTheDivisionTree) {
  auto grant = Granted();
  grant.set_row_filter("!inDivision('530100')");
  auto plan = AccessPlan::Compile(grant, contract_, cel::Environment{}, kPseudonymKey);
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(AccessPlanTest, MaskedKeysCannotBeTriedNorSeen) {
  auto plan = Compile(Granted());
  EXPECT_TRUE((*plan)->CheckKeyUse().ok());
  EXPECT_EQ((*plan)->ShownKey("si\0P001"), "si\0P001");
  auto grant = Granted();
  (*grant.mutable_masks())["number"].set_hash(true);
  plan = Compile(grant);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ((*plan)->CheckKeyUse().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string((*plan)->CheckKeyUse().message()), HasSubstr("number"));
  EXPECT_EQ((*plan)->ShownKey("P001").size(), 32u);
  EXPECT_EQ((*plan)->ShownKey("P001"), (*plan)->ShownKey("P001"));
  EXPECT_NE((*plan)->ShownKey("P001"), (*plan)->ShownKey("P002"));
  grant = Granted();
  grant.add_fields("place");
  EXPECT_EQ((*Compile(grant, ""))->ShownKey("P001"), "");
}

TEST_F(AccessPlanTest, ACitizenNumberInAnOrganisationsCodeIsMaskedUnlessTheGrantKeepsIt) {
  const auto record = schema::RecordFromJson(
      *contract_, R"({"number": "P1", "employer": "53010219900101123X、91530100MA6K5XYZ12"})");
  ASSERT_TRUE(record.ok()) << record.status();
  const auto plan = *Compile(Granted());
  EXPECT_EQ(Of(*plan, "employer"), Visibility::kClear);
  EXPECT_THAT(Seen(*plan, *record), HasSubstr("530102********123X、91530100MA6K5XYZ12"));

  const std::string envelope = envelope_.SerializeAsString();
  for (const char* probe : {"employer.startsWith('5301021990')", "employer.contains('19900101')",
                            "!employer.contains('20000101')"}) {
    const auto filter = plan->CompileFilter(probe, environment_);
    ASSERT_TRUE(filter.ok()) << filter.status();
    EXPECT_FALSE(plan->Matches(**filter, *record, envelope)) << probe;
  }

  auto grant = Granted();
  (*grant.mutable_masks())["employer"].set_keep(true);
  const auto keeping = *Compile(grant);
  EXPECT_THAT(Seen(*keeping, *record), HasSubstr("53010219900101123X"));
  const auto filter = *keeping->CompileFilter("employer.contains('19900101')", environment_);
  EXPECT_TRUE(keeping->Matches(*filter, *record, envelope));
}

TEST_F(AccessPlanTest, ValidityIsHalfOpen) {
  auto plan = Compile(Granted());
  EXPECT_FALSE((*plan)->ValidAt(absl::FromUnixSeconds(1'699'999'999)));
  EXPECT_TRUE((*plan)->ValidAt(absl::FromUnixSeconds(1'700'000'000)));
  EXPECT_FALSE((*plan)->ValidAt(absl::FromUnixSeconds(1'800'000'000)));
  auto grant = Granted();
  grant.set_revoked(true);
  EXPECT_FALSE((*Compile(grant))->ValidAt(absl::FromUnixSeconds(1'750'000'000)));
}

}  // namespace
}  // namespace huiliu::access
