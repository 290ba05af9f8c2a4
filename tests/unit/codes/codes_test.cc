#include "core/codes/codes.h"

#include <gtest/gtest.h>

namespace huiliu::codes {
namespace {

TEST(UsccTest, ShapeAlphabetAndCheckDigit) {
  EXPECT_EQ(CheckUscc("91530102697992344J"), Flaw::kNone);
  EXPECT_EQ(CheckUscc("91530102697992344K"), Flaw::kCheckDigit);
  EXPECT_EQ(CheckUscc("9153010269799234"), Flaw::kLength);
  EXPECT_EQ(CheckUscc("9153010269799234OJ"), Flaw::kAlphabet);
  EXPECT_EQ(UsccDivision("91530102697992344J"), "530102");
  EXPECT_EQ(UsccDivision("33********66554433"), "");
}

TEST(CitizenIdTest, DateAndCheckDigit) {
  EXPECT_EQ(CheckCitizenId("11010519491231002X"), Flaw::kNone);
  EXPECT_EQ(CheckCitizenId("11010519491231002x"), Flaw::kAlphabet);
  EXPECT_EQ(CheckCitizenId("110105194902310021"), Flaw::kDate);
  EXPECT_EQ(CheckCitizenId("110105194912310021"), Flaw::kCheckDigit);
  EXPECT_EQ(CheckCitizenId("110105491231002"), Flaw::kNone);
}

TEST(OrganisationCodeTest, CheckDigit) {
  EXPECT_EQ(CheckOrganisationCode("69799234-4"), CheckOrganisationCode("697992344"));
  EXPECT_EQ(CheckOrganisationCode("697992344"), Flaw::kNone);
  EXPECT_EQ(CheckOrganisationCode("697992345"), Flaw::kCheckDigit);
}

TEST(MaskedAtSourceTest, FourStarsAreAMask) {
  EXPECT_TRUE(IsMaskedAtSource("330921************"));
  EXPECT_TRUE(IsMaskedAtSource("王＊＊＊＊"));
  EXPECT_FALSE(IsMaskedAtSource("a*b"));
}

}  // namespace
}  // namespace huiliu::codes
