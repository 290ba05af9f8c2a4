#include "core/territory/name_trie.h"

#include <algorithm>

#include "core/text/utf8.h"

namespace huiliu::territory {
namespace {

constexpr uint32_t kRoots = 65536;
constexpr uint64_t kCodePointBits = 21;

uint64_t Edge(uint32_t node, uint32_t code_point) {
  return (uint64_t{node} << kCodePointBits) | code_point;
}

}  // namespace

// Node 0 is the root, which no edge leads to: 0 means none.
NameTrie::NameTrie() : roots_(kRoots, 0), names_(1, -1) {}

uint32_t NameTrie::Child(uint32_t node, uint32_t code_point) const {
  if (node == 0) return code_point < kRoots ? roots_[code_point] : 0;
  const auto it = edges_.find(Edge(node, code_point));
  return it == edges_.end() ? 0 : it->second;
}

void NameTrie::Add(absl::string_view name, Naming naming) {
  if (name.empty() || !text::IsValidUtf8(name)) return;
  uint32_t node = 0;
  while (!name.empty()) {
    const uint32_t code_point = text::TakeCodePoint(&name);
    if (node == 0 && code_point >= kRoots) return;
    uint32_t& next = node == 0 ? roots_[code_point] : edges_[Edge(node, code_point)];
    if (next == 0) {
      next = static_cast<uint32_t>(names_.size());
      names_.push_back(-1);
    }
    node = next;
  }
  if (names_[node] < 0) {
    names_[node] = static_cast<int32_t>(namings_.size());
    namings_.emplace_back();
  }
  std::vector<Naming>& namings = namings_[static_cast<size_t>(names_[node])];
  const bool known = std::any_of(namings.begin(), namings.end(), [&](const Naming& other) {
    return other.kind == naming.kind && other.code == naming.code && other.within == naming.within;
  });
  if (!known) namings.push_back(std::move(naming));
}

size_t NameTrie::MatchesAt(absl::string_view text, Match* out) const {
  const size_t size = text.size();
  size_t count = 0;
  for (uint32_t node = 0; !text.empty();) {
    node = Child(node, text::TakeCodePoint(&text));
    if (node == 0) break;
    const int32_t name = names_[node];
    if (name < 0) continue;
    if (count == kMaxMatches) break;
    out[count++] = {size - text.size(), &namings_[static_cast<size_t>(name)]};
  }
  std::reverse(out, out + count);
  return count;
}

}  // namespace huiliu::territory
