#include "core/cel/lexer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/cel/limits.h"
#include "core/cel/literal.h"

namespace huiliu::cel {
namespace {

// Longest first.
constexpr absl::string_view kSymbols[] = {"&&", "||", "==", "!=", "<=", ">=", "<", ">",
                                          "+",  "-",  "*",  "/",  "%",  "!",  "?", ":",
                                          "(",  ")",  "[",  "]",  "{",  "}",  ".", ","};

bool IsIdentStart(char c) { return absl::ascii_isalpha(c) || c == '_'; }
bool IsIdentPart(char c) { return absl::ascii_isalnum(c) || c == '_'; }

class Lexer {
 public:
  Lexer(absl::string_view source, std::vector<Token>* tokens, Finding* finding)
      : source_(source), tokens_(*tokens), finding_(*finding) {}

  bool Run() {
    while (SkipSpace()) {
      if (!TakeToken()) return false;
    }
    Add(TokenKind::kEnd, at_);
    return true;
  }

 private:
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  bool Fail(size_t offset, absl::string_view message) {
    finding_ = {static_cast<uint32_t>(offset), std::string(message)};
    return false;
  }

  Token& Add(TokenKind kind, size_t start) {
    Token token;
    token.kind = kind;
    token.offset = static_cast<uint32_t>(start);
    token.text = source_.substr(start, at_ - start);
    tokens_.push_back(std::move(token));
    return tokens_.back();
  }

  // False at the end.
  bool SkipSpace() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (c == '/' && Peek(1) == '/') {
        at_ = std::min(source_.find('\n', at_), source_.size());
      } else {
        return true;
      }
    }
    return false;
  }

  bool TakeToken() {
    const char c = source_[at_];
    if (const size_t prefix = TextPrefix()) return TakeText(prefix - 1);
    if (IsIdentStart(c)) {
      const size_t start = at_;
      while (IsIdentPart(Peek())) ++at_;
      Add(TokenKind::kIdent, start);
      return true;
    }
    if (absl::ascii_isdigit(c) || (c == '.' && absl::ascii_isdigit(Peek(1)))) return TakeNumber();
    if (c == '`') return TakeQuotedIdent();
    for (absl::string_view symbol : kSymbols) {
      if (!absl::StartsWith(source_.substr(at_), symbol)) continue;
      const size_t start = at_;
      at_ += symbol.size();
      Add(TokenKind::kSymbol, start);
      return true;
    }
    if (c == '=') return Fail(at_, "unexpected \"=\"; equality is written == (相等写作 ==)");
    if (c == '&' || c == '|')
      return Fail(at_, absl::StrCat("unexpected \"", std::string(1, c),
                                    "\"; write && or || (请写 && 或 ||)"));
    const size_t length = CodePointLength(source_.substr(at_));
    return Fail(at_, absl::StrCat("unexpected character \"", source_.substr(at_, length),
                                  "\" (无法识别的字符)"));
  }

  // 0: no string or bytes literal here; else 1 + the number of prefix letters (r, b in any order).
  size_t TextPrefix() const {
    bool raw = false, bytes = false;
    for (size_t i = 0; i <= 2; ++i) {
      const char c = Peek(i);
      if (c == '"' || c == '\'') return 1 + i;
      if ((c == 'r' || c == 'R') && !raw) {
        raw = true;
      } else if ((c == 'b' || c == 'B') && !bytes) {
        bytes = true;
      } else {
        return 0;
      }
    }
    return 0;
  }

  bool TakeText(size_t prefix) {
    const size_t start = at_;
    const absl::string_view letters = source_.substr(at_, prefix);
    const bool raw = letters.find_first_of("rR") != absl::string_view::npos;
    const bool bytes = letters.find_first_of("bB") != absl::string_view::npos;
    at_ += prefix;
    const char quote = source_[at_];
    const bool triple = Peek(1) == quote && Peek(2) == quote;
    const std::string closing(triple ? 3 : 1, quote);
    at_ += closing.size();
    const size_t body = at_;
    while (true) {
      if (at_ >= source_.size() || (!triple && (Peek() == '\n' || Peek() == '\r')))
        return Fail(start, "this text is not closed (字符串没有结束引号)");
      if (absl::StartsWith(source_.substr(at_), closing)) break;
      at_ += (!raw && Peek() == '\\') ? 2 : 1;
    }
    const absl::string_view content = source_.substr(body, at_ - body);
    at_ += closing.size();
    Token& token = Add(bytes ? TokenKind::kBytes : TokenKind::kString, start);
    if (raw) {
      token.value = std::string(content);
      return true;
    }
    size_t error_at = 0;
    std::string error;
    if (!DecodeText(content, bytes, &token.value, &error_at, &error))
      return Fail(body + error_at, error);
    return true;
  }

