#include "broker/http/proto_comments.h"

#include <google/protobuf/descriptor.pb.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace huiliu::http {
namespace {

constexpr unsigned char kDescriptorSet[] = {
#include "broker/http/descriptor_set.inc"
};

std::string OneLine(const std::string& comment) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(comment, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty()) lines.emplace_back(line);
  }
  return absl::StrJoin(lines, " ");
}

template <typename Described>
std::string Comment(const Described* described) {
  google::protobuf::SourceLocation location;
  if (described == nullptr || !described->GetSourceLocation(&location)) return "";
  const std::string before = OneLine(location.leading_comments);
  const std::string after = OneLine(location.trailing_comments);
  return before.empty() ? after : after.empty() ? before : before + " " + after;
}

}  // namespace

ProtoComments::ProtoComments() {
  google::protobuf::FileDescriptorSet files;
  // The bytes are the build's own; without them there are no comments, and a test would say so.
  if (!files.ParseFromArray(kDescriptorSet, sizeof kDescriptorSet)) return;
  for (const google::protobuf::FileDescriptorProto& file : files.file()) pool_.BuildFile(file);
}

std::string ProtoComments::OfMethod(const std::string& name) const {
  return Comment(pool_.FindMethodByName(name));
}
std::string ProtoComments::OfMessage(const std::string& name) const {
  return Comment(pool_.FindMessageTypeByName(name));
}
std::string ProtoComments::OfField(const std::string& name) const {
  return Comment(pool_.FindFieldByName(name));
}
std::string ProtoComments::OfEnumValue(const std::string& name) const {
  return Comment(pool_.FindEnumValueByName(name));
}

}  // namespace huiliu::http
