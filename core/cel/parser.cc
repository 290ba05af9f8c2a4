#include "core/cel/parser.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/cel/grammar.h"
#include "core/cel/limits.h"
#include "core/cel/literal.h"
#include "core/cel/macros.h"

namespace huiliu::cel {
namespace {

class Parser {
 public:
  Parser(const std::vector<Token>& tokens, Finding* finding)
      : tokens_(tokens), finding_(*finding) {}

  ExprPtr Run() {
    ExprPtr expr = ParseExpr();
    if (expr != nullptr && Now().kind != TokenKind::kEnd)
      return Unexpected("an operator or the end");
    return expr;
  }

 private:
  const Token& Now() const { return tokens_[at_]; }
  bool Is(absl::string_view symbol) const {
    return Now().kind == TokenKind::kSymbol && Now().text == symbol;
  }
  bool Accept(absl::string_view symbol) {
    if (!Is(symbol)) return false;
    ++at_;
    return true;
  }

  ExprPtr Fail(uint32_t offset, std::string message) {
    finding_ = {offset, std::move(message)};
    return nullptr;
  }
  ExprPtr Optional(uint32_t offset, const char* what) {
    finding_ = {offset,
                absl::StrCat("optional values (", what, ") are not supported (不支持可选值语法)"),
                true};
    return nullptr;
  }
  ExprPtr TooDeep(uint32_t offset) {
    return Fail(offset, absl::StrCat("nested deeper than ", kMaxNesting, " levels (嵌套过深)"));
  }
  ExprPtr Unexpected(absl::string_view wanted) {
    if (Now().kind == TokenKind::kEnd)
      return Fail(Now().offset,
                  absl::StrCat("the expression ends here; expected ", wanted, " (表达式不完整)"));
    return Fail(Now().offset, absl::StrCat("unexpected \"", Now().text, "\"; expected ", wanted,
                                           " (此处语法有误)"));
  }
  bool Expect(absl::string_view symbol) {
    if (Accept(symbol)) return true;
    Unexpected(absl::StrCat("\"", symbol, "\""));
    return false;
  }

  ExprPtr Node(ExprKind kind, uint32_t offset, std::vector<ExprPtr> args) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->offset = offset;
    for (const ExprPtr& arg : args) {
      expr->depth = std::max(expr->depth, arg->depth + 1);
      expr->nodes += arg->nodes;
    }
    expr->args = std::move(args);
    if (expr->depth > kMaxNesting) return TooDeep(offset);
    return expr;
  }

  template <typename... Args>
  ExprPtr Call(const char* function, uint32_t offset, Args... args) {
    std::vector<ExprPtr> list;
    (list.push_back(std::move(args)), ...);
    ExprPtr call = Node(ExprKind::kCall, offset, std::move(list));
    if (call != nullptr) call->name = function;
    return call;
  }

  ExprPtr ParseExpr() {
    if (++level_ > kMaxNesting) return TooDeep(Now().offset);
    ExprPtr expr = ParseConditional();
    --level_;
    return expr;
  }

  ExprPtr ParseConditional() {
    ExprPtr condition = ParseChain("||", "_||_", /*weak=*/true);
    if (condition == nullptr || !Is("?")) return condition;
    const uint32_t offset = Now().offset;
    ++at_;
    ExprPtr yes = ParseChain("||", "_||_", true);
    if (yes == nullptr || !Expect(":")) return nullptr;
    ExprPtr no = ParseExpr();
    if (no == nullptr) return nullptr;
    return Call("_?_:_", offset, std::move(condition), std::move(yes), std::move(no));
  }

  // a || b || c as one call with three arguments; the same for &&.
  ExprPtr ParseChain(absl::string_view symbol, const char* function, bool weak) {
    const auto next = [&] { return weak ? ParseChain("&&", "_&&_", false) : ParseBinary(0); };
    ExprPtr first = next();
    if (first == nullptr || !Is(symbol)) return first;
    const uint32_t offset = Now().offset;
    std::vector<ExprPtr> terms;
    terms.push_back(std::move(first));
    while (Accept(symbol)) {
      ExprPtr term = next();
      if (term == nullptr) return nullptr;
      terms.push_back(std::move(term));
    }
    ExprPtr chain = Node(ExprKind::kCall, offset, std::move(terms));
    if (chain != nullptr) chain->name = function;
    return chain;
  }

  const Operator* OperatorHere(int level) const {
    if (Now().kind != TokenKind::kSymbol && Now().kind != TokenKind::kIdent) return nullptr;
    return FindOperator(Now().text, level);
  }

  ExprPtr ParseBinary(int level) {
    const auto next = [&] {
      return level == kStrongestLevel ? ParseUnary() : ParseBinary(level + 1);
    };
    ExprPtr left = next();
    while (left != nullptr) {
      const Operator* op = OperatorHere(level);
      if (op == nullptr) break;
      const uint32_t offset = Now().offset;
      ++at_;
      ExprPtr right = next();
      if (right == nullptr) return nullptr;
      left = Call(op->function, offset, std::move(left), std::move(right));
    }
    return left;
  }

