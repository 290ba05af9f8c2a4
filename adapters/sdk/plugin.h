// The C++ side of the plugin ABI: derive from Source or Landing, name them in one HUILIU_PLUGIN
// line. No exception crosses.
#ifndef HUILIU_ADAPTERS_SDK_PLUGIN_H_
#define HUILIU_ADAPTERS_SDK_PLUGIN_H_

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "adapters/sdk/huiliu_plugin.h"

namespace huiliu::sdk {

inline huiliu_bytes ToBytes(absl::string_view text) { return {text.data(), text.size()}; }
inline absl::string_view ToView(const huiliu_bytes& bytes) { return {bytes.data, bytes.size}; }

// What the host offers, from C++.
class Host {
 public:
  explicit Host(const huiliu_host* host) : host_(host) {}
  enum Level { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };
  void Log(Level level, absl::string_view message) const {
    host_->log(host_->context, level, ToBytes(message));
  }
  bool stopping() const { return host_->stopping(host_->context) != 0; }

 private:
  const huiliu_host* const host_;
};

// A source. `static absl::StatusOr<std::unique_ptr<T>> Open(Host, options_json, position)` makes
// one.
class Source {
 public:
  virtual ~Source() = default;
  // Up to max_rows changed rows, waiting up to timeout_ms for the first. What *rows points to stays
  // valid until the next call.
  virtual absl::Status Poll(size_t max_rows, int timeout_ms, const huiliu_rows** rows) = 0;
  // What is there, as JSON.
  virtual absl::StatusOr<std::string> Describe() = 0;
  // What a header must show (needed_columns.h, huiliu_plugin.h). A source whose parts have headers
  // of their own overrides it; the one header of any other is looked at by the host.
  virtual absl::Status Need(absl::string_view) { return absl::OkStatus(); }
};

// A landing. `static absl::StatusOr<std::unique_ptr<T>> Open(Host, options_json)` makes one.
class Landing {
 public:
  virtual ~Landing() = default;
  virtual absl::Status Prepare(const huiliu_dataset& dataset) = 0;
  virtual absl::StatusOr<std::string> Cursor() = 0;
  virtual absl::Status Apply(absl::Span<const huiliu_change> changes, absl::string_view cursor,
                             bool reset) = 0;
  // The optional rest: rows that the target refuses are kept, shown and tried again
  // (huiliu_plugin.h).
  virtual absl::StatusOr<std::string> Kept(absl::string_view id);
  virtual absl::StatusOr<uint64_t> KeptCount();
  virtual absl::StatusOr<std::string> Redrive(absl::string_view ids_json);
};

namespace internal {

// The status's message stays valid on its thread until the next call returns one.
huiliu_status ToC(const absl::Status& status);
absl::Status FromException();

template <typename F>
huiliu_status Guard(const F& f) {
  try {
    return ToC(f());
  } catch (...) {
    return ToC(FromException());
  }
}

template <typename T>
struct SourceBorder {
  struct Held {
    std::unique_ptr<T> source;
    std::string text;
  };
  static huiliu_status Open(const huiliu_host* host, huiliu_bytes options, huiliu_bytes position,
                            void** out) {
    return Guard([&]() -> absl::Status {
      auto source = T::Open(Host(host), ToView(options), ToView(position));
      if (!source.ok()) return source.status();
      *out = new Held{*std::move(source), {}};
      return absl::OkStatus();
    });
  }
  static huiliu_status Poll(void* held, size_t max_rows, int timeout_ms, const huiliu_rows** rows) {
    return Guard(
        [&] { return static_cast<Held*>(held)->source->Poll(max_rows, timeout_ms, rows); });
  }
  static huiliu_status Describe(void* held, huiliu_bytes* json) {
    return Guard([&]() -> absl::Status {
      auto text = static_cast<Held*>(held)->source->Describe();
      if (!text.ok()) return text.status();
      static_cast<Held*>(held)->text = *std::move(text);
      *json = ToBytes(static_cast<Held*>(held)->text);
      return absl::OkStatus();
    });
  }
  static void Close(void* held) { delete static_cast<Held*>(held); }
  static huiliu_status Need(void* held, huiliu_bytes columns) {
    return Guard([&] { return static_cast<Held*>(held)->source->Need(ToView(columns)); });
  }
};

template <typename T>
struct LandingBorder {
  struct Held {
    std::unique_ptr<T> landing;
    std::string text;
  };
  static huiliu_status Open(const huiliu_host* host, huiliu_bytes options, void** out) {
    return Guard([&]() -> absl::Status {
      auto landing = T::Open(Host(host), ToView(options));
      if (!landing.ok()) return landing.status();
      *out = new Held{*std::move(landing), {}};
      return absl::OkStatus();
    });
  }
  static huiliu_status Prepare(void* held, const huiliu_dataset* dataset) {
    return Guard([&] { return static_cast<Held*>(held)->landing->Prepare(*dataset); });
  }
  static huiliu_status Cursor(void* held, huiliu_bytes* cursor) {
    return Guard([&]() -> absl::Status {
      auto text = static_cast<Held*>(held)->landing->Cursor();
      if (!text.ok()) return text.status();
      static_cast<Held*>(held)->text = *std::move(text);
      *cursor = ToBytes(static_cast<Held*>(held)->text);
      return absl::OkStatus();
    });
  }
  static huiliu_status Apply(void* held, const huiliu_change* changes, size_t count,
                             huiliu_bytes cursor, int reset) {
    return Guard([&] {
      return static_cast<Held*>(held)->landing->Apply({changes, count}, ToView(cursor), reset != 0);
    });
  }
  static void Close(void* held) { delete static_cast<Held*>(held); }
  static huiliu_status Kept(void* held, huiliu_bytes id, huiliu_bytes* json) {
    return GiveText(held, json, [&](T& landing) { return landing.Kept(ToView(id)); });
  }
  static huiliu_status KeptCount(void* held, uint64_t* count) {
    return Guard([&]() -> absl::Status {
      const auto kept = static_cast<Held*>(held)->landing->KeptCount();
      if (kept.ok()) *count = *kept;
      return kept.status();
    });
  }
  static huiliu_status Redrive(void* held, huiliu_bytes ids, huiliu_bytes* json) {
    return GiveText(held, json, [&](T& landing) { return landing.Redrive(ToView(ids)); });
  }

