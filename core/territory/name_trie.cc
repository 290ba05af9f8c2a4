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
NameTrie::NameTrie() : roots_(kRoots, 0), nodes_(1) {}

uint32_t NameTrie::Child(uint32_t node, uint32_t code_point) const {
  if (node == 0) return code_point < kRoots ? roots_[code_point] : 0;
  const Node& from = nodes_[node];
  if (from.first_child != 0 && from.first_code_point == code_point) return from.first_child;
  if (!from.more) return 0;
  const auto it = edges_.find(Edge(node, code_point));
  return it == edges_.end() ? 0 : it->second;
}

uint32_t NameTrie::ChildOrNew(uint32_t node, uint32_t code_point) {
  if (const uint32_t child = Child(node, code_point); child != 0) return child;
  const uint32_t child = static_cast<uint32_t>(nodes_.size());
  nodes_.emplace_back();
  Node& from = nodes_[node];
  if (node == 0) {
    roots_[code_point] = child;
  } else if (from.first_child == 0) {
    from.first_code_point = code_point;
    from.first_child = child;
  } else {
    from.more = true;
    edges_[Edge(node, code_point)] = child;
  }
  return child;
}

void NameTrie::Add(absl::string_view name, Naming naming) {
  if (name.empty() || !text::IsValidUtf8(name)) return;
  uint32_t node = 0;
  while (!name.empty()) {
    const uint32_t code_point = text::TakeCodePoint(&name);
    if (node == 0 && code_point >= kRoots) return;
    node = ChildOrNew(node, code_point);
  }
  if (nodes_[node].name < 0) {
    nodes_[node].name = static_cast<int32_t>(namings_.size());
    namings_.emplace_back();
  }
  std::vector<Naming>& namings = namings_[static_cast<size_t>(nodes_[node].name)];
  const bool known = std::any_of(namings.begin(), namings.end(), [&](const Naming& other) {
    return other.kind == naming.kind && other.code == naming.code &&
           other.within == naming.within && other.first_number == naming.first_number &&
           other.last_number == naming.last_number;
  });
  if (!known) namings.push_back(std::move(naming));
}

size_t NameTrie::MatchesAt(absl::string_view text, Match* out) const {
  const size_t size = text.size();
  size_t count = 0;
  for (uint32_t node = 0; !text.empty();) {
    node = Child(node, text::TakeCodePoint(&text));
    if (node == 0) break;
    const int32_t name = nodes_[node].name;
    if (name < 0) continue;
    if (count == kMaxMatches) break;
    out[count++] = {size - text.size(), &namings_[static_cast<size_t>(name)]};
  }
  std::reverse(out, out + count);
  return count;
}

}  // namespace huiliu::territory
