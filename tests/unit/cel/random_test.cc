// Random predicates on random rows: the compiled answer is that of a naive evaluation, which shares
// no code with it, and conjuncts are necessary.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <optional>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/cel/rows.h"

namespace huiliu::cel {
namespace {

struct Row {
  std::string name, code, division;
  int64_t count = 0, small = 0;
  uint64_t total = 0;
  bool active = false;
  int64_t at = 0;
};

// Text and meaning; no value is an error.
template <typename T>
struct Sample {
  std::string text;
  std::function<std::optional<T>(const Row&)> value;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  size_t Pick(size_t n) { return random_() % n; }

  Row MakeRow() {
    Row row;
    row.name = Word();
    row.code = Code();
    row.division = Code();
    row.count = Number();
    row.small = static_cast<int32_t>(Pick(7)) - 3;
    row.total = Pick(4);
    row.active = Pick(2) == 0;
    row.at = static_cast<int64_t>(Pick(5)) * 86400;
    return row;
  }

  Sample<bool> Condition(int depth) {
    if (depth > 0 && Pick(3) != 0) return Compound(depth);
    switch (Pick(8)) {
      case 0:
        return TextComparison(depth);
      case 1:
        return TextSet();
      case 2:
        return TextPart(depth);
      case 3:
        return Presence();
      case 4:
        return TimeComparison();
      case 5:
        return {"active", [](const Row& r) { return std::optional<bool>(r.active); }};
      case 6:
        return NumberSet();
      default:
        return NumberComparison(depth);
    }
  }

 private:
  std::string Word() { return std::vector<std::string>{"", "a", "ab", "昆明", "b昆"}[Pick(5)]; }
  std::string Code() {
    return std::vector<std::string>{"", "530102", "530103", "5301", "530111"}[Pick(5)];
  }
  int64_t Number() {
    return std::vector<int64_t>{0,
                                1,
                                2,
                                -1,
                                7,
                                std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::min()}[Pick(7)];
  }
  static std::string Quote(const std::string& s) { return absl::StrCat("'", s, "'"); }

  Sample<bool> Compound(int depth) {
    const auto a = Condition(depth - 1), b = Condition(depth - 1), c = Condition(depth - 1);
    const size_t kind = Pick(6);
    if (kind == 0) {
      return {absl::StrCat("!(", a.text, ")"), [a](const Row& r) {
                const auto v = a.value(r);
                return v ? std::optional<bool>(!*v) : v;
              }};
    }
    if (kind == 1) {
      return {absl::StrCat("(", a.text, " ? ", b.text, " : ", c.text, ")"),
              [a, b, c](const Row& r) {
                const auto v = a.value(r);
                return !v ? v : *v ? b.value(r) : c.value(r);
              }};
    }
    const bool any = kind < 4;
    return {absl::StrCat("(", a.text, any ? " || " : " && ", b.text, any ? " || " : " && ", c.text,
                         ")"),
            [a, b, c, any](const Row& r) -> std::optional<bool> {
              bool error = false;
              for (const auto& v : {a.value(r), b.value(r), c.value(r)}) {
                if (v && *v == any) return any;
                error |= !v;
              }
              if (error) return std::nullopt;
              return !any;
            }};
  }

  Sample<std::string> Text(int depth) {
    switch (Pick(depth > 0 ? 5 : 4)) {
      case 0:
        return {"name", [](const Row& r) { return std::optional(r.name); }};
      case 1:
        return {"code", [](const Row& r) { return std::optional(r.code); }};
      case 2:
        return {"division", [](const Row& r) { return std::optional(r.division); }};
      case 3: {
        const std::string constant = Pick(2) == 0 ? Word() : Code();
        return {Quote(constant), [constant](const Row&) { return std::optional(constant); }};
      }
      default: {
        const auto a = Text(depth - 1), b = Text(depth - 1);
        return {absl::StrCat("(", a.text, " + ", b.text, ")"),
                [a, b](const Row& r) { return std::optional(*a.value(r) + *b.value(r)); }};
      }
    }
  }

