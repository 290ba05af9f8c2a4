#include "core/codes/citizen_ids.h"

#include <gtest/gtest.h>

namespace huiliu::codes {
namespace {

std::string Hidden(absl::string_view text) {
  std::string out;
  AppendCitizenIdsHidden(text, &out);
  EXPECT_EQ(HoldsCitizenId(text), out != text) << text;
  return out;
}

TEST(CitizenIdsTest, ANumberOfAPersonIsHiddenButForItsEnds) {
  EXPECT_EQ(Hidden("53010219900307123X"), "530102********123X");
  EXPECT_EQ(Hidden("530102199003071234"), "530102********1234") << "a wrong check digit";
  EXPECT_EQ(Hidden("53010219900307123x"), "530102********123x");
  EXPECT_EQ(Hidden("530102900307123"), "530102*****7123") << "the legacy form";
}

TEST(CitizenIdsTest, AmongOtherCodesAndInOtherSpellings) {
  EXPECT_EQ(Hidden("91530100MA6K5XYZ12、530102199003071234"),
            "91530100MA6K5XYZ12、530102********1234");
  EXPECT_EQ(Hidden("530102199003071234530103198512010021"), "530102********1234530103********0021");
  EXPECT_EQ(Hidden("证件号530102 19900307 1234。"), "证件号530102 ******** 1234。");
  EXPECT_EQ(Hidden("530102-19900307-1234"), "530102-********-1234");
  EXPECT_EQ(Hidden("５３０１０２１９９００３０７１２３Ｘ"), "５３０１０２********１２３Ｘ");
}

TEST(CitizenIdsTest, CodesOfOrganisationsStay) {
  for (const char* code :
       {"", "91530100MA6K5XYZ12", "530100100012345", "73431234-5", "N/A", "530102199013451234",
        "12345678901234567890", "５３０１０２", "\xEF\xBC"}) {
    EXPECT_EQ(Hidden(code), code);
  }
}

// A USCC of digits only whose middle happens to be a date: its own check digit tells.
TEST(CitizenIdsTest, AValidUsccIsNone) {
  EXPECT_EQ(Hidden("915301199003070032"), "915301199003070032");
}

}  // namespace
}  // namespace huiliu::codes
