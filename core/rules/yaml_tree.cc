#include "core/rules/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/rules/utf8.h"

namespace huiliu::rules {
namespace {

constexpr size_t kMaxBytes = size_t{4} << 20;

// Raised inside the event handler, caught in Parse with yaml-cpp's own.
struct Refused {
  YAML::Mark mark;
  const char* message;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  struct Open {
    YamlNode node;
    YamlNode key;
    bool has_key = false;
  };

  void OnDocumentStart(const YAML::Mark& mark) override { start = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Check(mark, "", anchor);
    Add(At(mark, YamlNode::Kind::kNull));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Check(mark, "", 1); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Check(mark, tag, anchor);
    YamlNode node = At(mark, YamlNode::Kind::kScalar);
    node.value = value;
    node.plain = tag == "?";
    Add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Check(mark, tag, anchor);
    open_.push_back({At(mark, YamlNode::Kind::kSequence), {}, false});
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Check(mark, tag, anchor);
    open_.push_back({At(mark, YamlNode::Kind::kMap), {}, false});
  }
  void OnMapEnd() override { Close(); }

  YamlNode TakeRoot() { return std::move(root_); }
  YAML::Mark start = YAML::Mark::null_mark();

 private:
  static void Check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0)
      throw Refused{mark, "不支持锚点与别名 / anchors and aliases are not supported"};
    if (!tag.empty() && tag != "?" && tag != "!")
      throw Refused{mark, "不支持标签 / tags are not supported"};
  }
  // The byte column for now; Parse turns it into code points.
  static YamlNode At(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.place = {mark.line + 1, mark.column + 1};
    return node;
  }
  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Add(std::move(node));
  }
  void Add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = open_.back();
    if (top.node.kind == YamlNode::Kind::kSequence) {
      top.node.items.push_back(std::move(node));
    } else if (!top.has_key) {
      top.key = std::move(node);
      top.has_key = true;
    } else {
      top.node.entries.push_back({std::move(top.key), std::move(node)});
      top.has_key = false;
    }
  }

  std::vector<Open> open_;
  YamlNode root_;
};

void ForEachNode(YamlNode& node, const auto& f) {
  f(node);
  for (auto& [key, value] : node.entries) {
    ForEachNode(key, f);
    ForEachNode(value, f);
  }
  for (YamlNode& item : node.items) ForEachNode(item, f);
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Follows a scalar's raw text beside its value.
class ScalarWalk {
 public:
  ScalarWalk(absl::string_view text, size_t offset) : text_(text), at_(offset) {
    if (at_ >= text_.size()) return;
    const char first = text_[at_];
    if (first == '\'' || first == '"') {
      quote_ = first;
      ++at_;
    } else if (first == '|' || first == '>') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    }
  }

  // The byte where the value's next code point stands; the walk moves past it.
  size_t Next(absl::string_view code_point) {
    if (quote_ == '"') SkipContinuations();
    if (quote_ == '"' && Peek() == '\\') return Escape();
    if (IsSpace(code_point[0])) {
      // A folded line end stands where the line ended; indentation belongs to what follows.
      const size_t here = at_;
      if (Peek() == code_point[0]) ++at_;
      return here;
    }
    while (at_ < text_.size() && IsSpace(text_[at_])) {
      ++at_;
      if (quote_ == '"') SkipContinuations();
      if (quote_ == '"' && Peek() == '\\') return Escape();
    }
    const size_t here = at_;
    at_ = std::min(text_.size(),
                   at_ + (quote_ == '\'' && code_point[0] == '\'' ? 2 : code_point.size()));
    return here;
  }
  size_t at() const { return at_; }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void SkipContinuations() {
    while (Peek() == '\\' && at_ + 1 < text_.size() &&
           (text_[at_ + 1] == '\n' || text_[at_ + 1] == '\r')) {
      ++at_;
      while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
    }
  }
  size_t Escape() {
    const size_t here = at_;
    const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    at_ = std::min(text_.size(), at_ + (kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2));
    return here;
  }

  absl::string_view text_;
  size_t at_;
  char quote_ = '\0';
};

}  // namespace

