// The tests of cel-spec as JSON: suites of suites of tests; only `original` states what is
// expected.
#include <algorithm>
#include <map>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/cel/expression.h"
#include "tests/conformance/runner/cel_protos.h"
#include "tests/conformance/runner/cel_values.h"
#include "tests/conformance/runner/suite.h"

namespace huiliu::conformance {
namespace {

using nlohmann::json;

// The variables that a test declares.
class TestScope : public cel::Scope {
 public:
  explicit TestScope(std::string container) : container_(std::move(container)) {}
  void Declare(const std::string& name, const cel::Type& type) {
    const auto index = static_cast<int>(names_.size());
    names_.emplace(name, cel::Declaration{{cel::Reference::Kind::kVariable, index, 0, {}}, type});
  }
  bool Find(const std::string& name, cel::Declaration* declaration) const override {
    const auto found = names_.find(name);
    if (found == names_.end()) return false;
    *declaration = found->second;
    return true;
  }
  const std::string& container() const override { return container_; }
  const google::protobuf::DescriptorPool* pool() const override { return &CelPool(); }
  int IndexOf(const std::string& name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? -1 : found->second.reference.index;
  }
  size_t size() const { return names_.size(); }

 private:
  const std::string container_;
  std::map<std::string, cel::Declaration> names_;
};

enum class Outcome { kPassed, kRefused, kWrong };
struct Result {
  Outcome outcome;
  std::string why;
};

class Case {
 public:
  explicit Case(const json& test)
      : test_(test),
        bindings_(test.value("bindings", json::object())),
        scope_(test.value("container", "")) {}

  Result Run() {
    if (!Declare()) return {Outcome::kRefused, "a declaration of a type that is not supported"};
    if (!Bind()) return {Outcome::kRefused, "a binding of a kind that is not supported"};
    cel::ExpressionOptions options;
    options.typed = !test_.value("disableCheck", false);
    std::vector<cel::Issue> issues;
    expression_ = cel::Expression::Compile(test_.value("expr", ""), scope_, options, &issues);
    if (expression_ == nullptr) return Refused(issues);
    if (test_.contains("typedResult")) {
      const Result result = CheckType(test_["typedResult"]);
      if (result.outcome != Outcome::kPassed || !test_["typedResult"].contains("result"))
        return result;
    }
    if (test_.value("checkOnly", false)) return {Outcome::kPassed, ""};
    return Evaluate();
  }

 private:
  bool Declare() {
    for (const json& declaration : test_.value("typeEnv", json::array())) {
      cel::Type type;
      if (!declaration.contains("ident") || !TypeFromJson(declaration["ident"]["type"], &type))
        return false;
      scope_.Declare(declaration.value("name", ""), type);
    }
    for (const auto& [name, bound] : bindings_.items()) {
      if (scope_.IndexOf(name) < 0) scope_.Declare(name, cel::Simple(cel::TypeKind::kDyn));
    }
    return true;
  }

  bool Bind() {
    values_.resize(scope_.size());
    variables_.assign(scope_.size(), nullptr);
    for (const auto& [name, bound] : bindings_.items()) {
      const auto index = static_cast<size_t>(scope_.IndexOf(name));
      if (!bound.contains("value") || !ValueFromJson(bound["value"], &own_, &values_[index]))
        return false;
      variables_[index] = &values_[index];
    }
    return true;
  }

  Result Refused(const std::vector<cel::Issue>& issues) const {
    for (const cel::Issue& issue : issues) {
      if (issue.unsupported) return {Outcome::kRefused, issue.message};
    }
    if (test_.contains("evalError")) return {Outcome::kPassed, ""};
    // What we do not support says so; that an expression were wrong is another claim.
    return {Outcome::kWrong, issues.empty() ? "refused without a reason" : issues[0].message};
  }

