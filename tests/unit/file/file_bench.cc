// file_bench OPTIONS_JSON: reads all that source "file" finds; prints rows and CPU per row.
#include <cstdio>
#include <ctime>

#include "adapters/file/file_source.h"
#include "adapters/sdk/testkit/fake_host.h"

int main(int argc, char** argv) {
  using namespace huiliu;
  if (argc != 2) return 2;
  sdk::FakeHost host;
  auto source = file::FileSource::Open(sdk::Host(host.table()), argv[1], "");
  if (!source.ok()) {
    std::fprintf(stderr, "%s\n", source.status().ToString().c_str());
    return 1;
  }
  const huiliu_rows* batch = nullptr;
  size_t rows = 0, bytes = 0, errors = 0;
  const std::clock_t begin = std::clock();
  do {
    if (!(*source)->Poll(1000, 0, &batch).ok()) return 1;
    for (size_t i = 0; i < batch->row_count; ++i) {
      bytes += batch->rows[i].raw.size;
      errors += batch->rows[i].error_code.size > 0 ? 1 : 0;
    }
    rows += batch->row_count;
  } while (batch->caught_up == 0);
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::printf("%zu rows, %zu errors, %zu bytes, %.0f ns a row, %.0f MB/s\n", rows, errors, bytes,
              seconds * 1e9 / static_cast<double>(rows),
              static_cast<double>(bytes) / seconds / 1e6);
  return 0;
}
