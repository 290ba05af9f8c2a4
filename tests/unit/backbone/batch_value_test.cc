#include "broker/backbone/embedded/batch_value.h"

#include <gtest/gtest.h>

#include "core/model/varint.h"

namespace huiliu::embedded {
namespace {

// The head of three records at 10 to 19, with these steps between their offsets.
absl::StatusOr<BatchHead> WithSteps(std::initializer_list<uint64_t> steps) {
  BatchHead head;
  head.next = Offset(20);
  head.records = 3;
  std::string bytes;
  AppendHead(head, Offset(10), &bytes);
  bytes.pop_back();  // how many are listed
  AppendVarint(&bytes, steps.size());
  for (uint64_t step : steps) AppendVarint(&bytes, step);
  return ParseHead(bytes, Offset(10));
}

TEST(BatchHeadTest, ListedOffsetsGrowAndStayInsideTheBatch) {
  const auto head = WithSteps({0, 2, 7});
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->offsets, (std::vector<Offset>{Offset(10), Offset(12), Offset(19)}));
  EXPECT_TRUE(WithSteps({}).ok());
  EXPECT_FALSE(WithSteps({0, 2, 8}).ok()) << "beyond the next batch's first";
  EXPECT_FALSE(WithSteps({0, 0, 1}).ok()) << "twice the same";
  EXPECT_FALSE(WithSteps({5, ~uint64_t{0}, 1}).ok()) << "backwards";
  EXPECT_FALSE(WithSteps({uint64_t{1} << 63, uint64_t{1} << 63, 1}).ok()) << "around";
  EXPECT_FALSE(WithSteps({0, 2}).ok()) << "fewer than records";
}

}  // namespace
}  // namespace huiliu::embedded
