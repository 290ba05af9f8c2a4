#include "core/schema/source_compiler.h"

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/schema/text_value.h"
#include "huiliu/v1/dataset.pb.h"

namespace huiliu::schema {
namespace {

namespace pb = google::protobuf;
using absl::InvalidArgumentError;
using absl::StrCat;

constexpr size_t kMaxSourceBytes = 1 << 20;
constexpr size_t kMaxNesting = 50;
constexpr size_t kMaxErrorBytes = 4096;  // of the words to the user

// The compiler repeats what stands in a text's escapes, which need not be UTF-8; its words are
// shown and travel as text.
std::string Shown(const std::string& message) {
  return IsUtf8(message) ? message : absl::CHexEscape(message);
}

// Collects the compiler's words with file, line and column (1-based).
class Errors : public pb::io::ErrorCollector {
 public:
  explicit Errors(std::string file) : file_(std::move(file)) {}
  void AddError(int line, int column, const std::string& message) override {
    if (text_.size() > kMaxErrorBytes) return;
    absl::StrAppend(&text_, text_.empty() ? "" : "\n", file_, ":", line + 1, ":", column + 1, ": ",
                    Shown(message));
  }
  const std::string& text() const { return text_; }

 private:
  const std::string file_;
  std::string text_;
};

absl::Status CheckUtf8(const std::string& name, absl::string_view text) {
  if (IsUtf8(text)) return absl::OkStatus();
  int line = 1;
  for (absl::string_view part : absl::StrSplit(text, '\n')) {
    if (!IsUtf8(part)) break;
    ++line;
  }
  return InvalidArgumentError(
      StrCat(name, ":", line,
             ":1: a contract is UTF-8; this line holds bytes that are none / 契约须是 UTF-8"));
}

// The compiler and its options' text descend by recursion, so depth is bounded before they see the
// source. Counted over tokens: a brace in a comment or a string opens and closes nothing. Each kind
// of bracket is closed by its own kind only, so that strays hide no depth.
absl::Status CheckNesting(const std::string& name, const std::string& text) {
  Errors ignored(name);  // the parser says them again, in its own words
  pb::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  pb::io::Tokenizer tokenizer(&stream, &ignored);
  constexpr absl::string_view kOpening = "{[<", kClosing = "}]>";
  size_t depth[3] = {0, 0, 0};
  while (tokenizer.Next()) {
    const auto& token = tokenizer.current();
    if (token.type != pb::io::Tokenizer::TYPE_SYMBOL) continue;
    const size_t open = kOpening.find(token.text[0]), close = kClosing.find(token.text[0]);
    if (close != absl::string_view::npos && depth[close] > 0) --depth[close];
    if (open == absl::string_view::npos || ++depth[open] <= kMaxNesting) continue;
    return InvalidArgumentError(StrCat(name, ":", token.line + 1, ":", token.column + 1,
                                       ": 嵌套过深 / nested deeper than ", kMaxNesting, " levels"));
  }
  return absl::OkStatus();
}

// The few files that a contract may import, in the order of their own imports.
void AddKnownFiles(pb::DescriptorPool* pool) {
  for (const pb::FileDescriptor* known :
       {pb::DescriptorProto::descriptor()->file(), pb::Timestamp::descriptor()->file(),
        pb::Duration::descriptor()->file(), pb::StringValue::descriptor()->file(),
        pb::Struct::descriptor()->file(), huiliu::v1::DatasetOptions::descriptor()->file()}) {
    pb::FileDescriptorProto file;
    known->CopyTo(&file);
    HUILIU_CHECK(pool->BuildFile(file) != nullptr);
  }
}

class PoolErrors : public pb::DescriptorPool::ErrorCollector {
 public:
  PoolErrors(std::string file, const pb::compiler::SourceLocationTable& places)
      : file_(std::move(file)), places_(places) {}
  void AddError(const std::string&, const std::string& element, const pb::Message* descriptor,
                ErrorLocation location, const std::string& message) override {
    if (text_.size() > kMaxErrorBytes) return;
    int line = 0, column = 0;
    // It knows no place of an option's value; the element is named.
    if (!places_.Find(descriptor, location, &line, &column)) line = column = 0;
    absl::StrAppend(&text_, text_.empty() ? "" : "\n", file_, ":", line + 1, ":", column + 1, ": ",
                    Shown(element), ": ", Shown(message));
  }
  const std::string& text() const { return text_; }

 private:
  const std::string file_;
  const pb::compiler::SourceLocationTable& places_;
  std::string text_;
};

}  // namespace

absl::StatusOr<const pb::FileDescriptor*> CompileSource(const std::string& name,
                                                        const std::string& text,
                                                        pb::DescriptorPool* pool) {
  if (text.size() > kMaxSourceBytes) {
    return InvalidArgumentError(
        StrCat(name, ": 契约过大 / a contract has at most ", kMaxSourceBytes, " bytes"));
  }
  RETURN_IF_ERROR(CheckUtf8(name, text));
  RETURN_IF_ERROR(CheckNesting(name, text));
  Errors errors(name);
  pb::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  pb::io::Tokenizer tokenizer(&stream, &errors);
  pb::compiler::SourceLocationTable places;
  pb::compiler::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.RecordSourceLocationsTo(&places);
  pb::FileDescriptorProto file;
  file.set_name(name);
  const bool parsed = parser.Parse(&tokenizer, &file);
  // A syntax line that is torn: the parser says where.
  if (!parsed && parser.GetSyntaxIdentifier().empty()) return InvalidArgumentError(errors.text());
  if (file.syntax() != "proto3") {
    return InvalidArgumentError(StrCat(
        name, ":1:1: 契约须用 proto3 / a contract is written in proto3 (syntax = \"proto3\";)"));
  }
  if (!parsed || !errors.text().empty()) return InvalidArgumentError(errors.text());
  if (file.service_size() > 0) {
    int line = 0, column = 0;
    places.Find(&file.service(0), pb::DescriptorPool::ErrorCollector::NAME, &line, &column);
    return InvalidArgumentError(StrCat(name, ":", line + 1, ":", column + 1,
                                       ": a contract has no services / 契约不含 service"));
  }
  file.set_name(name);
  AddKnownFiles(pool);
  PoolErrors pool_errors(name, places);
  const pb::FileDescriptor* built = pool->BuildFileCollectingErrors(file, &pool_errors);
  if (built != nullptr) return built;
  return InvalidArgumentError(pool_errors.text().empty()
                                  ? StrCat(name, ": 不是契约 / not a contract")
                                  : pool_errors.text());
}

}  // namespace huiliu::schema
