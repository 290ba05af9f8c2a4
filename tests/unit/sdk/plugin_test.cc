#include "adapters/sdk/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "adapters/sdk/testkit/checked_source.h"

namespace huiliu::sdk {
namespace {

// Options say how it goes wrong.
class WildSource : public Source {
 public:
  static absl::StatusOr<std::unique_ptr<WildSource>> Open(Host host, absl::string_view options,
                                                          absl::string_view) {
    if (options == "throw") throw std::runtime_error("in open");
    if (options == "refuse") return absl::UnavailableError("the disk is away");
    auto source = std::make_unique<WildSource>();
    source->way_ = std::string(options);
    return source;
  }
  absl::Status Poll(size_t, int, const huiliu_rows** rows) override {
    if (way_ == "throw int") throw 7;
    ++polls_;
    cell_ = {1, ToBytes(way_ == "bytes" ? "\xff" : "ok")};
    column_ = ToBytes("a");
    row_ = {};
    row_.struct_size = sizeof row_;
    row_.row_id = ToBytes(way_ == "no id" ? "" : "1");
    row_.cells = &cell_;
    row_.cell_count = way_ == "no cells" ? 0 : 1;
    row_.raw = ToBytes("raw");
    if (way_ == "no place") row_.error_code = ToBytes("x");
    rows_ = {sizeof rows_,       &column_, 1, &row_, 1, ToBytes(way_ == "no position" ? "" : "p"),
             polls_ > 1 ? 1 : 0, nullptr,  0};
    *rows = way_ == "nothing" ? nullptr : &rows_;
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> Describe() override { return std::string("{}"); }

 private:
  std::string way_;
  int polls_ = 0;
  huiliu_cell cell_{};
  huiliu_bytes column_{};
  huiliu_row row_{};
  huiliu_rows rows_{};
};

constexpr huiliu_source kWild = MakeSource<WildSource>("wild");

absl::Status PollOnce(const std::string& way) {
  FakeHost host;
  const auto source = CheckedSource::Open(kWild, host, way, "");
  if (!source.ok()) return source.status();
  return (*source)->Poll(10, 0).status();
}

TEST(PluginTest, ExceptionsEndAtTheBorder) {
  EXPECT_EQ(PollOnce("throw"), absl::InternalError("the plugin threw: in open"));
  EXPECT_EQ(PollOnce("throw int").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(PollOnce("refuse"), absl::UnavailableError("the disk is away"));
  EXPECT_EQ(PollOnce("nothing").code(), absl::StatusCode::kInternal);
}

TEST(PluginTest, BreachesOfTheContractAreFound) {
  EXPECT_TRUE(PollOnce("well").ok());
  for (const char* way : {"bytes", "no id", "no cells", "no place", "no position"}) {
    EXPECT_EQ(PollOnce(way).code(), absl::StatusCode::kFailedPrecondition) << way;
  }
}

TEST(PluginTest, MemoryThatChangesBeforeTheNextCallIsFound) {
  FakeHost host;
  // A table whose poll changes the row that it gave, behind the next call's back.
  static const huiliu_rows* given = nullptr;
  static huiliu_source treacherous = kWild;
  treacherous.poll = [](void* source, size_t max, int wait, const huiliu_rows** rows) {
    const huiliu_status status = kWild.poll(source, max, wait, rows);
    given = *rows;
    return status;
  };
  const auto source = CheckedSource::Open(treacherous, host, "well", "");
  ASSERT_TRUE((*source)->Poll(10, 0).ok());
  const_cast<huiliu_row*>(given->rows)->row_id = ToBytes("2");
  EXPECT_THAT(std::string((*source)->Poll(10, 0).status().message()),
              testing::HasSubstr("changed"));
}

}  // namespace
}  // namespace huiliu::sdk