  Sample<int64_t> Whole(int depth) {
    switch (Pick(depth > 0 ? 5 : 3)) {
      case 0:
        return {"count", [](const Row& r) { return std::optional(r.count); }};
      case 1:
        return {"small", [](const Row& r) { return std::optional(r.small); }};
      case 2: {
        const int64_t n = Number();
        return {absl::StrCat(n), [n](const Row&) { return std::optional(n); }};
      }
      case 3: {
        const auto a = Text(depth - 1);
        return {absl::StrCat("size(", a.text, ")"), [a](const Row& r) {
                  int64_t n = 0;
                  const std::string text = *a.value(r);
                  for (char ch : text) n += (ch & 0xC0) != 0x80 ? 1 : 0;
                  return std::optional(n);
                }};
      }
      default:
        return Arithmetic(depth);
    }
  }

  Sample<int64_t> Arithmetic(int depth) {
    const auto a = Whole(depth - 1), b = Whole(depth - 1);
    const char op = "+-*/%"[Pick(5)];
    return {absl::StrCat("(", a.text, " ", std::string(1, op), " ", b.text, ")"),
            [a, b, op](const Row& r) -> std::optional<int64_t> {
              const auto x = a.value(r), y = b.value(r);
              if (!x || !y) return std::nullopt;
              __int128 result = 0;
              if (op == '+') result = static_cast<__int128>(*x) + *y;
              if (op == '-') result = static_cast<__int128>(*x) - *y;
              if (op == '*') result = static_cast<__int128>(*x) * *y;
              if (op == '/' || op == '%') {
                if (*y == 0) return std::nullopt;
                const __int128 quotient = static_cast<__int128>(*x) / *y;
                if (quotient > std::numeric_limits<int64_t>::max()) return std::nullopt;
                result = op == '/' ? quotient : static_cast<__int128>(*x) % *y;
              }
              if (result > std::numeric_limits<int64_t>::max() ||
                  result < std::numeric_limits<int64_t>::min())
                return std::nullopt;
              return static_cast<int64_t>(result);
            }};
  }

