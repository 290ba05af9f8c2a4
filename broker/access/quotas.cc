#include "broker/access/quotas.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace huiliu::access {

using absl::StrCat;

Quotas::Place::~Place() {
  if (quotas_ == nullptr) return;
  absl::MutexLock lock(&quotas_->mutex_);
  --quotas_->uses_[receiver_].streams;
}

void Quotas::Fill(double a_second, Bucket* bucket) const {
  const absl::Time now = clock_.Now();
  const double passed =
      bucket->filled == absl::InfinitePast() ? 1 : absl::ToDoubleSeconds(now - bucket->filled);
  // A clock that was set back gives nothing.
  bucket->left = std::min(a_second, bucket->left + std::max(0.0, passed) * a_second);
  bucket->filled = now;
}

absl::Status Quotas::Refuse(const std::string& receiver, Use* use, absl::string_view chinese,
                            absl::string_view english) const {
  ++use->refused;
  return absl::ResourceExhaustedError(StrCat("接收方 ", receiver, " 的配额：", chinese,
                                             " / quota of receiver ", receiver, ": ", english));
}

absl::Status Quotas::TakeCall(const std::string& receiver, const huiliu::v1::Quota& quota) {
  if (quota.calls_per_second() <= 0 && quota.rows_per_second() <= 0) return absl::OkStatus();
  absl::MutexLock lock(&mutex_);
  Use& use = uses_[receiver];
  if (quota.rows_per_second() > 0) {
    const auto bound = static_cast<double>(quota.rows_per_second());
    Fill(bound, &use.rows);
    if (use.rows.left < 0) {
      const auto wait = static_cast<int64_t>(-use.rows.left / bound) + 1;
      return Refuse(
          receiver, &use,
          StrCat("每秒最多 ", quota.rows_per_second(), " 行，请在 ", wait, " 秒后重试"),
          StrCat(quota.rows_per_second(), " rows a second at most; try again in ", wait, " s"));
    }
  }
  if (quota.calls_per_second() > 0) {
    Fill(quota.calls_per_second(), &use.calls);
    if (use.calls.left < 1) {
      return Refuse(receiver, &use,
                    StrCat("每秒最多 ", quota.calls_per_second(), " 次调用，请在 1 秒后重试"),
                    StrCat(quota.calls_per_second(), " calls a second at most; try again in 1 s"));
    }
    use.calls.left -= 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<Quotas::Place> Quotas::OpenStream(const std::string& receiver,
                                                 const huiliu::v1::Quota& quota) {
  absl::MutexLock lock(&mutex_);
  Use& use = uses_[receiver];
  if (quota.streams() > 0 && use.streams >= quota.streams()) {
    return Refuse(
        receiver, &use, StrCat("同时最多 ", quota.streams(), " 个订阅或导出，请先关闭其他"),
        StrCat(quota.streams(), " subscriptions and exports at once; close another first"));
  }
  ++use.streams;
  return Place(this, receiver);
}

void Quotas::TakeRows(const std::string& receiver, const huiliu::v1::Quota& quota, int64_t rows) {
  if (quota.rows_per_second() <= 0 || rows <= 0) return;
  absl::MutexLock lock(&mutex_);
  Bucket& bucket = uses_[receiver].rows;
  Fill(static_cast<double>(quota.rows_per_second()), &bucket);
  bucket.left -= static_cast<double>(rows);
}

absl::Duration Quotas::WaitForRows(const std::string& receiver, const huiliu::v1::Quota& quota) {
  if (quota.rows_per_second() <= 0) return absl::ZeroDuration();
  absl::MutexLock lock(&mutex_);
  Bucket& bucket = uses_[receiver].rows;
  const auto bound = static_cast<double>(quota.rows_per_second());
  Fill(bound, &bucket);
  return bucket.left >= 0 ? absl::ZeroDuration() : absl::Seconds(-bucket.left / bound);
}

std::map<std::string, int64_t> Quotas::Refused() const {
  std::map<std::string, int64_t> refused;
  absl::MutexLock lock(&mutex_);
  for (const auto& [receiver, use] : uses_) {
    if (use.refused > 0) refused[receiver] = use.refused;
  }
  return refused;
}

}  // namespace huiliu::access
