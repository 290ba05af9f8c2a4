#include "cli/audit_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/files.h"

namespace huiliu::cli {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(AuditKeysTest, APublicKeyIs64HexadecimalDigits) {
  EXPECT_EQ(*PublicKeyFromHex("p", std::string(64, 'a')), std::string(32, '\xaa'));
  for (const std::string& bad : {std::string("zz"), std::string(), std::string(63, 'a'),
                                 std::string(64, 'z'), std::string(66, 'a')}) {
    const absl::Status status = PublicKeyFromHex("cli.yaml:3:12: audit_key", bad).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cli.yaml:3:12: audit_key"));
  }
}

TEST(AuditKeysTest, SourceKeysNameTheOptionOrTheLineThatIsWrong) {
  const std::string key(64, '1');
  const std::string path = testing::TempDir() + "/source-keys";
  ASSERT_TRUE(WriteFileDurably(path, "# keys\n\n b=" + key + "\n").ok());
  const auto keys = SourceKeysOf({"a=" + key}, path);
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(keys->size(), 2U);
  EXPECT_EQ(keys->at("b"), std::string(32, '\x11'));
  EXPECT_THAT(std::string(SourceKeysOf({"a=zz"}, "").status().message()),
              HasSubstr("--source-key"));
  ASSERT_TRUE(WriteFileDurably(path, "b=" + key + "\nc\n").ok());
  EXPECT_THAT(std::string(SourceKeysOf({}, path).status().message()), HasSubstr(path + ":2"));
}

}  // namespace
}  // namespace huiliu::cli