  // Member | "!" {"!"} Member | "-" {"-"} Member
  ExprPtr ParseUnary() {
    const bool minus = Is("-");
    if (!minus && !Is("!")) return ParseMember();
    std::vector<uint32_t> places;
    while (Is(minus ? "-" : "!")) {
      places.push_back(Now().offset);
      ++at_;
    }
    const TokenKind kind = Now().kind;
    negative_ = minus && (kind == TokenKind::kInt || kind == TokenKind::kDouble);
    if (negative_)
      places.pop_back();  // the sign belongs to the number: -9223372036854775808 is one
    ExprPtr operand = ParseMember();
    while (operand != nullptr && !places.empty()) {
      operand = Call(minus ? "-_" : "!_", places.back(), std::move(operand));
      places.pop_back();
    }
    return operand;
  }

  ExprPtr ParseMember() {
    ExprPtr expr = ParsePrimary();
    while (expr != nullptr) {
      if (Is(".")) {
        expr = ParseSelect(std::move(expr));
      } else if (Is("[")) {
        const uint32_t offset = Now().offset;
        ++at_;
        if (Is("?")) return Optional(Now().offset, "a[?b]");
        ExprPtr index = ParseExpr();
        if (index == nullptr || !Expect("]")) return nullptr;
        expr = Call("_[_]", offset, std::move(expr), std::move(index));
      } else if (Is("{") && IsTypeName(*expr)) {
        expr = ParseMessage(std::move(expr));
      } else {
        break;
      }
    }
    return expr;
  }

  static bool IsTypeName(const Expr& expr) {
    const Expr* at = &expr;
    while (at->kind == ExprKind::kSelect && !at->presence_test) at = at->args[0].get();
    return at->kind == ExprKind::kIdent;
  }

  ExprPtr ParseSelect(ExprPtr operand) {
    const uint32_t dot = Now().offset;
    ++at_;
    if (Is("?")) return Optional(dot, "a.?b");
    const bool quoted = Now().kind == TokenKind::kQuotedIdent;
    if (!quoted && (Now().kind != TokenKind::kIdent || IsKeyword(Now().text)))
      return Unexpected("a name");
    const Token& name = Now();
    ++at_;
    std::vector<ExprPtr> args;
    args.push_back(std::move(operand));
    const bool call = !quoted && Is("(");
    if (call && !ParseArguments(&args)) return nullptr;
    ExprPtr expr = Node(call ? ExprKind::kCall : ExprKind::kSelect, name.offset, std::move(args));
    if (expr == nullptr) return nullptr;
    expr->name = std::string(name.text);
    expr->receiver = call;
    return call ? Expand(std::move(expr)) : std::move(expr);
  }

  ExprPtr Expand(ExprPtr call) {
    Finding finding;
    ExprPtr expanded = ExpandMacro(std::move(call), &finding);
    if (expanded == nullptr) finding_ = std::move(finding);
    return expanded;
  }

  // "(" [expr {"," expr}] ")"
  bool ParseArguments(std::vector<ExprPtr>* args) {
    ++at_;
    if (Accept(")")) return true;
    do {
      ExprPtr arg = ParseExpr();
      if (arg == nullptr) return false;
      args->push_back(std::move(arg));
    } while (Accept(","));
    return Expect(")");
  }

  ExprPtr ParsePrimary() {
    const Token& token = Now();
    switch (token.kind) {
      case TokenKind::kInt:
      case TokenKind::kUint:
      case TokenKind::kDouble:
        return ParseNumber();
      case TokenKind::kString:
        ++at_;
        return Constant(token.offset, token.value);
      case TokenKind::kBytes:
        ++at_;
        return Constant(token.offset, Bytes{token.value});
      case TokenKind::kIdent:
        return ParseName(/*absolute=*/false);
      case TokenKind::kQuotedIdent:
        return Unexpected("a value; a `quoted` name stands only behind a dot");
      case TokenKind::kEnd:
        return Unexpected("a value");
      case TokenKind::kSymbol:
        break;
    }
    if (Accept("(")) {
      ExprPtr inner = ParseExpr();
      if (inner == nullptr || !Expect(")")) return nullptr;
      return inner;
    }
    if (Is("[")) return ParseList();
    if (Is("{")) return ParseMap();
    if (Accept(".")) return ParseName(/*absolute=*/true);
    return Unexpected("a value");
  }

  ExprPtr Constant(uint32_t offset, Literal literal) {
    ExprPtr expr = Node(ExprKind::kLiteral, offset, {});
    expr->literal = std::move(literal);
    return expr;
  }

