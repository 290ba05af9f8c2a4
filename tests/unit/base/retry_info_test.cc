#include "core/base/retry_info.h"

#include <gtest/gtest.h>

namespace huiliu {
namespace {

TEST(RetryInfo, TravelsInTheDetailsOfAStatus) {
  const absl::Status marked = MayBeAskedAgain(absl::UnavailableError("moving"));
  EXPECT_TRUE(IsToBeAskedAgain(marked));
  EXPECT_EQ(marked.message(), "moving");
  const std::string details = RetryDetails(marked);
  // google.rpc.Status{code: 14, details: [Any{type_url, value: RetryInfo{retry_delay: 1 s}}]}
  std::string expected("\x08\x0e\x1a\x31\x0a\x29", 6);
  absl::StrAppend(&expected, "type.googleapis.com/google.rpc.RetryInfo",
                  "\x12\x04\x0a\x02\x08\x01");
  EXPECT_EQ(details.size(), expected.size());
  EXPECT_TRUE(IsToBeAskedAgain(WithRetryDetails(absl::UnavailableError("n1: moving"), details)));
}

TEST(RetryInfo, OnlyWhereItWasSaid) {
  const absl::Status other = absl::UnavailableError("gone");
  EXPECT_FALSE(IsToBeAskedAgain(other));
  EXPECT_EQ(RetryDetails(other), "");
  EXPECT_FALSE(IsToBeAskedAgain(WithRetryDetails(other, "")));
  EXPECT_FALSE(IsToBeAskedAgain(WithRetryDetails(other, "\x08\x0e")));
  EXPECT_FALSE(IsToBeAskedAgain(MayBeAskedAgain(absl::AbortedError("seen another version"))));
  EXPECT_TRUE(MayBeAskedAgain(absl::OkStatus()).ok());
}

}  // namespace
}  // namespace huiliu
