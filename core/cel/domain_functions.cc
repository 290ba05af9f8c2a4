// Our own functions: what approval records are asked beside the standard ones.
#include "core/cel/domain_functions.h"

#include "core/codes/codes.h"

namespace huiliu::cel {
namespace {

constexpr absl::string_view kUnknownYear =
    "the calendar of working days does not know this year (schemas/calendar/workdays.tsv) "
    "(工作日历中没有这一年)";

template <bool (*kTest)(absl::string_view)>
Value TestText(Frame& frame, const Value* args, size_t) {
  if (args[0].kind != ValueKind::kString) return Error(kNoOverload);
  if (!frame.ChargeText(args[0].size)) return Error(kTooCostly);
  return Bool(kTest(args[0].text()));
}

bool IsUscc(absl::string_view text) { return codes::CheckUscc(text) == codes::Flaw::kNone; }
bool IsCitizenId(absl::string_view text) {
  return codes::CheckCitizenId(text) == codes::Flaw::kNone;
}

Value WorkdaysBetween(const Environment* environment, Frame&, const Value* args) {
  if (args[0].kind != ValueKind::kTimestamp || args[1].kind != ValueKind::kTimestamp)
    return Error(kNoOverload);
  const bool own = environment != nullptr && environment->calendar != nullptr;
  const WorkCalendar& calendar = own ? *environment->calendar : WorkCalendar::BuiltIn();
  const std::optional<int64_t> days = calendar.Between(args[0].integer, args[1].integer);
  return days.has_value() ? Int(*days) : Error(kUnknownYear);
}

Value DivisionOf(const Environment* environment, Frame& frame, const Value* args) {
  if (args[0].kind != ValueKind::kString) return Error(kNoOverload);
  if (!frame.ChargeText(args[0].size)) return Error(kTooCostly);
  return frame.arena.Copy(ValueKind::kString, environment->resolve(args[0].text()));
}

using EnvironmentFunction = Value (*)(const Environment*, Frame&, const Value*);

template <size_t kArgs>
class EnvironmentNode : public Node {
 public:
  EnvironmentNode(EnvironmentFunction function, const Environment* environment,
                  std::vector<NodePtr> args)
      : function_(function), environment_(environment), args_(std::move(args)) {}
  Value Evaluate(Frame& frame) const override {
    std::array<Value, kArgs> values;
    for (size_t i = 0; i < kArgs; ++i) {
      values[i] = args_[i]->Evaluate(frame);
      if (values[i].is_error()) return values[i];
    }
    return function_(environment_, frame, values.data());
  }

 private:
  const EnvironmentFunction function_;
  const Environment* const environment_;
  const std::vector<NodePtr> args_;
};

}  // namespace

absl::Span<const FunctionEntry> DomainFunctions() {
  static constexpr FunctionEntry kTable[] = {{"isUscc", TestText<IsUscc>},
                                             {"isCitizenId", TestText<IsCitizenId>},
                                             {"maskedAtSource", TestText<codes::IsMaskedAtSource>}};
  return kTable;
}

bool AsksEnvironment(absl::string_view function) {
  return function == "inDivision" || function == "divisionOf" || function == "workdaysBetween";
}

NodePtr MakeEnvironmentCall(absl::string_view function, const Environment* environment,
                            std::vector<NodePtr> args) {
  if (function == "workdaysBetween" && args.size() == 2)
    return std::make_unique<EnvironmentNode<2>>(WorkdaysBetween, environment, std::move(args));
  if (function == "divisionOf" && args.size() == 1)
    return std::make_unique<EnvironmentNode<1>>(DivisionOf, environment, std::move(args));
  return nullptr;
}

}  // namespace huiliu::cel
