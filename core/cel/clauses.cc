#include "core/cel/clauses.h"

#include "absl/strings/ascii.h"
#include "absl/types/span.h"
#include "core/cel/lexer.h"

namespace huiliu::cel {
namespace {

using Tokens = absl::Span<const Token>;

bool IsSymbol(const Token& token, absl::string_view text) {
  return token.kind == TokenKind::kSymbol && token.text == text;
}
bool Opens(const Token& t) { return IsSymbol(t, "(") || IsSymbol(t, "[") || IsSymbol(t, "{"); }
bool Closes(const Token& t) { return IsSymbol(t, ")") || IsSymbol(t, "]") || IsSymbol(t, "}"); }

// Whether the first bracket closes at the last token.
bool Bracketed(Tokens tokens) {
  if (tokens.size() < 3 || !IsSymbol(tokens.front(), "(")) return false;
  int depth = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (Opens(tokens[i])) ++depth;
    if (Closes(tokens[i])) --depth;
    if (depth == 0) return i + 1 == tokens.size();
  }
  return false;
}

std::vector<Tokens> SplitAt(Tokens tokens, absl::string_view symbol) {
  std::vector<Tokens> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (Opens(tokens[i])) ++depth;
    if (Closes(tokens[i])) --depth;
    if (depth != 0 || !IsSymbol(tokens[i], symbol)) continue;
    parts.push_back(tokens.subspan(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(tokens.subspan(begin));
  return parts;
}

// `end`: the byte after the last token, before spaces.
Clause Read(absl::string_view source, Tokens tokens, size_t end) {
  while (Bracketed(tokens)) {
    end = tokens.back().offset;
    tokens = tokens.subspan(1, tokens.size() - 2);
  }
  Clause clause;
  const size_t begin = tokens.empty() ? end : tokens.front().offset;
  clause.text = std::string(absl::StripAsciiWhitespace(source.substr(begin, end - begin)));
  if (SplitAt(tokens, "?").size() > 1) return clause;
  std::vector<Tokens> parts = SplitAt(tokens, "||");
  clause.joint = Clause::Joint::kAny;
  if (parts.size() == 1) {
    parts = SplitAt(tokens, "&&");
    clause.joint = Clause::Joint::kAll;
  }
  if (parts.size() == 1) {
    clause.joint = Clause::Joint::kNone;
    return clause;
  }
  for (const Tokens part : parts) {
    // A part ends where the joint behind it begins.
    const Token* const behind = part.data() + part.size();
    const bool last = behind == tokens.data() + tokens.size();
    clause.parts.push_back(Read(source, part, last ? end : behind->offset));
  }
  return clause;
}

}  // namespace

Clause ClausesOf(absl::string_view expression) {
  std::vector<Token> tokens;
  Finding finding;
  if (!Tokenize(expression, &tokens, &finding))
    return {Clause::Joint::kNone, std::string(expression), {}};
  return Read(expression, Tokens(tokens).subspan(0, tokens.size() - 1), expression.size());
}

}  // namespace huiliu::cel
