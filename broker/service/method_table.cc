#include "broker/service/method_table.h"

#include "core/base/status.h"

namespace huiliu::service {

void MethodTable::RouteBy(const Peering& peering) {
  using google::protobuf::Message;
  for (auto& [path, method] : methods_) {
    if (method.unary != nullptr) {
      method.unary = [&peering, here = std::move(method.unary)](
                         const CallContext& context, const Message& request, Message* response) {
        ASSIGN_OR_RETURN(const std::optional<cluster::Peer> peer, peering.Route(context, request));
        if (peer.has_value()) return peering.ThereAndWait(*peer, context, request, response);
        return peering.Here(context, [&] { return here(context, request, response); });
      };
    } else {
      method.stream = [&peering, prototype = method.response, here = std::move(method.stream)](
                          const CallContext& context, const Message& request,
                          const StreamSink& sink) {
        ASSIGN_OR_RETURN(const std::optional<cluster::Peer> peer, peering.Route(context, request));
        if (peer.has_value()) return peering.StreamThere(*peer, context, request, *prototype, sink);
        return here(context, request, sink);
      };
    }
  }
}

}  // namespace huiliu::service
