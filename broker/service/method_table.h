// Every method of the public contract by its path, for transports that work from descriptors
// (Connect/JSON over HTTP).
#ifndef HUILIU_BROKER_SERVICE_METHOD_TABLE_H_
#define HUILIU_BROKER_SERVICE_METHOD_TABLE_H_

#include <google/protobuf/message.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/service/call_context.h"
#include "broker/service/peering.h"
#include "broker/service/stream_sink.h"

namespace huiliu::service {

struct Method {
  const google::protobuf::Message* request = nullptr;  // prototypes
  const google::protobuf::Message* response = nullptr;
  // Exactly one is set. Both may block.
  std::function<absl::Status(const CallContext&, const google::protobuf::Message&,
                             google::protobuf::Message*)>
      unary;
  std::function<absl::Status(const CallContext&, const google::protobuf::Message&,
                             const StreamSink&)>
      stream;
};

// Built once by the composition root, then read by all threads.
class MethodTable {
 public:
  // AddUnary("huiliu.v1.Registry", service, "PutSource", &RegistryService::PutSource)
  template <typename Service, typename Request, typename Response>
  void AddUnary(absl::string_view name, Service& service, absl::string_view method,
                absl::Status (Service::*handler)(const CallContext&, const Request&, Response*)) {
    Method entry;
    entry.request = &Request::default_instance();
    entry.response = &Response::default_instance();
    entry.unary = [&service, handler](const CallContext& context,
                                      const google::protobuf::Message& request,
                                      google::protobuf::Message* response) {
      return (service.*handler)(context, static_cast<const Request&>(request),
                                static_cast<Response*>(response));
    };
    methods_[absl::StrCat(name, "/", method)] = std::move(entry);
  }

  template <typename Service, typename Request, typename Response>
  void AddStream(absl::string_view name, Service& service, absl::string_view method,
                 const Response& prototype,
                 absl::Status (Service::*handler)(const CallContext&, const Request&,
                                                  const StreamSink&)) {
    Method entry;
    entry.request = &Request::default_instance();
    entry.response = &prototype;
    entry.stream = [&service, handler](const CallContext& context,
                                       const google::protobuf::Message& request,
                                       const StreamSink& sink) {
      return (service.*handler)(context, static_cast<const Request&>(request), sink);
    };
    methods_[absl::StrCat(name, "/", method)] = std::move(entry);
  }

  // From now on calls go to the node that answers them.
  void RouteBy(const Peering& peering);

  // By huiliu.v1.Service/Method; nullptr where there is none.
  const Method* Find(const std::string& path) const {
    const auto it = methods_.find(path);
    return it == methods_.end() ? nullptr : &it->second;
  }
  const std::map<std::string, Method>& methods() const { return methods_; }

 private:
  std::map<std::string, Method> methods_;
};

}  // namespace huiliu::service

#endif  // HUILIU_BROKER_SERVICE_METHOD_TABLE_H_
