#include "tests/bench/kafka_broker.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/files.h"
#include "core/base/status.h"

namespace huiliu::bench {

absl::StatusOr<std::unique_ptr<KafkaBroker>> KafkaBroker::Start(const std::string& folder) {
  std::unique_ptr<KafkaBroker> broker(new KafkaBroker(folder));
  if (broker->Run(absl::StrCat("up --while ", getpid())) != 0)
    return absl::UnavailableError("deploy/kafka/cluster brings no broker up: see above");
  ASSIGN_OR_RETURN(broker->bootstrap_, ReadFile(folder + "/bootstrap"));
  absl::StripTrailingAsciiWhitespace(&broker->bootstrap_);
  return broker;
}

KafkaBroker::~KafkaBroker() { (void)Run("down --purge"); }

int KafkaBroker::Run(const std::string& verb) const {
  return std::system(
      absl::StrCat(HUILIU_SOURCE_DIR, "/deploy/kafka/cluster ", verb, " --dir ", folder_, " 1>&2")
          .c_str());
}

}  // namespace huiliu::bench
