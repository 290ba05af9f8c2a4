// Nodes of messages: literals, fields, and fields of the record that the slots do not decode.
#include <google/protobuf/descriptor.h>

#include "core/cel/message.h"
#include "core/cel/node.h"

namespace huiliu::cel {
namespace {

namespace pb = google::protobuf;

class MessageNode : public Node {
 public:
  MessageNode(const pb::Descriptor* type, std::vector<const pb::FieldDescriptor*> fields,
              std::vector<NodePtr> values)
      : type_(*type), fields_(std::move(fields)), values_(std::move(values)) {}
  Value Evaluate(Frame& frame) const override {
    std::vector<Value> values;
    values.reserve(values_.size());
    for (const NodePtr& node : values_) {
      values.push_back(node->Evaluate(frame));
      if (values.back().is_error()) return values.back();
    }
    return BuildMessage(frame, type_, fields_, values);
  }

 private:
  const pb::Descriptor& type_;
  const std::vector<const pb::FieldDescriptor*> fields_;
  const std::vector<NodePtr> values_;
};

class RecordFieldNode : public Node {
 public:
  explicit RecordFieldNode(const pb::FieldDescriptor* field) : field_(*field) {}
  Value Evaluate(Frame& frame) const override {
    const MessageData record{field_.containing_type(), frame.activation->record, 0};
    return ReadField(frame, record, field_);
  }

 private:
  const pb::FieldDescriptor& field_;
};

// operand.name, of a map or a message as it comes.
class SelectNode : public Node {
 public:
  SelectNode(NodePtr operand, const Value& name, bool presence)
      : operand_(std::move(operand)), name_(name), presence_(presence) {}
  Value Evaluate(Frame& frame) const override {
    const Value operand = operand_->Evaluate(frame);
    if (operand.is_error()) return operand;
    if (operand.kind == ValueKind::kMessage) return OfMessage(frame, *operand.message);
    if (operand.kind != ValueKind::kMap) return Error("this type has no fields (此类型没有字段)");
    if (!frame.Charge(1 + static_cast<int64_t>(operand.size))) return Error(kTooCostly);
    const Value* found = FindInMap(operand, name_);
    if (presence_) return Bool(found != nullptr);
    return found != nullptr ? *found : Error("no such key (没有这个键)");
  }

 private:
  Value OfMessage(Frame& frame, const MessageData& message) const {
    const pb::FieldDescriptor* field = FindMessageField(*message.type, name_.text());
    if (field == nullptr) return Error("no such field (没有这个字段)");
    return presence_ ? HasField(frame, message, *field) : ReadField(frame, message, *field);
  }

  const NodePtr operand_;
  const Value name_;
  const bool presence_;
};

}  // namespace

NodePtr MakeMessage(const pb::Descriptor* type, std::vector<const pb::FieldDescriptor*> fields,
                    std::vector<NodePtr> values) {
  return std::make_unique<MessageNode>(type, std::move(fields), std::move(values));
}
NodePtr MakeRecordField(const pb::FieldDescriptor* field) {
  return std::make_unique<RecordFieldNode>(field);
}
NodePtr MakeSelect(NodePtr operand, const Value& name) {
  return std::make_unique<SelectNode>(std::move(operand), name, /*presence=*/false);
}
NodePtr MakeHasKey(NodePtr operand, const Value& name) {
  return std::make_unique<SelectNode>(std::move(operand), name, /*presence=*/true);
}

}  // namespace huiliu::cel