  Result CheckType(const json& typed) const {
    cel::Type wanted;
    if (!TypeFromJson(typed.value("deducedType", json()), &wanted))
      return {Outcome::kRefused, "a type that is not supported"};
    const std::string name = cel::TypeName(expression_->type());
    if (name == cel::TypeName(wanted)) return {Outcome::kPassed, ""};
    return {Outcome::kWrong, absl::StrCat("type ", name, ", expected ", cel::TypeName(wanted))};
  }

  Result Evaluate() {
    cel::Frame frame;
    frame.variables = variables_.data();
    const cel::Value value = expression_->Evaluate(frame);
    if (test_.contains("evalError")) {
      if (value.is_error()) return {Outcome::kPassed, ""};
      return {Outcome::kWrong, absl::StrCat(ShowValue(value), ", expected an error")};
    }
    cel::Value wanted = cel::Bool(true);
    const json* expected = nullptr;
    if (test_.contains("value")) expected = &test_["value"];
    if (test_.contains("typedResult")) expected = &test_["typedResult"]["result"];
    if (expected != nullptr && !ValueFromJson(*expected, &own_, &wanted))
      return {Outcome::kRefused, "a result of a kind that is not supported"};
    if (SameValue(value, wanted)) return {Outcome::kPassed, ""};
    return {Outcome::kWrong, absl::StrCat(ShowValue(value), ", expected ", ShowValue(wanted))};
  }

  const json& test_;
  const json bindings_;
  TestScope scope_;
  cel::Frame own_;  // of the values that the test states
  std::vector<cel::Value> values_;
  std::vector<const cel::Value*> variables_;
  std::unique_ptr<const cel::Expression> expression_;
};

// Sections of the specification's tests in which nothing is refused.
bool MustBeWhole(absl::string_view path) {
  static constexpr absl::string_view kWhole[] = {
      "basic", "comparisons", "conversions", "fields", "integer_math", "lists",
      "logic", "macros",      "namespace",   "string", "timestamps"};
  const absl::string_view section = path.substr(0, path.find('/'));
  return std::find(std::begin(kWhole), std::end(kWhole), section) != std::end(kWhole);
}

class Walk {
 public:
  void Suite(const json& suite, const std::string& path) {
    const long refused = tally.refused;
    for (const json& test : suite.value("tests", json::array())) {
      if (test.contains("original")) Test(test["original"], path);
    }
    if (tally.refused > refused)
      std::printf("refused: %s: %ld, e.g. %s\n", path.c_str(), tally.refused - refused,
                  last_.c_str());
    for (const json& child : suite.value("suites", json::array())) {
      const std::string name = child.value("name", "");
      Suite(child, path.empty() ? name : absl::StrCat(path, "/", name));
    }
  }
  Tally tally;

 private:
  void Test(const json& test, const std::string& path) {
    const std::string name =
        absl::StrCat(path, "/", test.value("name", ""), ": ", test.value("expr", ""));
    // Enums are numbers here (legacy), so their strong reading is refused.
    Result result = absl::StrContains(path, "strong_") ? Result{Outcome::kRefused, "strong enums"}
                                                       : Case(test).Run();
    if (result.outcome == Outcome::kRefused && MustBeWhole(path))
      result = {Outcome::kWrong,
                absl::StrCat("refused, in a section that is supported whole: ", result.why)};
    if (result.outcome == Outcome::kRefused) {
      ++tally.refused;
      last_ = absl::StrCat(test.value("name", ""), ": ", result.why);
    } else {
      tally.Judge(result.outcome == Outcome::kPassed, name, result.why);
    }
  }
  std::string last_;
};

}  // namespace

absl::StatusOr<Tally> RunCel(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return absl::InvalidArgumentError(absl::StrCat(path, ": no JSON object"));
  try {
    CelProtos(path);
    Walk walk;
    walk.Suite(root, "");
    return walk.tally;
  } catch (const json::exception& error) {  // the JSON library's only way to say so
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not of the suite's layout: ", error.what()));
  }
}

}  // namespace huiliu::conformance
