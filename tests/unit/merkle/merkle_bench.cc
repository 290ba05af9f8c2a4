// What an append to the tree costs, beside its yardstick: SHA-256 over the same bytes.
#include <cstdio>
#include <string>

#include "absl/time/clock.h"
#include "core/merkle/merkle.h"

int main() {
  constexpr int kLeaves = 1'000'000;
  const std::string leaf(370, 'x');
  uint8_t sink = 0;
  absl::Time start = absl::Now();
  for (int i = 0; i < kLeaves; ++i) sink ^= huiliu::Sha256(leaf)[0];
  const double yardstick = absl::ToDoubleNanoseconds(absl::Now() - start) / kLeaves;
  huiliu::merkle::TreeBuilder tree;
  start = absl::Now();
  for (int i = 0; i < kLeaves; ++i)
    tree.Append(huiliu::merkle::HashLeaf(leaf), [](const auto&, const auto&) {});
  const double append = absl::ToDoubleNanoseconds(absl::Now() - start) / kLeaves;
  std::printf("sha256 of a record %.0f ns, append to the tree %.0f ns (%d)\n", yardstick, append,
              sink ^ tree.Root()[0]);
  return 0;
}
