// Rows of megabytes: every answer stays a message that can be sent.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/service/services_fixture.h"

namespace huiliu::service {
namespace {

constexpr char kKunming[] = "530100";
constexpr int kRows = 8;
constexpr size_t kLargest = 16 << 20;

class LargeRowsTest : public testing::Test {
 protected:
  LargeRowsTest() {
    f_.AddGrant("km-person", "km-data", kKunming);
    const std::string name(3 << 20, 'x');
    for (int i = 0; i < kRows; i += 2) {
      std::vector<pipeline::SourceRow> rows;
      for (int j = i; j < i + 2; ++j) {
        const std::string id = absl::StrCat("k", j);
        rows.push_back(
            {absl::StrCat(R"({"id":")", id, R"(","name":")", name, R"(","division":"530102"})"), id,
             1});
      }
      EXPECT_TRUE(f_.node.Send(rows).ok());
    }
    f_.Settle();
    reader_ = ServicesFixture::As("km-data", huiliu::v1::ROLE_CONSUMER);
  }

  // How many rows a subscription brings; each once.
  size_t Delivered(huiliu::v1::SubscribeRequest request) {
    *request.mutable_context() = ServicesFixture::Of(kKunming);
    std::set<std::string> keys;
    const absl::Status status =
        f_.delivery->Subscribe(reader_, request, [&](const google::protobuf::Message& message) {
          const auto& response = static_cast<const huiliu::v1::SubscribeResponse&>(message);
          EXPECT_LE(response.ByteSizeLong(), kLargest);
          for (const auto& row : response.rows()) EXPECT_TRUE(keys.insert(row.key()).second);
          for (const auto& key : response.keys()) EXPECT_TRUE(keys.insert(key).second);
          return true;
        });
    EXPECT_TRUE(status.ok()) << status;
    return keys.size();
  }

  ServicesFixture f_;
  CallContext reader_;
};

TEST_F(LargeRowsTest, ASnapshotComesInSeveralMessages) {
  huiliu::v1::SubscribeRequest request;
  request.set_snapshot(true);
  EXPECT_EQ(Delivered(request), static_cast<size_t>(kRows));
  request.set_format(huiliu::v1::ROW_FORMAT_PROTO);
  EXPECT_EQ(Delivered(request), static_cast<size_t>(kRows));
}

TEST_F(LargeRowsTest, AQueryComesInSeveralPages) {
  huiliu::v1::QueryRequest request;
  *request.mutable_context() = ServicesFixture::Of(kKunming);
  int rows = 0, pages = 0;
  do {
    huiliu::v1::QueryResponse response;
    const absl::Status status = f_.catalog->QueryAndWait(reader_, request, &response);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_LE(response.ByteSizeLong(), kLargest);
    rows += response.rows_size();
    request.set_page_token(response.next_page_token());
    ASSERT_LT(++pages, 20);
  } while (!request.page_token().empty());
  EXPECT_EQ(rows, kRows);
}

TEST_F(LargeRowsTest, ManyKeysAtOnceAreRefusedWithTheWayOut) {
  huiliu::v1::MultiGetRequest request;
  *request.mutable_context() = ServicesFixture::Of(kKunming);
  for (int i = 0; i < kRows; ++i) request.add_keys()->add_values(absl::StrCat("k", i));
  huiliu::v1::MultiGetResponse response;
  EXPECT_EQ(f_.catalog->MultiGetAndWait(reader_, request, &response).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(response.results_size(), 0);
  request.mutable_keys()->DeleteSubrange(3, kRows - 3);
  EXPECT_TRUE(f_.catalog->MultiGetAndWait(reader_, request, &response).ok());
}

}  // namespace
}  // namespace huiliu::service
