// CHECKs on our own invariants, in every build; never on input.
#ifndef HUILIU_CORE_BASE_CHECK_H_
#define HUILIU_CORE_BASE_CHECK_H_

#include "absl/base/internal/raw_logging.h"

#define HUILIU_CHECK(condition) ABSL_RAW_CHECK(condition, "broken invariant")

#ifdef NDEBUG
#define HUILIU_DCHECK(condition) static_cast<void>(0)
#else
#define HUILIU_DCHECK(condition) HUILIU_CHECK(condition)
#endif

#endif  // HUILIU_CORE_BASE_CHECK_H_
