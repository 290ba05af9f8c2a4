#include "core/rules/condition_words.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/cel/parser.h"

namespace huiliu::rules {
namespace {

using cel::Expr;
using cel::ExprKind;

// A word before and one behind what is compared with.
struct Relation {
  const char* function;
  const char* turned;  // the function that says the same from the other side
  const char* chinese;
  const char* english;
};
constexpr Relation kRelations[] = {
    {"_==_", "_==_", "为", "is"},       {"_!=_", "_!=_", "不为", "is not"},
    {"_<_", "_>_", "小于", "is below"}, {"_<=_", "_>=_", "不大于", "is at most"},
    {"_>_", "_<_", "大于", "is above"}, {"_>=_", "_<=_", "不小于", "is at least"}};
// The same orders of points in time.
constexpr Relation kOfTimes[] = {{"_<_", "", "早于", "is before"},
                                 {"_<=_", "", "不晚于", "is not after"},
                                 {"_>_", "", "晚于", "is after"},
                                 {"_>=_", "", "不早于", "is not before"}};
// And of texts, where "9" comes behind "10": before what they are compared with stands the first
// word, behind it the second.
struct TextOrder {
  const char* function;
  const char* chinese[2];
  const char* english[2];
};
constexpr TextOrder kTextOrders[] = {
    {"_<_", {"按文字（不按数值）排在", "之前"}, {"sorts as text (not as a number) before", ""}},
    {"_<=_",
     {"按文字（不按数值）排在", "之前或与之相同"},
     {"sorts as text (not as a number) before", ", or is the same"}},
    {"_>_", {"按文字（不按数值）排在", "之后"}, {"sorts as text (not as a number) after", ""}},
    {"_>=_",
     {"按文字（不按数值）排在", "之后或与之相同"},
     {"sorts as text (not as a number) after", ", or is the same"}}};
constexpr Relation kOfTexts[] = {{"startsWith", "", "开头为", "begins with"},
                                 {"endsWith", "", "结尾为", "ends with"},
                                 {"contains", "", "含有", "contains"},
                                 {"matches", "", "符合模式", "matches the pattern"}};
constexpr Relation kOfOne[] = {
    {"isUscc", "", "是有效的统一社会信用代码", "is a valid USCC"},
    {"isCitizenId", "", "是有效的公民身份号码", "is a valid citizen number"},
    {"maskedAtSource", "", "在来源已脱敏", "was masked at its source"}};

class Speaker {
 public:
  Speaker(const schema::Contract& contract, const territory::Divisions& divisions, bool english)
      : contract_(contract), divisions_(divisions), english_(english) {}

  // Empty: of no shape that has words.
  std::string Say(const Expr& expr) const {
    if (expr.presence_test) {
      const std::string field = FieldOf(expr, true);
      return field.empty() ? "" : absl::StrCat(field, Word("有值", " is there"));
    }
    if (expr.kind == ExprKind::kIdent && expr.name == "conflict")
      return Word("归属依据有矛盾", "evidence of belonging disagrees");
    if (expr.kind == ExprKind::kIdent || expr.kind == ExprKind::kSelect) {
      const std::string field = Subject(expr);
      return field.empty() ? "" : absl::StrCat(field, Word("为是", " is true"));
    }
    if (expr.kind == ExprKind::kLiteral) {
      const auto* value = std::get_if<bool>(&expr.literal);
      if (value != nullptr)
        return *value ? Word("成立", "it holds") : Word("不成立", "it does not");
    }
    return expr.kind == ExprKind::kCall ? SayCall(expr) : "";
  }

 private:
  // What < means of a subject.
  enum class Order : uint8_t { kNumbers, kTexts, kTimes };

  std::string Word(const char* chinese, const char* english) const {
    return english_ ? english : chinese;
  }

  std::string SayCall(const Expr& call) const {
    if (call.name == "!_" && call.args.size() == 1) {
      const std::string words = Say(*call.args[0]);
      return words.empty() ? "" : absl::StrCat(Word("并非：", "not: "), words);
    }
    if (call.name == "_&&_") return SayJoint(call, Word("，且", ", and "));
    if (call.name == "_||_") return SayJoint(call, Word("，或", ", or "));
    if (call.name == "_?_:_") return SayChoice(call);
    if (call.name == "inDivision") return SayInDivision(call);
    if (call.args.size() == 1) return SayOfOne(call);
    if (call.args.size() != 2) return "";
    for (const Relation& relation : kOfTexts) {
      if (call.receiver && call.name == relation.function)
        return Join(Subject(*call.args[0]), relation, LiteralOf(*call.args[1]));
    }
    if (call.name == "@in") return SayIn(call);
    for (const Relation& relation : kRelations) {
      if (call.name != relation.function) continue;
      if (!Subject(*call.args[0]).empty())
        return SayComparison(*call.args[0], relation, *call.args[1]);
      // Written the other way round.
      for (const Relation& turned : kRelations) {
        if (call.name == turned.turned) return SayComparison(*call.args[1], turned, *call.args[0]);
      }
    }
    return "";
  }