  bool TakeNumber() {
    const size_t start = at_;
    TokenKind kind = TokenKind::kInt;
    if (Peek() == '0' && (Peek(1) == 'x' || Peek(1) == 'X')) {
      at_ += 2;
      if (!absl::ascii_isxdigit(Peek()))
        return Fail(start, "a hexadecimal number needs digits behind 0x (0x 之后缺少数字)");
      while (absl::ascii_isxdigit(Peek())) ++at_;
    } else {
      while (absl::ascii_isdigit(Peek())) ++at_;
      if (Peek() == '.' && absl::ascii_isdigit(Peek(1))) {
        kind = TokenKind::kDouble;
        ++at_;
        while (absl::ascii_isdigit(Peek())) ++at_;
      }
      if (Peek() == 'e' || Peek() == 'E') {
        const size_t sign = (Peek(1) == '+' || Peek(1) == '-') ? 1 : 0;
        if (!absl::ascii_isdigit(Peek(1 + sign)))
          return Fail(start, "a number's exponent needs digits (指数缺少数字)");
        kind = TokenKind::kDouble;
        at_ += 1 + sign;
        while (absl::ascii_isdigit(Peek())) ++at_;
      }
    }
    if (kind == TokenKind::kInt && (Peek() == 'u' || Peek() == 'U')) {
      Add(TokenKind::kUint, start);
      ++at_;
    } else {
      Add(kind, start);
    }
    if (IsIdentPart(Peek()))
      return Fail(
          start,
          "a number runs into a name; put an operator between (数字与名称连写，中间应有运算符)");
    return true;
  }

  bool TakeQuotedIdent() {
    const size_t start = at_++;
    while (IsIdentPart(Peek()) || Peek() == '.' || Peek() == '-' || Peek() == '/' || Peek() == ' ')
      ++at_;
    if (Peek() != '`' || at_ == start + 1)
      return Fail(start,
                  "a quoted name holds letters, digits and _ . - / and ends with ` "
                  "(反引号中的名称只含字母、数字和 _ . - /，并以反引号结束)");
    ++at_;
    Token& token = Add(TokenKind::kQuotedIdent, start);
    token.text = token.text.substr(1, token.text.size() - 2);
    return true;
  }

  const absl::string_view source_;
  std::vector<Token>& tokens_;
  Finding& finding_;
  size_t at_ = 0;
};

}  // namespace

Issue PlaceOf(absl::string_view source, const Finding& finding) {
  Issue issue;
  issue.message = finding.message;
  issue.unsupported = finding.unsupported;
  const size_t end = std::min<size_t>(finding.offset, source.size());
  for (size_t i = 0; i < end;) {
    if (source[i] == '\n') {
      ++issue.line;
      issue.column = 1;
      ++i;
      continue;
    }
    i += std::max<size_t>(CodePointLength(source.substr(i)), 1);
    ++issue.column;
  }
  return issue;
}

bool Tokenize(absl::string_view source, std::vector<Token>* tokens, Finding* finding) {
  if (source.size() > kMaxExpressionBytes) {
    *finding = {0, absl::StrCat("an expression has at most ", kMaxExpressionBytes / 1024,
                                " KiB (表达式过长)")};
    return false;
  }
  for (size_t i = 0; i < source.size();) {
    const size_t length = CodePointLength(source.substr(i));
    if (length == 0) {
      *finding = {static_cast<uint32_t>(i), "not UTF-8 text (不是 UTF-8 文本)"};
      return false;
    }
    i += length;
  }
  return Lexer(source, tokens, finding).Run();
}

}  // namespace huiliu::cel
