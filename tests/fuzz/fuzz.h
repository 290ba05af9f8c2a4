// What every fuzz target shares. A target is one function that must hold for all bytes; it runs
// under libFuzzer (./dev fuzz) and over its committed corpus in every build (corpus_driver.cc).
#ifndef HUILIU_TESTS_FUZZ_FUZZ_H_
#define HUILIU_TESTS_FUZZ_FUZZ_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace huiliu::fuzz {

// Views the input itself: both drivers give it exactly as large as it is, so that one byte beyond
// is seen.
inline absl::string_view AsText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Ends the process: both drivers report the input that was at hand.
[[noreturn]] inline void Broken(const char* file, int line, const char* what,
                                const std::string& more) {
  std::fprintf(stderr, "%s:%d: does not hold: %s %s\n", file, line, what, more.c_str());
  std::abort();
}

// A fixture of the target itself: not part of what is fuzzed.
template <typename T>
T Must(absl::StatusOr<T> made) {
  if (!made.ok()) Broken(__FILE__, __LINE__, "fixture", made.status().ToString());
  return *std::move(made);
}

// Choices that hang on the input alone: the same bytes always take the same way. SplitMix64.
class Choices {
 public:
  explicit Choices(absl::string_view bytes) {
    for (char c : bytes) state_ = (state_ ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  explicit Choices(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 … bound - 1
  size_t Below(size_t bound) { return static_cast<size_t>(Next() % bound); }

 private:
  uint64_t state_ = 0xcbf29ce484222325;
};

// Takes parts off the front of an input; zeros and empty parts once it is used up.
class Parts {
 public:
  explicit Parts(absl::string_view bytes) : rest_(bytes) {}
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  // Up to a line that is "----", which is dropped; else all that is left. So that a corpus of texts
  // can be read and written by hand.
  absl::string_view Section() {
    constexpr absl::string_view kMark = "\n----\n";
    const size_t end = rest_.find(kMark);
    const absl::string_view section = rest_.substr(0, end);
    rest_.remove_prefix(end == absl::string_view::npos ? rest_.size() : end + kMark.size());
    return section;
  }
  absl::string_view rest() const { return rest_; }

 private:
  absl::string_view rest_;
};

}  // namespace huiliu::fuzz

#define FUZZ_CHECK(condition) FUZZ_CHECK_SAY(condition, std::string())
#define FUZZ_CHECK_SAY(condition, more)                                               \
  do {                                                                                \
    if (!(condition)) ::huiliu::fuzz::Broken(__FILE__, __LINE__, #condition, (more)); \
  } while (false)

#endif  // HUILIU_TESTS_FUZZ_FUZZ_H_
