#include "core/cel/overloads.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/strip.h"
#include "core/base/check.h"

namespace huiliu::cel {
namespace {

// A signature is one letter a type: b bool, i int, u uint, d double, s string, y bytes, t
// timestamp, D duration, T type, * dyn, L list of, M map of, A and B parameters. A dot stands
// behind a receiver.
struct Signatures {
  absl::string_view name;
  std::vector<absl::string_view> texts;
};

const std::vector<Signatures>& Table() {
  static const auto* const table = new std::vector<Signatures>{
      {"_==_", {"AA>b"}},
      {"_!=_", {"AA>b"}},
      {"@in", {"ALA>b", "AMAB>b"}},
      {"_+_", {"ii>i", "uu>u", "dd>d", "ss>s", "yy>y", "LALA>LA", "tD>t", "Dt>t", "DD>D"}},
      {"_-_", {"ii>i", "uu>u", "dd>d", "tt>D", "tD>t", "DD>D"}},
      {"_*_", {"ii>i", "uu>u", "dd>d"}},
      {"_/_", {"ii>i", "uu>u", "dd>d"}},
      {"_%_", {"ii>i", "uu>u"}},
      {"-_", {"i>i", "d>d"}},
      {"!_", {"b>b"}},
      {"_?_:_", {"bAA>A"}},
      {"_[_]", {"LAi>A", "MABA>B"}},
      {"size", {"s>i", "y>i", "LA>i", "MAB>i", "s.>i", "y.>i", "LA.>i", "MAB.>i"}},
      {"startsWith", {"s.s>b"}},
      {"endsWith", {"s.s>b"}},
      {"contains", {"s.s>b"}},
      {"matches", {"ss>b", "s.s>b"}},
      {"charAt", {"s.i>s"}},
      {"indexOf", {"s.s>i", "s.si>i"}},
      {"lastIndexOf", {"s.s>i", "s.si>i"}},
      {"lowerAscii", {"s.>s"}},
      {"upperAscii", {"s.>s"}},
      {"trim", {"s.>s"}},
      {"replace", {"s.ss>s", "s.ssi>s"}},
      {"split", {"s.s>Ls", "s.si>Ls"}},
      {"substring", {"s.i>s", "s.ii>s"}},
      {"join", {"Ls.>s", "Ls.s>s"}},
      {"bool", {"b>b", "s>b"}},
      {"int", {"i>i", "u>i", "d>i", "s>i", "t>i"}},
      {"uint", {"u>u", "i>u", "d>u", "s>u"}},
      {"double", {"d>d", "i>d", "u>d", "s>d"}},
      {"string", {"s>s", "b>s", "i>s", "u>s", "d>s", "y>s", "t>s", "D>s"}},
      {"bytes", {"y>y", "s>y"}},
      {"timestamp", {"t>t", "s>t", "i>t"}},
      {"duration", {"D>D", "s>D"}},
      {"dyn", {"A>*"}},
      {"type", {"A>T"}},
      {"getFullYear", {"t.>i", "t.s>i"}},
      {"getMonth", {"t.>i", "t.s>i"}},
      {"getDate", {"t.>i", "t.s>i"}},
      {"getDayOfMonth", {"t.>i", "t.s>i"}},
      {"getDayOfYear", {"t.>i", "t.s>i"}},
      {"getDayOfWeek", {"t.>i", "t.s>i"}},
      {"getHours", {"t.>i", "t.s>i", "D.>i"}},
      {"getMinutes", {"t.>i", "t.s>i", "D.>i"}},
      {"getSeconds", {"t.>i", "t.s>i", "D.>i"}},
      {"getMilliseconds", {"t.>i", "t.s>i", "D.>i"}},
      {"inDivision", {"s>b", "ss>b"}},
      {"divisionOf", {"s>s"}},
      {"isUscc", {"s>b"}},
      {"isCitizenId", {"s>b"}},
      {"maskedAtSource", {"s>b"}},
      {"workdaysBetween", {"tt>i"}},
  };
  return *table;
}

Type TakeType(absl::string_view* text) {
  const char letter = text->front();
  text->remove_prefix(1);
  switch (letter) {
    case 'b':
      return Simple(TypeKind::kBool);
    case 'i':
      return Simple(TypeKind::kInt);
    case 'u':
      return Simple(TypeKind::kUint);
    case 'd':
      return Simple(TypeKind::kDouble);
    case 's':
      return Simple(TypeKind::kString);
    case 'y':
      return Simple(TypeKind::kBytes);
    case 't':
      return Simple(TypeKind::kTimestamp);
    case 'D':
      return Simple(TypeKind::kDuration);
    case 'T':
      return Simple(TypeKind::kType);
    case 'L':
      return ListOf(TakeType(text));
    case 'M': {
      Type key = TakeType(text);
      return MapOf(std::move(key), TakeType(text));
    }
    case 'A':
    case 'B':
      return Type{TypeKind::kParameter, {}, std::string(1, letter)};
    default:
      HUILIU_CHECK(letter == '*');
      return Simple(TypeKind::kDyn);
  }
}

Overload Read(absl::string_view text) {
  Overload overload;
  while (!absl::ConsumePrefix(&text, ">")) {
    overload.args.push_back(TakeType(&text));
    if (absl::ConsumePrefix(&text, ".")) overload.receiver = true;
  }
  overload.result = TakeType(&text);
  return overload;
}

// Order is defined inside a type and across the numeric ones.
void AddOrder(absl::flat_hash_map<absl::string_view, std::vector<Overload>>* all) {
  for (absl::string_view name : {"_<_", "_<=_", "_>_", "_>=_"}) {
    for (absl::string_view text : {"bb>b", "ss>b", "yy>b", "tt>b", "DD>b", "ii>b", "iu>b", "id>b",
                                   "ui>b", "uu>b", "ud>b", "di>b", "du>b", "dd>b"}) {
      (*all)[name].push_back(Read(text));
    }
  }
}

}  // namespace

const std::vector<Overload>* FindOverloads(absl::string_view name) {
  static const auto* const overloads = [] {
    auto* all = new absl::flat_hash_map<absl::string_view, std::vector<Overload>>();
    for (const Signatures& function : Table()) {
      for (absl::string_view text : function.texts) (*all)[function.name].push_back(Read(text));
    }
    AddOrder(all);
    return all;
  }();
  const auto found = overloads->find(name);
  return found == overloads->end() ? nullptr : &found->second;
}

absl::string_view DisplayName(absl::string_view function) {
  if (function == "@in") return "in";
  if (function == "_[_]" || function == "_?_:_") return function == "_[_]" ? "[ ]" : "? :";
  while (!function.empty() && function.front() == '_') function.remove_prefix(1);
  while (!function.empty() && function.back() == '_') function.remove_suffix(1);
  return function;
}

}  // namespace huiliu::cel
