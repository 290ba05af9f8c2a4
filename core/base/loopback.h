// Whether an address stays on this machine: what may travel without TLS.
#ifndef HUILIU_CORE_BASE_LOOPBACK_H_
#define HUILIU_CORE_BASE_LOOPBACK_H_

#include "absl/strings/string_view.h"

namespace huiliu {

// `address`: host:port, [IPv6]:port, unix:PATH, or several host:port, separated by commas. A name
// resolves to whatever its server says: of names only localhost is this machine.
bool IsLoopback(absl::string_view address);

}  // namespace huiliu

#endif  // HUILIU_CORE_BASE_LOOPBACK_H_