bool YamlTree::Parse(absl::string_view text, YamlTree* tree, Error* error) {
  if (absl::StartsWith(text, "\xEF\xBB\xBF")) text.remove_prefix(3);
  tree->text_ = std::string(text);
  tree->line_starts_ = {0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') tree->line_starts_.push_back(i + 1);
  }
  const auto fail = [&](Place place, std::string message) {
    *error = {place, std::move(message)};
    return false;
  };
  if (text.size() > kMaxBytes) return fail({}, "规则文件超过 4 MiB / rule file is over 4 MiB");
  for (size_t i = 0; i < text.size();) {
    const size_t length = CodePointLength(text.substr(i));
    if (length == 0) return fail(tree->PlaceAt(i), "不是 UTF-8 / not UTF-8");
    if (text[i] == '\0') return fail(tree->PlaceAt(i), "含有空字符 / holds a zero byte");
    i += length;
  }
  const auto offset_of = [&](int line, int byte_column) {
    const size_t start =
        tree->line_starts_[std::clamp<size_t>(line - 1, 0, tree->line_starts_.size() - 1)];
    return std::min(text.size(), start + byte_column - 1);
  };
  const auto place_of = [&](const YAML::Mark& mark) {
    return mark.is_null() ? Place{} : tree->PlaceAt(offset_of(mark.line + 1, mark.column + 1));
  };
  TreeBuilder builder;
  try {
    std::istringstream in(tree->text_);
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return fail({}, "规则文件为空 / rule file is empty");
    TreeBuilder second;
    if (parser.HandleNextDocument(second)) {
      return fail(place_of(second.start), "一个文件只写一份规则集 / one document a file");
    }
  } catch (const YAML::Exception& e) {
    // It repeats the one byte it does not know, which may be a part of a character.
    return fail(place_of(e.mark), absl::StrCat("YAML 语法有误 / YAML syntax: ",
                                               IsUtf8(e.msg) ? e.msg : absl::CHexEscape(e.msg)));
  } catch (const Refused& e) {
    return fail(place_of(e.mark), e.message);
  }
  tree->root_ = builder.TakeRoot();
  ForEachNode(tree->root_, [&](YamlNode& node) {
    node.offset = offset_of(node.place.line, node.place.column);
    node.place = tree->PlaceAt(node.offset);
  });
  return true;
}

Place YamlTree::PlaceAt(size_t offset) const {
  const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const size_t line = next - line_starts_.begin();
  const size_t start = line_starts_[line - 1];
  int column = 1;
  for (size_t i = start; i < offset && i < text_.size(); ++i) {
    if ((static_cast<uint8_t>(text_[i]) & 0xC0) != 0x80) ++column;
  }
  return {static_cast<int>(line), column};
}

std::vector<Place> YamlTree::PlacesOf(const YamlNode& scalar) const {
  std::vector<Place> places;
  ScalarWalk walk(text_, scalar.offset);
  // Offsets only grow: each is counted on from the one before.
  size_t known = scalar.offset;
  Place place = scalar.place;
  const auto advance = [&](size_t offset) {
    for (; known < offset && known < text_.size(); ++known) {
      if (text_[known] == '\n') {
        place = {place.line + 1, 0};
      }
      if (known + 1 == text_.size() || (static_cast<uint8_t>(text_[known + 1]) & 0xC0) != 0x80)
        ++place.column;
    }
    return place;
  };
  absl::string_view rest = scalar.value;
  size_t end = walk.at();
  while (!rest.empty()) {
    const size_t length = std::max<size_t>(1, CodePointLength(rest));
    const bool space = IsSpace(rest[0]);
    places.push_back(advance(walk.Next(rest.substr(0, length))));
    if (!space) end = walk.at();
    rest.remove_prefix(length);
  }
  // An expression ends after its last character, not after the line break that a block scalar adds.
  places.push_back(PlaceAt(end));
  return places;
}

}  // namespace huiliu::rules
