// The backbone that the configuration asks for.
#ifndef HUILIU_BROKER_SERVER_BACKBONES_H_
#define HUILIU_BROKER_SERVER_BACKBONES_H_

#include <functional>
#include <memory>
#include <string>

#include "broker/backbone/backbone.h"
#include "broker/server/config.h"
#include "core/base/clock.h"

namespace huiliu::server {

absl::StatusOr<std::unique_ptr<Backbone>> OpenBackbone(
    const Config& config, Clock& clock, std::function<void(const std::string&)> warn,
    std::function<std::string(absl::string_view topic)> framing);

}  // namespace huiliu::server

#endif  // HUILIU_BROKER_SERVER_BACKBONES_H_
