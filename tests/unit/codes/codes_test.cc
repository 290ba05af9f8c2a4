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

TEST(UsccTest, PlaceholdersAreNamed) {
  EXPECT_EQ(CheckUscc("00000000000000000X"), Flaw::kPlaceholder);
  EXPECT_EQ(CheckUscc("000000000000000000"), Flaw::kPlaceholder);
  EXPECT_EQ(CheckOrganisationCode("000000000"), Flaw::kPlaceholder);
  EXPECT_EQ(UsccOrganisationCode("91530102697992344J"), "697992344");
}

TEST(RegistrationNumberTest, CheckDigit) {
  EXPECT_EQ(CheckRegistrationNumber("320404000009558"), Flaw::kNone);
  EXPECT_EQ(CheckRegistrationNumber("320404000009559"), Flaw::kCheckDigit);
  EXPECT_EQ(CheckRegistrationNumber("32040400000955"), Flaw::kLength);
  EXPECT_EQ(CheckRegistrationNumber("32040400000955X"), Flaw::kAlphabet);
}

TEST(ServiceItemTest, BasicAndImplementing) {
  EXPECT_EQ(CheckServiceItemCode("511Z07001006"), Flaw::kNone);
  EXPECT_EQ(CheckServiceItemCode("91530102697992344J2511Z07001006"), Flaw::kNone);
  EXPECT_EQ(CheckServiceItemCode("91530102697992344K2511Z07001006"), Flaw::kCheckDigit);
  EXPECT_EQ(CheckServiceItemCode("91530102697992344JX511Z07001006"), Flaw::kAlphabet);
  EXPECT_EQ(CheckServiceItemCode("511Z0700100"), Flaw::kLength);
}

TEST(CertificateIdTest, ShapeAndCheckCharacter) {
  const std::string body =
      "1.2.156.3005.2.11100000000013338W032.11530100015123456A.KM20230000001.001.";
  std::string right;
  for (char c : std::string("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    if (CheckCertificateId(body + c) == Flaw::kNone) right.push_back(c);
  }
  ASSERT_EQ(right.size(), 1U);  // MOD 37,36 leaves exactly one
  std::string swapped = body + right;
  std::swap(swapped[60], swapped[53]);
  EXPECT_EQ(CheckCertificateId(swapped), Flaw::kCheckDigit);
  EXPECT_EQ(CheckCertificateId("1.2.156.3005.2.1.2.3.4.5"), Flaw::kShape);
  EXPECT_EQ(CheckCertificateId("1.2.3"), Flaw::kShape);
}

TEST(MaskedAtSourceTest, FourStarsAreAMask) {
  EXPECT_TRUE(IsMaskedAtSource("330921************"));
  EXPECT_TRUE(IsMaskedAtSource("王＊＊＊＊"));
  EXPECT_FALSE(IsMaskedAtSource("a*b"));
}

}  // namespace
}  // namespace huiliu::codes