  // A subject and what it is compared with: a constant, or another subject.
  std::string SayComparison(const Expr& left, const Relation& relation, const Expr& right) const {
    const std::string subject = Subject(left), other = Subject(right);
    const std::string object = other.empty() ? LiteralOf(right) : other;
    if (subject.empty() || object.empty()) return "";
    const absl::string_view function = relation.function;
    const Order order = OrderOf(left);
    for (const Relation& times : kOfTimes) {
      if (order == Order::kTimes && function == times.function) return Join(subject, times, object);
    }
    for (const TextOrder& texts : kTextOrders) {
      if (order != Order::kTexts || function != texts.function) continue;
      return english_ ? absl::StrCat(subject, " ", texts.english[0], " ", object, texts.english[1])
                      : absl::StrCat(subject, texts.chinese[0], object, texts.chinese[1]);
    }
    if (other.empty() || (function != "_==_" && function != "_!=_"))
      return Join(subject, relation, object);
    const bool same = function == "_==_";
    return english_
               ? absl::StrCat(subject, same ? " is the same as " : " is not the same as ", object)
               : absl::StrCat(subject, "与", object, same ? "相同" : "不同");
  }

  // A part that is itself joined stands in brackets.
  std::string Inner(const Expr& expr) const {
    const std::string words = Say(expr);
    const bool joined = expr.kind == ExprKind::kCall &&
                        (expr.name == "_&&_" || expr.name == "_||_" || expr.name == "_?_:_");
    if (words.empty() || !joined) return words;
    return english_ ? absl::StrCat("(", words, ")") : absl::StrCat("（", words, "）");
  }

  std::string SayJoint(const Expr& call, const std::string& word) const {
    std::vector<std::string> parts;
    for (const cel::ExprPtr& arg : call.args) {
      parts.push_back(Inner(*arg));
      if (parts.back().empty()) return "";
    }
    return absl::StrJoin(parts, word);
  }

  std::string SayChoice(const Expr& call) const {
    if (call.args.size() != 3) return "";
    const std::string condition = Inner(*call.args[0]), yes = Inner(*call.args[1]),
                      no = Inner(*call.args[2]);
    if (condition.empty() || yes.empty() || no.empty()) return "";
    return english_ ? absl::StrCat("if ", condition, ": ", yes, "; else: ", no)
                    : absl::StrCat("如果", condition, "，看是否", yes, "；否则看是否", no);
  }

  std::string Join(const std::string& subject, const Relation& relation,
                   const std::string& object) const {
    if (subject.empty() || object.empty()) return "";
    return english_ ? absl::StrCat(subject, " ", relation.english, " ", object)
                    : absl::StrCat(subject, relation.chinese, object);
  }

  std::string SayOfOne(const Expr& call) const {
    for (const Relation& relation : kOfOne) {
      if (call.name != relation.function) continue;
      const std::string subject = Subject(*call.args[0]);
      if (subject.empty()) return "";
      return english_ ? absl::StrCat(subject, " ", relation.english)
                      : absl::StrCat(subject, relation.chinese);
    }
    return "";
  }

  std::string SayInDivision(const Expr& call) const {
    if (call.args.empty() || call.args.size() > 2) return "";
    const auto* code = std::get_if<std::string>(&call.args.back()->literal);
    if (call.args.back()->kind != ExprKind::kLiteral || code == nullptr) return "";
    const std::string subject = call.args.size() == 2
                                    ? Subject(*call.args[0])
                                    : Word("归属地", "the place that it belongs to");
    if (subject.empty()) return "";
    const territory::Division* division = divisions_.Find(*code);
    const std::string place =
        division == nullptr ? *code : absl::StrCat(*code, " ", division->name);
    return english_ ? absl::StrCat(subject, " lies in ", place)
                    : absl::StrCat(subject, "在 ", place, " 范围内");
  }

  std::string SayIn(const Expr& call) const {
    const std::string subject = Subject(*call.args[0]);
    const Expr& list = *call.args[1];
    if (subject.empty() || list.kind != ExprKind::kList || list.args.empty()) return "";
    std::vector<std::string> texts;
    for (const cel::ExprPtr& arg : list.args) {
      texts.push_back(LiteralOf(*arg));
      if (texts.back().empty()) return "";
    }
    return english_ ? absl::StrCat(subject, " is one of ", absl::StrJoin(texts, ", "))
                    : absl::StrCat(subject, "是其中之一：", absl::StrJoin(texts, "、"));
  }

