#include "adapters/sdk/plugin.h"

#include <exception>

#include "absl/strings/str_cat.h"

namespace huiliu::sdk {

absl::StatusOr<std::string> Landing::Kept(absl::string_view) {
  return absl::UnimplementedError("该落地插件不保留被拒绝的行 / the landing keeps no refused rows");
}
absl::StatusOr<uint64_t> Landing::KeptCount() {
  return absl::UnimplementedError("该落地插件不保留被拒绝的行 / the landing keeps no refused rows");
}
absl::StatusOr<std::string> Landing::Redrive(absl::string_view) {
  return absl::UnimplementedError("该落地插件不保留被拒绝的行 / the landing keeps no refused rows");
}

namespace internal {

huiliu_status ToC(const absl::Status& status) {
  static thread_local std::string message;
  message.assign(status.message().data(), status.message().size());
  return {static_cast<huiliu_code>(status.code()), ToBytes(message)};
}

absl::Status FromException() {
  try {
    throw;
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("the plugin threw: ", e.what()));
  } catch (...) {
    return absl::InternalError("the plugin threw something that is no std::exception");
  }
}

}  // namespace internal
}  // namespace huiliu::sdk
