// The shipped mappings fit the shipped contracts, and the headers that the demo's systems write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_split.h"
#include "tests/unit/mapping/rows.h"

namespace huiliu::mapping {
namespace {

using testing::IsEmpty;

std::unique_ptr<Mapping> Sample(const std::string& path) {
  const std::string dataset = std::filesystem::path(path).stem();
  auto mapping =
      Mapping::Parse(dataset + ".yaml",
                     *ReadFile(absl::StrCat(Root(), "/deploy/samples/mappings/", dataset, ".yaml")),
                     Shipped(path));
  EXPECT_TRUE(mapping.ok()) << mapping.status();
  return *std::move(mapping);
}

TEST(SamplesTest, EveryDatasetHasAMappingThatParses) {
  const std::filesystem::path folder = Root() + "/schemas/datasets";
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".proto") continue;
    Sample(std::filesystem::relative(entry.path(), folder));
    ++count;
  }
  EXPECT_GE(count, 10);
}

TEST(SamplesTest, TheSystemsHeadersBindWhole) {
  const std::pair<const char*, const char*> headers[] = {
      {"legal_persons/enterprise_registration.proto",
       "企业名称,统一社会信用代码,注册日期,企业类型,法人代表,注册资金,经营范围,所在省份,地区,"
       "注册地址"},
      {"population/insurance_participation.proto",
       "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,"
       "更新时间"},
      {"population/employment.proto",
       "id_card,name,employer_uscc,employer_name,work_division,work_address,start_date,end_date,"
       "status,op,updated_at"},
      {"credit/licence_decision.proto",
       "XK_XDR_MC,XK_XDR_LB,XK_XDR_SHXYM,XK_XDR_GSZC,XK_XDR_ZZJG,XK_XDR_SWDJ,XK_XDR_SYDW,"
       "XK_XDR_SHZZ,XK_FRDB,XK_FR_ZJLX,XK_FR_ZJHM,XK_XDR_ZJLX,XK_XDR_ZJHM,XK_XKWS,XK_WSH,XK_XKLB,"
       "XK_XKZS,XK_XKBH,XK_NR,XK_JDRQ,XK_YXQZ,XK_YXQZI,XK_XKJG,XK_XKJGDM,XK_ZT,XK_LYDW,XK_LYDWDM,"
       "BZ"},
      {"credit/licence_decision.proto",
       "xk_wsh,xk_xkjgdm,xk_xdr_mc,xk_xdr_type,xk_fddb,xk_fr_sfzh,updated_at"},
      {"cases/case_accept.proto",
       "row_guid,project_no,catalog_code,task_code,task_name,applyer_name,applyer_type,"
       "applyer_page_type,applyer_page_code,apply_date,org_name,org_code,handle_user_name,"
       "accept_date,promise_date,project_type,cd_operation,data_source,cd_batch,cd_time"},
      {"cases/case_result.proto",
       "row_guid,project_no,result_cetr_name,result_cetr_no,cd_operation,cd_time"}};
  for (const auto& [path, header] : headers) {
    auto mapping = Sample(path);
    const Rows rows(absl::StrSplit(header, ','), {});
    const absl::Status bound = mapping->BindHeader(rows.columns());
    EXPECT_TRUE(bound.ok()) << path << " " << bound;
    EXPECT_THAT(mapping->unused_columns(), IsEmpty()) << path;
  }
}

}  // namespace
}  // namespace huiliu::mapping