  // A field by what people call it.
  std::string FieldOf(const Expr& expr, bool presence = false) const {
    if (expr.presence_test != presence) return "";
    if (expr.kind == ExprKind::kSelect &&
        (expr.args[0]->kind != ExprKind::kIdent || expr.args[0]->name != "record"))
      return "";
    if (expr.kind != ExprKind::kSelect && expr.kind != ExprKind::kIdent) return "";
    const schema::Field* field = contract_.FindField(expr.name);
    if (field == nullptr) return "";
    return english_ || field->options.title().empty() ? field->name : field->options.title();
  }

  Order OrderOf(const Expr& subject) const {
    if (subject.kind == ExprKind::kCall) {
      if (subject.name == "timestamp") return Order::kTimes;
      return subject.name == "string" || subject.name == "divisionOf" ? Order::kTexts
                                                                      : Order::kNumbers;
    }
    const schema::Field* field = contract_.FindField(subject.name);
    if (field == nullptr) return Order::kTexts;  // the attributed division
    if (field->type == schema::FieldType::kTimestamp ||
        field->options.value() == huiliu::v1::VALUE_KIND_DATE)
      return Order::kTimes;
    return field->type == schema::FieldType::kString ? Order::kTexts : Order::kNumbers;
  }

  // What is compared: a field, its length, the attributed division.
  std::string Subject(const Expr& expr) const {
    if (expr.kind == ExprKind::kIdent && expr.name == "division" && !expr.presence_test)
      return Word("归属区划", "its division");
    if (expr.kind != ExprKind::kCall) return FieldOf(expr);
    if (expr.args.size() != 1) return "";
    const std::string field = FieldOf(*expr.args[0]);
    if (field.empty()) return "";
    if (expr.name == "size")
      return english_ ? absl::StrCat("the length of ", field) : absl::StrCat(field, "的长度");
    if (expr.name == "divisionOf")
      return english_ ? absl::StrCat("the division of ", field) : absl::StrCat(field, "所在区划");
    for (const char* conversion : {"int", "uint", "double", "string", "timestamp", "bool"}) {
      if (expr.name == conversion && !expr.receiver) return field;
    }
    return "";
  }

  std::string LiteralOf(const Expr& expr) const {
    if (expr.kind == ExprKind::kCall && !expr.receiver && expr.args.size() == 1 &&
        (expr.name == "timestamp" || expr.name == "duration")) {
      const std::string time = LocalTimeOf(*expr.args[0]);
      return time.empty() ? LiteralOf(*expr.args[0]) : time;
    }
    if (expr.kind != ExprKind::kLiteral) return "";
    if (const auto* text = std::get_if<std::string>(&expr.literal))
      return english_ ? absl::StrCat("\"", *text, "\"") : absl::StrCat("“", *text, "”");
    const std::string number = NumberOf(expr.literal);
    return number.empty() || english_ ? number : absl::StrCat(" ", number);
  }
  // timestamp("2026-01-01T00:00:00Z") as the officer's clock shows it; empty: it is no time.
  std::string LocalTimeOf(const Expr& expr) const {
    const auto* text = std::get_if<std::string>(&expr.literal);
    absl::Time time;
    if (expr.kind != ExprKind::kLiteral || text == nullptr ||
        !absl::ParseTime(absl::RFC3339_full, *text, &time, nullptr))
      return "";
    const std::string local = absl::FormatTime("%Y-%m-%d %H:%M:%E*S", time, ShanghaiTimeZone());
    return english_ ? absl::StrCat(local, " (Asia/Shanghai)")
                    : absl::StrCat(" ", local, "（北京时间）");
  }
  std::string NumberOf(const cel::Literal& literal) const {
    if (const auto* value = std::get_if<int64_t>(&literal)) return absl::StrCat(*value);
    if (const auto* value = std::get_if<uint64_t>(&literal)) return absl::StrCat(*value);
    if (const auto* value = std::get_if<double>(&literal)) return absl::StrCat(*value);
    if (const auto* value = std::get_if<bool>(&literal))
      return *value ? Word("是", "true") : Word("否", "false");
    return "";
  }

  const schema::Contract& contract_;
  const territory::Divisions& divisions_;
  const bool english_;
};

}  // namespace

std::string ConditionInWords(absl::string_view condition, const schema::Contract& contract,
                             const territory::Divisions& divisions, bool english) {
  cel::Finding finding;
  const cel::ExprPtr expr = cel::Parse(condition, &finding);
  return expr == nullptr ? "" : Speaker(contract, divisions, english).Say(*expr);
}

}  // namespace huiliu::rules
