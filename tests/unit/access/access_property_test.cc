// Whatever grant and whatever record: what is hidden does not come out, what is masked does not
// come out whole.
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/codes/citizen_ids.h"
#include "tests/unit/access/access_fixture.h"

namespace huiliu::access {
namespace {

class AccessPropertyTest : public AccessFixture {
 protected:
  // Text that occurs nowhere by chance, 12 to 20 digits.
  std::string Value() {
    std::string text;
    const size_t length = 12 + random_() % 9;
    while (text.size() < length) text += static_cast<char>('0' + random_() % 10);
    return text;
  }

  huiliu::v1::Grant RandomGrant() {
    huiliu::v1::Grant grant = Granted();
    const bool some = random_() % 2 == 0;
    for (const schema::Field& field : contract_->fields()) {
      if (some && random_() % 2 == 0) {
        grant.add_fields(field.name);
      } else if (some) {
        continue;
      }
      switch (random_() % 6) {
        case 0:
          (*grant.mutable_masks())[field.name].set_hash(true);
          break;
        case 1:
          (*grant.mutable_masks())[field.name].set_drop(true);
          break;
        case 2:
          (*grant.mutable_masks())[field.name].set_keep(true);
          break;
        case 3: {
          auto* partial = (*grant.mutable_masks())[field.name].mutable_partial();
          partial->set_keep_first(random_() % 8);
          partial->set_keep_last(random_() % 8);
          break;
        }
        default:
          break;
      }
    }
    return grant;
  }

  const uint32_t seed_ = std::random_device{}();
  std::mt19937 random_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, absl::StrCat("seed ", seed_)};
};

TEST_F(AccessPropertyTest, NothingHiddenOrMaskedComesOut) {
  int compiled = 0;
  for (int round = 0; round < 3000; ++round) {
    const huiliu::v1::Grant grant = RandomGrant();
    auto plan = Compile(grant);
    if (!plan.ok()) continue;
    ++compiled;
    schema::RecordWriter writer(*contract_);
    std::vector<std::pair<const schema::Field*, std::string>> values;
    for (const schema::Field& field : contract_->fields()) {
      if (field.type != schema::FieldType::kString || random_() % 5 == 0) continue;
      for (int i = 0; i < (field.repeated ? 3 : 1); ++i) {
        values.emplace_back(&field, Value());
        writer.SetString(field, values.back().second);
      }
    }
    std::string shown;
    auto applied = (*plan)->Apply(writer.Finish(), envelope_.SerializeAsString(), &shown);
    ASSERT_TRUE(applied.ok() && *applied) << applied.status();
    for (const auto& [field, value] : values) {
      const bool there = absl::StrContains(shown, value);
      const bool guarded = field->name == "employer" && codes::HoldsCitizenId(value) &&
                           !grant.masks().contains("employer");
      EXPECT_EQ(there, (*plan)->visibility(*field) == Visibility::kClear && !guarded)
          << field->name;
    }
    // Every field that came out is visible.
    absl::string_view rest = shown;
    schema::WireField wire;
    while (schema::TakeField(rest, &wire)) {
      const schema::Field* field = contract_->FindFieldByNumber(wire.field_number);
      ASSERT_NE(field, nullptr);
      EXPECT_NE((*plan)->visibility(*field), Visibility::kHidden) << field->name;
    }
    EXPECT_TRUE(rest.empty());
  }
  EXPECT_GT(compiled, 100);
}

TEST_F(AccessPropertyTest, DamagedRecordsShowNothingAndHarmNothing) {
  auto grant = Granted();
  grant.set_row_filter("salary < 100000 && division == '530102'");
  auto plan = Compile(grant);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const std::string whole = Record();
  const std::string envelope = envelope_.SerializeAsString();
  for (int round = 0; round < 20'000; ++round) {
    std::string record = whole;
    for (uint32_t i = 0; i < 1 + random_() % 3; ++i) {
      record[random_() % record.size()] = static_cast<char>(random_());
    }
    record.resize(random_() % 4 == 0 ? random_() % record.size() : record.size());
    std::string shown = "left over";
    auto applied = (*plan)->Apply(record, envelope, &shown);
    const bool allowed = applied.ok() && *applied;
    EXPECT_TRUE(allowed || shown.empty());
  }
}

}  // namespace
}  // namespace huiliu::access
