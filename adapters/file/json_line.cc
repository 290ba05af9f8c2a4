#include "adapters/file/json_line.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace huiliu::file {
namespace {

// Walks a text that is known to be JSON.
class Walker {
 public:
  explicit Walker(absl::string_view text) : text_(text) {}

  // Past blanks and separators.
  char Peek() {
    while (absl::ascii_isspace(static_cast<unsigned char>(text_[at_])) || text_[at_] == ',' ||
           text_[at_] == ':')
      ++at_;
    return text_[at_];
  }
  void Step() { ++at_; }

  // Between the quotes.
  absl::string_view String(bool* escaped) {
    const size_t begin = ++at_;
    *escaped = false;
    while (text_[at_] != '"') {
      if (text_[at_] == '\\') {
        *escaped = true;
        ++at_;
      }
      ++at_;
    }
    return text_.substr(begin, at_++ - begin);
  }

  absl::string_view Other() {
    const size_t begin = at_;
    int depth = 0;
    bool escaped;
    while (true) {
      const char c = text_[at_];
      if (c == '"') {
        String(&escaped);
        continue;
      }
      if (depth == 0 &&
          (c == ',' || c == '}' || absl::ascii_isspace(static_cast<unsigned char>(c))))
        return text_.substr(begin, at_ - begin);
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    }
  }

 private:
  const absl::string_view text_;
  size_t at_ = 0;
};

// Takes everything, and keeps where the parser gave up because of a number.
class NumberFinder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t behind, const std::string& token,
                   const nlohmann::json::exception& error) override {
    constexpr int kNumberOverflow = 406;
    if (error.id == kNumberOverflow && behind >= token.size()) at = behind - token.size();
    return false;
  }

  size_t at = absl::string_view::npos;
};

}  // namespace

size_t NumberOutOfRange(absl::string_view text) {
  NumberFinder finder;
  nlohmann::json::sax_parse(text.begin(), text.end(), &finder);
  return finder.at;
}

bool SplitJsonObject(absl::string_view text, std::vector<JsonMember>* members) {
  members->clear();
  const absl::string_view bare = absl::StripLeadingAsciiWhitespace(text);
  // A zero byte would be the end of the text to the parser, and what stands behind it lost.
  if (bare.empty() || bare[0] != '{' || absl::StrContains(bare, '\0') ||
      !nlohmann::json::accept(bare.data(), bare.data() + bare.size()))
    return false;
  Walker walker(bare);
  walker.Step();
  while (walker.Peek() != '}') {
    JsonMember& member = members->emplace_back();
    member.key = walker.String(&member.key_escaped);
    if (walker.Peek() == '"') {
      member.value = walker.String(&member.value_escaped);
    } else {
      member.value = walker.Other();
      member.is_null = member.value == "null";
    }
  }
  return true;
}

std::string Unescaped(absl::string_view slice) {
  return nlohmann::json::parse(absl::StrCat("\"", slice, "\"")).get<std::string>();
}

}  // namespace huiliu::file
