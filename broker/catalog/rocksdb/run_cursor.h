// Walks the rows or the index entries of many runs in key order.
#ifndef HUILIU_BROKER_CATALOG_ROCKSDB_RUN_CURSOR_H_
#define HUILIU_BROKER_CATALOG_ROCKSDB_RUN_CURSOR_H_

#include <algorithm>
#include <vector>

#include "absl/strings/string_view.h"

namespace huiliu::rocks_catalog {

// (Add)* Seek (valid item Next)*. Of equal keys the newest comes first. The runs outlive it.
template <typename Item>
class RunCursor {
 public:
  // Runs are added oldest first.
  void Add(const std::vector<Item>& items) {
    if (!items.empty()) sources_.push_back({&items, 0, sources_.size()});
  }

  // To the first item with a key of at least `key`.
  void Seek(absl::string_view key) {
    heap_.clear();
    for (Source& source : sources_) {
      const auto it = std::partition_point(source.items->begin(), source.items->end(),
                                           [&](const Item& item) { return item.key() < key; });
      source.at = static_cast<size_t>(it - source.items->begin());
      if (it != source.items->end()) heap_.push_back(source);
    }
    std::make_heap(heap_.begin(), heap_.end(), Later);
  }

  bool valid() const { return !heap_.empty(); }
  const Item& item() const { return (*heap_.front().items)[heap_.front().at]; }

  void Next() {
    Source& top = heap_.front();
    if (++top.at == top.items->size()) {
      std::pop_heap(heap_.begin(), heap_.end(), Later);
      heap_.pop_back();
      return;
    }
    SiftDown();
  }

 private:
  struct Source {
    const std::vector<Item>* items;
    size_t at;
    size_t age;  // larger is newer
  };
  static bool Later(const Source& a, const Source& b) {
    const int order = (*a.items)[a.at].key().compare((*b.items)[b.at].key());
    return order != 0 ? order > 0 : a.age < b.age;
  }
  // The front has moved on: down to its place. Half the comparisons of pop and push.
  void SiftDown() {
    size_t at = 0;
    while (true) {
      size_t child = 2 * at + 1;
      if (child >= heap_.size()) return;
      if (child + 1 < heap_.size() && Later(heap_[child], heap_[child + 1])) ++child;
      if (!Later(heap_[at], heap_[child])) return;
      std::swap(heap_[at], heap_[child]);
      at = child;
    }
  }

  std::vector<Source> sources_;
  std::vector<Source> heap_;
};

}  // namespace huiliu::rocks_catalog

#endif  // HUILIU_BROKER_CATALOG_ROCKSDB_RUN_CURSOR_H_
