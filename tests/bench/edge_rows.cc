#include "tests/bench/edge_rows.h"

#include <iconv.h>

#include <random>

#include "absl/strings/str_cat.h"

namespace huiliu::bench {
namespace {

struct Place {
  const char* code;
  const char* text;
};
constexpr Place kPlaces[] = {{"530102", "云南省昆明市五华区"}, {"530103", "云南省昆明市盘龙区"},
                             {"530111", "云南省昆明市官渡区"}, {"530112", "云南省昆明市西山区"},
                             {"530181", "云南省昆明市安宁市"}, {"530114", "云南省昆明市呈贡区"},
                             {"532901", "云南省大理州大理市"}, {"530302", "云南省曲靖市麒麟区"},
                             {"530402", "云南省玉溪市红塔区"}, {"532301", "云南省楚雄州楚雄市"}};

// With its check digit (GB 11643).
std::string CitizenId(const std::string& body) {
  constexpr int kWeights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (size_t i = 0; i < 17; ++i) sum += kWeights[i] * (body[i] - '0');
  return absl::StrCat(body, std::string(1, "10X98765432"[sum % 11]));
}

absl::StatusOr<std::string> ToGb18030(std::string text) {
  const iconv_t converter = iconv_open("GB18030", "UTF-8");
  std::string bytes(text.size() * 2, '\0');
  char* in = text.data();
  char* out = bytes.data();
  size_t in_left = text.size();
  size_t out_left = bytes.size();
  const size_t converted = iconv(converter, &in, &in_left, &out, &out_left);
  iconv_close(converter);
  if (converted == static_cast<size_t>(-1)) return absl::InternalError("iconv failed");
  bytes.resize(bytes.size() - out_left);
  return bytes;
}

}  // namespace

absl::StatusOr<std::string> ParticipationCsv(int rows) {
  std::mt19937_64 random(1);
  std::string text =
      "个人编号,身份证号,姓名,参保地区划,参保地,单位统一社会信用代码,险种,参保状态,参保日期,操作,"
      "更新时间\n";
  constexpr const char* kNames[] = {"王伟", "李秀英", "张敏", "刘洋", "欧阳春华"};
  for (int i = 0; i < rows; ++i) {
    const Place& place = kPlaces[random() % std::size(kPlaces)];
    const std::string id = CitizenId(
        absl::StrCat(place.code, 1960 + i % 40, "0", 1 + i % 9, 10 + i % 19, 100 + i % 900));
    absl::StrAppend(&text, "P", absl::Dec(i, absl::kZeroPad8), ",", id, ",",
                    kNames[random() % std::size(kNames)], ",", place.code, ",", place.text,
                    ",91530100MA6K000", 100 + i % 900, ",城镇职工基本养老保险,参保,20", 10 + i % 14,
                    "-03-01,", i % 3 == 0 ? "U" : "I", ",2025-06-", 10 + i % 20, " 08:00:00\n");
  }
  return ToGb18030(std::move(text));
}

}  // namespace huiliu::bench
