// fuzz_NAME CORPUS_FOLDER [MUTATIONS]: runs a fuzz target over the files of a folder, then over
// mutations of them drawn from a fixed seed. For every build and compiler; ./dev fuzz searches on
// with libFuzzer. Each input ends at a page that must not be touched, so a read beyond it is caught
// without a sanitizer. A failing input is written to failing_input in the working folder.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace huiliu::fuzz {
namespace {

constexpr uint64_t kSeed = 20261123;
constexpr size_t kMaxInputBytes = 1 << 20;
constexpr size_t kMaxMutatedBytes = 16 << 10;
constexpr unsigned kSecondsPerInput =
    60;  // nothing is meant to take one: an endless loop is caught

// What is at hand, for the signal handler.
const char* current_data = nullptr;
size_t current_size = 0;
char current_name[512] = "";

void OnSignal(int signal) {
  const auto say = [](const char* text) {
    [[maybe_unused]] const ssize_t written = ::write(2, text, std::strlen(text));
  };
  say(signal == SIGALRM ? "\ndoes not end: " : "\nfailed: ");
  say(current_name);
  const int file = ::open("failing_input", O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (file >= 0 && ::write(file, current_data, current_size) == static_cast<ssize_t>(current_size))
    say("; the input is in failing_input");
  say("\n");
  ::_exit(1);
}

// Memory whose end is followed by a page that cannot be read.
class Guarded {
 public:
  Guarded() {
    page_ = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    void* const mapped = ::mmap(nullptr, kMaxInputBytes + page_, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) Broken(__FILE__, __LINE__, "mmap", "");
    end_ = static_cast<char*>(mapped) + kMaxInputBytes;
    if (::mprotect(end_, page_, PROT_NONE) != 0) Broken(__FILE__, __LINE__, "mprotect", "");
  }
  const char* Put(const std::string& bytes) {
    char* const at = end_ - bytes.size();
    std::memcpy(at, bytes.data(), bytes.size());
    return at;
  }

 private:
  size_t page_ = 0;
  char* end_ = nullptr;
};

void Run(Guarded& guarded, const std::string& bytes, const std::string& name) {
  std::snprintf(current_name, sizeof current_name, "%s", name.c_str());
  current_data = guarded.Put(bytes);
  current_size = bytes.size();
  ::alarm(kSecondsPerInput);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(current_data), current_size);
  ::alarm(0);
}

// One small change.
void Mutate(Choices& choices, const std::vector<std::string>& seeds, std::string* bytes) {
  constexpr uint8_t kEdges[] = {0x00, 0x01, 0x7F, 0x80, 0x81, 0xFF, '"', '\n', '\r', ',', '0', '9'};
  const size_t at = choices.Below(bytes->size() + 1);
  const size_t left = bytes->size() - at;
  const size_t length = std::min(left, size_t{1} << choices.Below(6));
  switch (choices.Below(7)) {
    case 0:
      if (left > 0) (*bytes)[at] = static_cast<char>((*bytes)[at] ^ (1 << choices.Below(8)));
      break;
    case 1:
      if (left > 0) (*bytes)[at] = static_cast<char>(kEdges[choices.Below(std::size(kEdges))]);
      break;
    case 2:
      bytes->insert(at, 1, static_cast<char>(choices.Next()));
      break;
    case 3:
      bytes->erase(at, length);
      break;
    case 4:  // doubled
      bytes->insert(at, bytes->substr(at, length));
      break;
    case 5: {  // a piece of another
      const std::string& other = seeds[choices.Below(seeds.size())];
      if (other.empty()) break;
      const size_t from = choices.Below(other.size());
      bytes->insert(at, other, from, size_t{1} << choices.Below(8));
      break;
    }
    default:
      bytes->resize(at);
  }
  if (bytes->size() > kMaxMutatedBytes) bytes->resize(kMaxMutatedBytes);
}

int Main(const std::filesystem::path& folder, int mutations) {
  for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM})
    std::signal(signal, OnSignal);
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder)) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Guarded guarded;
  std::vector<std::string> seeds;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (bytes.size() > kMaxInputBytes) {
      std::fprintf(stderr, "%s: larger than 1 MiB\n", file.c_str());
      return 2;
    }
    Run(guarded, bytes, file.string());
    seeds.push_back(std::move(bytes));
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "%s: no files\n", folder.c_str());
    return 2;
  }
  Choices choices(kSeed);
  for (int i = 0; i < mutations; ++i) {
    const size_t seed = choices.Below(seeds.size());
    std::string bytes = seeds[seed];
    const size_t changes = 1 + choices.Below(4);
    for (size_t n = 0; n < changes; ++n) Mutate(choices, seeds, &bytes);
    Run(guarded, bytes, "mutation " + std::to_string(i) + " of " + files[seed].string());
  }
  std::printf("%zu files, %d mutations (seed %lu)\n", files.size(), mutations,
              static_cast<unsigned long>(kSeed));
  return 0;
}

}  // namespace
}  // namespace huiliu::fuzz

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER [MUTATIONS]\n", argv[0]);
    return 2;
  }
  return huiliu::fuzz::Main(argv[1], argc == 3 ? std::atoi(argv[2]) : 0);
}
