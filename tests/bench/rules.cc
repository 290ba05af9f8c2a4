// One record against 10 to 10,000 rules, in three mixes, on generated and on real registrations.
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "core/rules/rule_matcher.h"
#include "core/schema/record_writer.h"
#include "core/text/csv.h"
#include "tests/bench/bench.h"

namespace huiliu::bench {
namespace {

using rules::RuleMatch;
using rules::RuleMatcher;

constexpr int kGenerated = 5000;
constexpr size_t kMaxReal = 20000;
constexpr int kChecked = 300;      // records whose decision is compared with trying every rule
constexpr double kGrowth = 3;      // 10 → 10,000 rules may take so much longer
constexpr double kCompile = 2;     // seconds for 10,000
constexpr double kPredicate = 10;  // times the inlined C++
constexpr double kBytes = 2048;    // a rule, as read, compiled and indexed
constexpr double kActivate = 20;   // milliseconds for one rule among 10,000
constexpr double kPause = 2;       // milliseconds that a record may wait for new rules
constexpr int kActivations = 21;

struct Row {
  std::string record;
  std::string division;
};

const char* const kKinds[] = {"有限责任公司", "个体工商户", "股份有限公司", "合伙企业"};

std::string Area(int i) {  // a county's street
  return absl::StrFormat("53%02d%02d%03d", i % 16 + 1, i / 16 % 10 + 1, i / 160 % 20 + 1);
}

// Processor time of this thread: others that run beside do not count.
absl::Duration ThreadTime() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return absl::DurationFromTimespec(now);
}

// What is allocated, large blocks too.
size_t UsedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// The i-th rule of a mix.
std::string ByDivisionAndKind(int i) {
  return absl::StrCat("inDivision(\"", Area(i / 4), "\") && kind == \"", kKinds[i % 4],
                      "\" && name.contains(\"商贸\")");
}
std::string ByPrefixAndRange(int i) {
  const int year = 1985 + i % 35;
  return absl::StrFormat(
      "uscc.startsWith(\"91%s\") && registered_on >= \"%d-01-01\" && registered_on < \"%d-01-01\"",
      Area(i / 35).substr(0, 6), year, year + 1);
}
std::string NotIndexable(int i) {
  return absl::StrCat("name.contains(\"第", i, "号\") || address.endsWith(\"", i, "号\")");
}

struct Mix {
  const char* name;
  std::string (*rule)(int);
  bool indexable;
};
constexpr Mix kMixes[] = {{"division_and_kind", ByDivisionAndKind, true},
                          {"prefix_and_range", ByPrefixAndRange, true},
                          {"not_indexable", NotIndexable, false}};

std::vector<Row> Generated(const schema::Contract& contract) {
  std::mt19937_64 random(20261123);
  std::vector<Row> rows;
  for (int i = 0; i < kGenerated; ++i) {
    const int area = static_cast<int>(random() % 3200);
    schema::RecordWriter writer(contract);
    const auto set = [&](const char* field, const std::string& value) {
      writer.SetString(*contract.FindField(field), value);
    };
    set("uscc", absl::StrCat("91", Area(area).substr(0, 6), random() % 10'000'000'000));
    set("name", absl::StrCat("昆明某某", random() % 2 == 0 ? "商贸" : "科技", i, "号有限公司"));
    set("registered_on", absl::StrFormat("%d-0%d-15", 1985 + random() % 35, 1 + random() % 9));
    set("kind", kKinds[random() % 4]);
    set("address", absl::StrCat("云南省昆明市五华区人民中路", random() % 900, "号"));
    rows.push_back({writer.Finish(), Area(area)});
  }
  return rows;
}

absl::StatusOr<std::vector<Row>> Real(const schema::Contract& contract, const std::string& folder) {
  std::vector<Row> rows;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".csv") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string content, ReadFile(file));
    text::CsvSplitter splitter(content, {}, 1, true);
    text::CsvRecord record;
    splitter.Next(&record);
    std::vector<const schema::Field*> columns;
    for (const absl::string_view title : record.fields) {
      const schema::Field* found = nullptr;
      for (const schema::Field& field : contract.fields())
        if (field.options.title() == title) found = &field;
      columns.push_back(found);
    }
    while (rows.size() < kMaxReal && splitter.Next(&record) == text::CsvSplitter::Result::kRecord) {
      if (record.error != nullptr) continue;
      schema::RecordWriter writer(contract);
      Row row;
      for (size_t i = 0; i < record.fields.size() && i < columns.size(); ++i) {
        if (columns[i] == nullptr || columns[i]->type != schema::FieldType::kString) continue;
        writer.SetString(*columns[i], record.fields[i]);
        if (columns[i]->name == "uscc" && record.fields[i].size() == 18)
          row.division = absl::StrCat(record.fields[i].substr(2, 6), "001");
      }
      row.record = writer.Finish();
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// Scans and matches, as the engine does.
class Bench {
 public:
  explicit Bench(std::shared_ptr<const schema::Contract> contract)
      : contract_(std::move(contract)) {
    std::vector<uint32_t> numbers;
    for (const schema::Field& field : contract_->fields()) numbers.push_back(field.number);
    plan_ = std::make_unique<schema::FieldPlan>(numbers);
    slots_.resize(numbers.size());
  }

  cel::Activation Scan(const Row& row) {
    plan_->Scan(row.record, absl::MakeSpan(slots_)).IgnoreError();
    return {slots_, row.division, row.record};
  }

  absl::StatusOr<std::shared_ptr<const rules::RuleSet>> Parse(const Mix& mix, int count) {
    std::string yaml =
        "dataset: enterprise_registration\nreceiver: \"530100\"\nlegal_basis: x\nrules:\n";
    for (int i = 0; i < count; ++i)
      absl::StrAppend(&yaml, "  - {id: r", i, ", withhold: x, when: '", mix.rule(i), "'}\n");
    return rules::ParseRuleSet("bench.yaml", yaml, *contract_, nullptr);
  }
  absl::StatusOr<std::unique_ptr<RuleMatcher>> Compile(
      std::shared_ptr<const rules::RuleSet> rule_set) {
    ASSIGN_OR_RETURN(const auto compiled, rules::CompiledRules::Compile(
                                              {contract_, environment_, ""}, std::move(rule_set)));
    auto matcher = std::make_unique<RuleMatcher>(compiled);
    matcher->SetTime(0);
    return matcher;
  }

  // Nanoseconds a record.
  double Time(RuleMatcher& matcher, const std::vector<Row>& rows, absl::Duration at_least) {
    int64_t done = 0, matched = 0;
    // What the index remembers of each division, it remembers.
    for (const Row& row : rows) matcher.First(Scan(row));
    const absl::Duration start = ThreadTime();
    do {
      for (int i = 0; i < 64; ++i)
        matched += matcher.First(Scan(rows[static_cast<size_t>(done++) % rows.size()])).rule >= 0;
    } while (ThreadTime() - start < at_least);
    matched_ = static_cast<double>(matched) / static_cast<double>(done);
    return absl::ToDoubleNanoseconds(ThreadTime() - start) / static_cast<double>(done);
  }
  double matched() const { return matched_; }

  // Another version of 10,000 rules again and again, one of them changed: compiled beside a thread
  // that matches, and swapped in between two of its records.
  absl::Status Activate(const Mix& mix, const std::vector<Row>& rows, std::vector<Line>* lines);

  // Whether the same rules decide as where each is tried in order.
  absl::StatusOr<bool> SameAsBruteForce(RuleMatcher& matcher, const std::vector<Row>& rows) {
    std::vector<std::unique_ptr<const cel::Predicate>> predicates;
    for (const rules::Rule& rule : matcher.rule_set().rules) {
      ASSIGN_OR_RETURN(auto when,
                       cel::Predicate::Compile(rule.when, *contract_, environment_, nullptr));
      predicates.push_back(std::move(when));
    }
    const size_t step = std::max<size_t>(1, rows.size() / kChecked);
    for (size_t r = 0; r < rows.size(); r += step) {
      const cel::Activation activation = Scan(rows[r]);
      RuleMatch expected;
      for (size_t i = 0; i < predicates.size() && expected.rule < 0; ++i) {
        const cel::Truth truth = predicates[i]->Evaluate(activation);
        if (truth != cel::Truth::kFalse)
          expected = {static_cast<int>(i), truth == cel::Truth::kError};
      }
      const RuleMatch match = matcher.First(activation);
      if (match.rule != expected.rule || match.error != expected.error) return false;
    }
    return true;
  }

  // A condition beside the same in C++ over the same slots.
  absl::StatusOr<double> PredicateByCpp(const std::vector<Row>& rows) {
    ASSIGN_OR_RETURN(const auto predicate,
                     cel::Predicate::Compile("uscc.startsWith(\"9153\") && kind == \"合伙企业\"",
                                             *contract_, environment_, nullptr));
    const int uscc = contract_->FindField("uscc")->index,
              kind = contract_->FindField("kind")->index;
    const absl::string_view wanted = "合伙企业";
    std::vector<schema::FieldSlot> slots = slots_;
    plan_->Scan(rows[0].record, absl::MakeSpan(slots)).IgnoreError();
    cel::Activation activation{slots, rows[0].division, rows[0].record};
    constexpr int kTimes = 4'000'000;
    volatile int sink = 0;
    const absl::Duration start = ThreadTime();
    for (int i = 0; i < kTimes; ++i)
      sink = sink + (predicate->Evaluate(activation) == cel::Truth::kTrue);
    const absl::Duration middle = ThreadTime();
    for (int i = 0; i < kTimes; ++i) {
      const volatile schema::FieldSlot* barrier = slots.data();
      (void)barrier;
      asm volatile("" ::: "memory");
      sink = sink + (absl::StartsWith(slots[static_cast<size_t>(uscc)].bytes, "9153") &&
                     slots[static_cast<size_t>(kind)].bytes == wanted);
    }
    const absl::Duration end = ThreadTime();
    return absl::FDivDuration(middle - start, end - middle);
  }

 private:
  const std::shared_ptr<const schema::Contract> contract_;
  const std::shared_ptr<const cel::Environment> environment_ =
      std::make_shared<const cel::Environment>(
          cel::Environment{[](absl::string_view area, absl::string_view code) {
            return !code.empty() && absl::StartsWith(code, area);
          }});
  std::unique_ptr<schema::FieldPlan> plan_;
  std::vector<schema::FieldSlot> slots_;
  double matched_ = 0;
};

// Matches records on a thread of its own, and takes over what is offered between two of them.
class Lane {
 public:
  Lane(Bench& bench, const std::vector<Row>& rows, std::unique_ptr<RuleMatcher> matcher)
      : bench_(bench), rows_(rows), matcher_(std::move(matcher)), thread_([this] { Run(); }) {}

  // Returns when it is taken over.
  void Offer(std::unique_ptr<RuleMatcher> next) {
    absl::MutexLock lock(&mutex_);
    next_ = std::move(next);
    offered_ = true;
    const auto taken = [this] { return !offered_.load(); };
    mutex_.Await(absl::Condition(&taken));
  }
  std::unique_ptr<RuleMatcher> Stop() {
    stopping_ = true;
    thread_.join();
    return std::move(matcher_);
  }
  // Processor time, of taking over and the first record after it.
  double longest_ms() const { return longest_ms_; }

 private:
  void Run() {
    for (size_t i = 0; !stopping_; ++i) {
      const bool swaps = offered_;
      const absl::Duration start = swaps ? ThreadTime() : absl::ZeroDuration();
      if (swaps) {
        absl::MutexLock lock(&mutex_);
        next_->TakeOver(matcher_.get());
        std::swap(matcher_, next_);
        matcher_->SetTime(1);
        offered_ = false;
      }
      matcher_->First(bench_.Scan(rows_[i % rows_.size()]));
      if (swaps) {
        longest_ms_ = std::max(longest_ms_, absl::ToDoubleMilliseconds(ThreadTime() - start));
      }
    }
  }

  Bench& bench_;
  const std::vector<Row>& rows_;
  std::unique_ptr<RuleMatcher> matcher_;
  double longest_ms_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> offered_ = false;
  absl::Mutex mutex_;
  std::unique_ptr<RuleMatcher> next_;
  std::thread thread_;
};

absl::Status Bench::Activate(const Mix& mix, const std::vector<Row>& rows,
                             std::vector<Line>* lines) {
  constexpr int kRules = 10000;
  ASSIGN_OR_RETURN(std::shared_ptr<const rules::RuleSet> set, Parse(mix, kRules));
  ASSIGN_OR_RETURN(auto first, Compile(set));
  std::shared_ptr<const rules::CompiledRules> compiled = first->compiled();
  Lane lane(*this, rows, std::move(first));
  std::vector<double> times_ms;
  for (int i = 0; i < kActivations; ++i) {
    auto next = std::make_shared<rules::RuleSet>(*set);
    next->rules[static_cast<size_t>(i * 97 % kRules)].when = mix.rule(kRules + i);
    set = std::move(next);
    const absl::Duration start = ThreadTime();
    ASSIGN_OR_RETURN(compiled, rules::CompiledRules::Compile({contract_, environment_, ""}, set,
                                                             compiled.get()));
    auto matcher = std::make_unique<RuleMatcher>(compiled);
    matcher->SetTime(0);
    times_ms.push_back(absl::ToDoubleMilliseconds(ThreadTime() - start));
    lane.Offer(std::move(matcher));
  }
  const auto last = lane.Stop();
  ASSIGN_OR_RETURN(const bool same, SameAsBruteForce(*last, rows));
  if (!same) return absl::InternalError("after activations the index decides otherwise");
  std::nth_element(times_ms.begin(), times_ms.begin() + kActivations / 2, times_ms.end());
  const double ms = times_ms[kActivations / 2];
  lines->push_back({"rules_activate_one_of_10000", ms, "ms", "beside the thread that matches",
                    std::nullopt, kActivate, ms <= kActivate});
  lines->push_back({"rules_activate_longest_pause", lane.longest_ms(), "ms",
                    "of the thread that matches, the longest of 21", std::nullopt, kPause,
                    lane.longest_ms() <= kPause});
  return absl::OkStatus();
}

absl::Status Measure(Bench& bench, const char* of, const std::vector<Row>& rows,
                     std::vector<Line>* lines) {
  for (const Mix& mix : kMixes) {
    double few = 0;
    for (const int count : {10, 100, 1000, 10000}) {
      const size_t before = UsedBytes();
      const absl::Duration start = ThreadTime();
      ASSIGN_OR_RETURN(auto set, bench.Parse(mix, count));
      const size_t parsed = UsedBytes();
      ASSIGN_OR_RETURN(auto matcher, bench.Compile(set));
      const double seconds = absl::ToDoubleSeconds(ThreadTime() - start);
      const size_t bytes = UsedBytes() - before;
      const size_t compiled = UsedBytes() - parsed;
      const double ns = bench.Time(*matcher, rows, absl::Milliseconds(400));
      if (count == 10) few = ns;
      ASSIGN_OR_RETURN(const bool same, bench.SameAsBruteForce(*matcher, rows));
      std::cerr << absl::StrFormat(
          "%s %s: %5d rules, %.0f ns a record, %.1f %% match, compiled in %.2f s, %d bytes a "
          "rule, of them %d compiled and indexed%s\n",
          of, mix.name, count, ns, bench.matched() * 100, seconds, static_cast<int>(bytes) / count,
          static_cast<int>(compiled) / count, same ? "" : ", NOT THE SAME AS BRUTE FORCE");
      if (!same) return absl::InternalError("the index decides otherwise than every rule tried");
      if (count != 10000) continue;
      if (mix.indexable) {
        lines->push_back({absl::StrCat("rules_", of, "_", mix.name), ns, "ns/record",
                          "the same with 10 rules; lower is better", ns / few, kGrowth,
                          ns / few <= kGrowth});
      }
      if (mix.indexable && absl::string_view(of) == "generated") {
        lines->push_back({absl::StrCat("rules_compile_", mix.name), seconds, "s", "10,000 rules",
                          std::nullopt, kCompile, seconds <= kCompile});
        const double each = static_cast<double>(bytes) / count;
        lines->push_back({absl::StrCat("rules_memory_", mix.name), each, "bytes a rule",
                          "10,000 rules, as read, compiled and indexed", std::nullopt, kBytes,
                          each <= kBytes});
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Line>> Rules(const std::string&) {
  const std::string root = HUILIU_SOURCE_DIR;
  const std::string file = root + "/schemas/datasets/legal_persons/enterprise_registration.proto";
  ASSIGN_OR_RETURN(const std::string source, ReadFile(file));
  ASSIGN_OR_RETURN(const auto contract, schema::Contract::Parse(file, source));
  Bench bench(contract);
  std::vector<Line> lines;
  const std::vector<Row> generated = Generated(*contract);
  RETURN_IF_ERROR(Measure(bench, "generated", generated, &lines));
  const char* shared = std::getenv("HUILIU_SHARED");
  const std::string data =
      absl::StrCat(shared == nullptr ? root + "/../shared" : std::string(shared),
                   "/data/enterprise-registry-yunnan");
  if (std::filesystem::exists(data)) {
    ASSIGN_OR_RETURN(const std::vector<Row> real, Real(*contract, data));
    RETURN_IF_ERROR(Measure(bench, "real", real, &lines));
  } else {
    std::cerr << "NOT RUN: rules on real registrations (no " << data << ")\n";
  }
  RETURN_IF_ERROR(bench.Activate(kMixes[0], generated, &lines));
  ASSIGN_OR_RETURN(const double times, bench.PredicateByCpp(generated));
  lines.push_back({"rules_predicate", times, "times", "the same condition in C++; lower is better",
                   times, kPredicate, times <= kPredicate});
  return lines;
}

}  // namespace huiliu::bench