  template <typename T>
  Sample<bool> Compare(const Sample<T>& a, const Sample<T>& b) {
    const size_t op = Pick(6);
    const char* const names[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
    return {absl::StrCat("(", a.text, names[op], b.text, ")"),
            [a, b, op](const Row& r) -> std::optional<bool> {
              const auto x = a.value(r), y = b.value(r);
              if (!x || !y) return std::nullopt;
              const bool results[] = {*x == *y, *x != *y, *x<*y, *x <= *y, *x> * y, *x >= *y};
              return results[op];
            }};
  }

  Sample<bool> TextComparison(int depth) { return Compare(Text(depth), Text(depth)); }
  Sample<bool> NumberComparison(int depth) { return Compare(Whole(depth), Whole(depth)); }

  Sample<bool> TextSet() {
    std::vector<std::string> values;
    std::string list;
    for (size_t n = Pick(9); n-- > 0;) {
      values.push_back(Pick(2) == 0 ? Word() : Code());
      absl::StrAppend(&list, Quote(values.back()), ",");
    }
    const auto text = Text(0);
    return {
        absl::StrCat("(", text.text, " in [", list, "])"), [values, text](const Row& r) {
          const auto v = *text.value(r);
          return std::optional<bool>(std::find(values.begin(), values.end(), v) != values.end());
        }};
  }

  Sample<bool> NumberSet() {
    std::vector<uint64_t> values;
    std::string list;
    for (size_t n = Pick(4); n-- > 0;) {
      values.push_back(Pick(4));
      absl::StrAppend(&list, values.back(), "u,");
    }
    return {absl::StrCat("(total in [", list, "])"), [values](const Row& r) {
              return std::optional<bool>(std::find(values.begin(), values.end(), r.total) !=
                                         values.end());
            }};
  }

  Sample<bool> TextPart(int depth) {
    const auto a = Text(depth), b = Text(0);
    const size_t part = Pick(3);
    const char* const names[] = {".startsWith(", ".endsWith(", ".contains("};
    return {absl::StrCat(a.text, names[part], b.text, ")"), [a, b, part](const Row& r) {
              const std::string x = *a.value(r), y = *b.value(r);
              if (part == 0) return std::optional<bool>(x.compare(0, y.size(), y) == 0);
              if (part == 1)
                return std::optional<bool>(x.size() >= y.size() &&
                                           x.compare(x.size() - y.size(), y.size(), y) == 0);
              return std::optional<bool>(x.find(y) != std::string::npos);
            }};
  }

  Sample<bool> Presence() {
    if (Pick(2) == 0)
      return {"has(name)", [](const Row& r) { return std::optional<bool>(!r.name.empty()); }};
    return {"has(record.count)", [](const Row& r) { return std::optional<bool>(r.count != 0); }};
  }

  Sample<bool> TimeComparison() {
    const int64_t day = static_cast<int64_t>(Pick(5));
    const Sample<int64_t> at{"at", [](const Row& r) { return std::optional(r.at); }};
    const Sample<int64_t> constant{
        absl::StrCat("timestamp('1970-01-0", day + 1, "T08:00:00+08:00')"),
        [day](const Row&) { return std::optional(day * 86400); }};
    return Pick(2) == 0 ? Compare(at, constant) : Compare(constant, at);
  }

  std::mt19937_64 random_;
};

std::string TextFormat(const Row& row) {
  return absl::StrCat("name: '", row.name, "' code: '", row.code, "' count: ", row.count,
                      " small: ", row.small, " total: ", row.total,
                      " active: ", row.active ? "true" : "false", " at {seconds: ", row.at, "}");
}

// Whether the conjunct lets the row pass, from the row's own values.
bool Passes(const schema::Contract& contract, const Conjunct& c, const Row& row) {
  const bool division = c.field == Conjunct::kAttributedDivision;
  const std::string name = division ? "" : contract.fields()[static_cast<size_t>(c.field)].name;
  Constant value;
  if (division) value = row.division;
  if (name == "name") value = row.name;
  if (name == "code") value = row.code;
  if (name == "count") value = row.count;
  if (name == "small") value = row.small;
  if (name == "total") value = row.total;
  if (name == "active") value = row.active;
  if (name == "at") value = absl::FromUnixSeconds(row.at);
  if (c.kind == Conjunct::Kind::kHas) return name == "name" ? !row.name.empty() : row.count != 0;
  if (c.kind == Conjunct::Kind::kPrefix)
    return absl::StartsWith(std::get<std::string>(value), std::get<std::string>(c.values[0]));
  if (c.kind != Conjunct::Kind::kRange)
    return std::find(c.values.begin(), c.values.end(), value) != c.values.end();
  if (c.lower && (c.lower->inclusive ? value < c.lower->value : value <= c.lower->value))
    return false;
  return !c.upper || (c.upper->inclusive ? value <= c.upper->value : value < c.upper->value);
}

TEST(RandomPredicateTest, CompiledIsWhatANaiveEvaluationSays) {
  const unsigned seed = std::random_device()();
  std::printf("seed %u\n", seed);
  Generator generator(seed);
  Rows rows;
  size_t truths[3] = {0, 0, 0}, conjuncts = 0;
  for (int round = 0; round < 3000; ++round) {
    const Sample<bool> sample = generator.Condition(static_cast<int>(generator.Pick(5)));
    const auto predicate = rows.Compile(sample.text);
    ASSERT_TRUE(predicate != nullptr);
    const std::vector<Conjunct> necessary = predicate->IndexableConjuncts();
    conjuncts += necessary.size();
    for (int i = 0; i < 10; ++i) {
      const Row row = generator.MakeRow();
      const std::optional<bool> expected = sample.value(row);
      const Truth wanted = !expected ? Truth::kError : *expected ? Truth::kTrue : Truth::kFalse;
      const std::string wire = rows.Wire(TextFormat(row));
      const Truth got = rows.Evaluate(*predicate, wire, row.division);
      ASSERT_EQ(got, wanted) << sample.text << "\n"
                             << TextFormat(row) << " division " << row.division;
      EXPECT_EQ(rows.Explain(*predicate, wire, row.division).empty(), got != Truth::kError)
          << sample.text;
      ++truths[static_cast<int>(got)];
      for (const Conjunct& c : necessary) {
        if (Passes(rows.contract(), c, row)) continue;
        ASSERT_EQ(got, Truth::kFalse) << sample.text << "\n" << TextFormat(row);
      }
    }
  }
  for (size_t count : truths) EXPECT_GT(count, 20U);
  EXPECT_GT(conjuncts, 200U);
}

}  // namespace
}  // namespace huiliu::cel