  ExprPtr ParseNumber() {
    const Token& token = Now();
    const bool negative = std::exchange(negative_, false);
    ++at_;
    if (token.kind == TokenKind::kDouble) {
      double value = 0;
      if (!absl::SimpleAtod(token.text, &value) || std::isinf(value))
        return Fail(token.offset, "this number does not fit a double (数值超出范围)");
      return Constant(token.offset, negative ? -value : value);
    }
    if (token.kind == TokenKind::kUint) {
      uint64_t value = 0;
      if (!ParseUnsigned(token.text, &value))
        return Fail(token.offset, "this number does not fit a uint (数值超出范围)");
      return Constant(token.offset, value);
    }
    int64_t value = 0;
    if (!ParseSigned(token.text, negative, &value))
      return Fail(token.offset, "this number does not fit an int (数值超出范围)");
    return Constant(token.offset, value);
  }

  ExprPtr ParseName(bool absolute) {
    const Token& token = Now();
    if (token.kind != TokenKind::kIdent) return Unexpected("a name");
    if (token.text == "in") return Unexpected("a value");
    ++at_;
    if (!absolute && token.text == "true") return Constant(token.offset, true);
    if (!absolute && token.text == "false") return Constant(token.offset, false);
    if (!absolute && token.text == "null") return Constant(token.offset, std::monostate());
    if (IsKeyword(token.text)) return Fail(token.offset, "a keyword is no name (关键字不能作名称)");
    if (IsReserved(token.text)) {
      return Fail(token.offset,
                  absl::StrCat("\"", token.text,
                               "\" is a reserved word (保留字); a field of that name is record.",
                               token.text));
    }
    std::vector<ExprPtr> args;
    const bool call = Is("(");
    if (call && !ParseArguments(&args)) return nullptr;
    ExprPtr expr = Node(call ? ExprKind::kCall : ExprKind::kIdent, token.offset, std::move(args));
    if (expr == nullptr) return nullptr;
    expr->name = std::string(token.text);
    expr->absolute = absolute;
    return call ? Expand(std::move(expr)) : std::move(expr);
  }

  ExprPtr ParseList() {
    const uint32_t offset = Now().offset;
    std::vector<ExprPtr> elements;
    ++at_;
    while (!Is("]")) {
      if (Is("?")) return Optional(Now().offset, "[?a]");
      ExprPtr element = ParseExpr();
      if (element == nullptr) return nullptr;
      elements.push_back(std::move(element));
      if (!Accept(",")) break;
    }
    if (!Expect("]")) return nullptr;
    return Node(ExprKind::kList, offset, std::move(elements));
  }

  ExprPtr ParseMap() {
    const uint32_t offset = Now().offset;
    std::vector<ExprPtr> entries;
    ++at_;
    while (!Is("}")) {
      if (Is("?")) return Optional(Now().offset, "{?a: b}");
      ExprPtr key = ParseExpr();
      if (key == nullptr || !Expect(":")) return nullptr;
      ExprPtr value = ParseExpr();
      if (value == nullptr) return nullptr;
      entries.push_back(std::move(key));
      entries.push_back(std::move(value));
      if (!Accept(",")) break;
    }
    if (!Expect("}")) return nullptr;
    return Node(ExprKind::kMap, offset, std::move(entries));
  }

  ExprPtr ParseMessage(ExprPtr type) {
    std::string name;
    const Expr* at = type.get();
    for (; at->kind == ExprKind::kSelect; at = at->args[0].get())
      name = absl::StrCat(".", at->name, name);
    name = at->name + name;
    const bool absolute = at->absolute;
    const uint32_t offset = at->offset;
    std::vector<ExprPtr> values;
    std::vector<std::string> fields;
    ++at_;
    while (!Is("}")) {
      if (Is("?")) return Optional(Now().offset, "{?a: b}");
      const bool name_here = Now().kind == TokenKind::kIdent && !IsKeyword(Now().text);
      if (!name_here && Now().kind != TokenKind::kQuotedIdent) return Unexpected("a field name");
      fields.emplace_back(Now().text);
      ++at_;
      if (!Expect(":")) return nullptr;
      ExprPtr value = ParseExpr();
      if (value == nullptr) return nullptr;
      values.push_back(std::move(value));
      if (!Accept(",")) break;
    }
    if (!Expect("}")) return nullptr;
    ExprPtr message = Node(ExprKind::kMessage, offset, std::move(values));
    if (message == nullptr) return nullptr;
    message->name = std::move(name);
    message->absolute = absolute;
    message->names = std::move(fields);
    return message;
  }

  const std::vector<Token>& tokens_;
  Finding& finding_;
  size_t at_ = 0;
  int level_ = 0;
  bool negative_ = false;
};

}  // namespace

ExprPtr Parse(absl::string_view source, Finding* finding) {
  std::vector<Token> tokens;
  if (!Tokenize(source, &tokens, finding)) return nullptr;
  return Parser(tokens, finding).Run();
}

}  // namespace huiliu::cel
