#include "adapters/agent/header_binding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace huiliu::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(HeaderBindingTest, AColumnIsCalledByItsNameUnlessThatHoldsANumber) {
  EXPECT_THAT(UnusedColumnNotice("备注2026", 3),
              HasSubstr("没有字段取用列 备注2026 / column 备注2026 "));
  for (const char* name : {"530102199001011237", "证号530102199001011237", "x123456"})
    EXPECT_THAT(UnusedColumnNotice(name, 3),
                AllOf(Not(HasSubstr("123456")), Not(HasSubstr("530102")), HasSubstr("第 3 列"),
                      HasSubstr("column no. 3")));
}

}  // namespace
}  // namespace huiliu::agent
