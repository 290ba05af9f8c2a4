#include "adapters/file/options.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/text/gb18030.h"
#include "core/text/utf8.h"

namespace huiliu::file {
namespace {

absl::Status Wrong(const std::string& key, absl::string_view chinese, absl::string_view english) {
  return absl::InvalidArgumentError(absl::StrCat("文件数据源选项 ", key, " ", chinese,
                                                 " / file source: option \"", key, "\" ", english));
}

absl::Status ReadCharset(const std::string& text, Charset* out) {
  const std::string name = absl::AsciiStrToLower(text);
  if (name == "utf-8" || name == "utf8") {
    *out = Charset::kUtf8;
  } else if (name == "auto") {
    *out = Charset::kAuto;
  } else if (name == "gbk" || name == "gb2312" || name == "cp936") {
    *out = Charset::kGbk;
  } else if (name == "gb18030") {
    *out = Charset::kGb18030;
  } else {
    return Wrong("charset", "应为 utf-8、gbk、gb18030 或 auto", "is utf-8, gbk, gb18030 or auto");
  }
  return absl::OkStatus();
}

absl::Status ReadOption(const std::string& key, const nlohmann::json& value, Options* out) {
  if (key == "header" || key == "columns") {
    if (!value.is_array()) return Wrong(key, "应为列名的列表", "is a list of column names");
    for (const auto& name : value) {
      if (!name.is_string()) return Wrong(key, "应为列名的列表", "is a list of column names");
      out->header.push_back(name.get<std::string>());
    }
    return absl::OkStatus();
  }
  if (key == "follow") {
    if (!value.is_boolean()) return Wrong(key, "应为 true 或 false", "is true or false");
    out->follow = value.get<bool>();
    return absl::OkStatus();
  }
  if (key == "settle_ms") {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > 86400000)
      return Wrong(key, "应为毫秒数，最多一天", "is a number of milliseconds up to a day");
    out->settle = absl::Milliseconds(value.get<int64_t>());
    return absl::OkStatus();
  }
  if (key == "max_record_bytes" || key == "block_bytes") {
    if (!value.is_number_unsigned() || value.get<size_t>() < 1024 ||
        value.get<size_t>() > (1U << 30)) {
      return Wrong(key, "应为 1024 至 1073741824 的字节数",
                   "is a number of bytes from 1024 to 1073741824");
    }
    (key == "block_bytes" ? out->block_bytes : out->max_record_bytes) = value.get<size_t>();
    return absl::OkStatus();
  }
  constexpr absl::string_view kTexts[] = {"path", "pattern", "charset", "format", "delimiter"};
  if (std::find(std::begin(kTexts), std::end(kTexts), key) == std::end(kTexts)) {
    return Wrong(
        key, "不认识",
        "is unknown; known are path, pattern, format, charset, delimiter, header, columns, "
        "follow, settle_ms, max_record_bytes, block_bytes");
  }
  if (!value.is_string()) return Wrong(key, "应为文本", "is a text");
  const std::string text = value.get<std::string>();
  if (key == "path") {
    out->path = text;
  } else if (key == "pattern") {
    out->pattern = text;
  } else if (key == "charset") {
    return ReadCharset(text, &out->charset);
  } else if (key == "format") {
    if (text != "csv" && text != "jsonl") return Wrong(key, "应为 csv 或 jsonl", "is csv or jsonl");
    out->format = text == "csv" ? Format::kCsv : Format::kJsonLines;
  } else {
    if (text.size() != 1 || static_cast<uint8_t>(text[0]) >= 0x80 || text == "\"" || text == "\n" ||
        text == "\r")
      return Wrong(key, "应为一个 ASCII 字符", "is one ASCII character");
    out->delimiter = text[0];
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> ParseOptions(absl::string_view json) {
  const auto object = nlohmann::json::parse(json.begin(), json.end(), nullptr, false);
  if (!object.is_object())
    return absl::InvalidArgumentError(
        "文件数据源的选项不是 JSON 对象 / file source: its options are no JSON object");
  Options options;
  for (const auto& [key, value] : object.items()) RETURN_IF_ERROR(ReadOption(key, value, &options));
  if (options.path.empty())
    return Wrong("path", "必填：目录或文件", "is required: a folder or a file");
  return options;
}

const char* CharsetName(Charset charset) {
  switch (charset) {
    case Charset::kGbk:
      return "GBK";
    case Charset::kGb18030:
      return "GB18030";
    default:
      return "UTF-8";
  }
}

size_t Decode(Charset charset, absl::string_view bytes, std::string* out) {
  switch (charset) {
    case Charset::kGbk:
      return text::DecodeGbk(bytes, out);
    case Charset::kGb18030:
      return text::DecodeGb18030(bytes, out);
    case Charset::kUtf8:
    case Charset::kAuto:
      break;
  }
  const size_t bad = text::FindInvalidUtf8(bytes);
  out->append(bytes.data(), std::min(bad, bytes.size()));
  return bad;
}

}  // namespace huiliu::file
