// What a reader's plan costs per row, beside its yardstick: a copy of the row.
#include <cstdio>

#include "absl/time/clock.h"
#include "broker/access/access_plan.h"
#include "core/schema/record_writer.h"
#include "tests/unit/access/access_fixture.h"

namespace huiliu::access {
namespace {

class AccessBench : public AccessFixture {
 public:
  void TestBody() override {
    auto grant = Granted();
    grant.set_row_filter("place == '530102' && salary < 100000");
    auto plan = Compile(grant);
    if (!plan.ok()) {
      std::printf("%s\n", plan.status().ToString().c_str());
      return;
    }
    constexpr int kRows = 500'000;
    const std::string record = Record();
    const std::string envelope = envelope_.SerializeAsString();
    std::string shown;
    size_t bytes = 0;
    absl::Time start = absl::Now();
    for (int i = 0; i < kRows; ++i) {
      shown.assign(record);
      bytes += shown.size();
    }
    const double copy = absl::ToDoubleNanoseconds(absl::Now() - start) / kRows;
    start = absl::Now();
    for (int i = 0; i < kRows; ++i) {
      if ((*plan)->Apply(record, envelope, &shown).ok()) bytes += shown.size();
    }
    const double apply = absl::ToDoubleNanoseconds(absl::Now() - start) / kRows;
    std::printf("copy %.0f ns, row filter and two masks %.0f ns a row of %zu bytes (%zu)\n", copy,
                apply, record.size(), bytes);
  }
};

}  // namespace
}  // namespace huiliu::access

int main() {
  huiliu::access::AccessBench bench;
  bench.TestBody();
  return 0;
}