 private:
  template <typename F>
  static huiliu_status GiveText(void* held, huiliu_bytes* out, const F& f) {
    return Guard([&]() -> absl::Status {
      auto text = f(*static_cast<Held*>(held)->landing);
      if (!text.ok()) return text.status();
      static_cast<Held*>(held)->text = *std::move(text);
      *out = ToBytes(static_cast<Held*>(held)->text);
      return absl::OkStatus();
    });
  }
};

}  // namespace internal

template <typename T>
constexpr huiliu_source MakeSource(const char* name) {
  using Border = internal::SourceBorder<T>;
  constexpr bool kOneHeader =
      std::is_same_v<decltype(&T::Need), absl::Status (Source::*)(absl::string_view)>;
  return {sizeof(huiliu_source),
          name,
          &Border::Open,
          &Border::Poll,
          &Border::Describe,
          &Border::Close,
          kOneHeader ? nullptr : &Border::Need,
          kOneHeader ? 0 : HUILIU_SOURCE_NEED_OPTIONAL};
}

template <typename T>
constexpr huiliu_landing MakeLanding(const char* name) {
  using Border = internal::LandingBorder<T>;
  return {
      sizeof(huiliu_landing), name,           &Border::Open, &Border::Prepare,   &Border::Cursor,
      &Border::Apply,         &Border::Close, &Border::Kept, &Border::KeptCount, &Border::Redrive};
}

}  // namespace huiliu::sdk

#define HUILIU_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))

#endif  // HUILIU_ADAPTERS_SDK_PLUGIN_H_
