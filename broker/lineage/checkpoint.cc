#include "broker/lineage/checkpoint.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status.h"
#include "core/merkle/merkle.h"

namespace huiliu::lineage {
namespace {

constexpr absl::string_view kDash = "\xE2\x80\x94 ";  // em dash, space
constexpr size_t kMaxNoteBytes = 16 << 10;

std::string KeyHash(absl::string_view name, absl::string_view public_key) {
  const Digest digest = Sha256(absl::StrCat(name, "\n\x01", public_key));
  return ToString(digest).substr(0, 4);
}

// Ideographic and no-break spaces are Unicode spaces too.
bool IsKeyName(absl::string_view name) {
  if (name.empty() || name.size() > 255) return false;
  for (const char c : name) {
    if (static_cast<uint8_t>(c) <= 0x20 || c == 0x7F || c == '+') return false;
  }
  return !absl::StrContains(name, "\xE3\x80\x80") && !absl::StrContains(name, "\xC2\xA0");
}

// Base64 in its one form: no white space, no spare bits, so that a note has one spelling only.
bool Unescape(absl::string_view text, std::string* bytes) {
  return absl::Base64Unescape(text, bytes) && absl::Base64Escape(*bytes) == text;
}

std::string TextOf(absl::string_view origin, int64_t tree_size, const Digest& root) {
  return absl::StrCat(origin, "\n", tree_size, "\n", absl::Base64Escape(AsBytes(root)), "\n");
}

absl::Status BadNote(int line, absl::string_view zh, absl::string_view en) {
  return absl::InvalidArgumentError(
      absl::StrCat("检查点第 ", line, " 行：", zh, " / checkpoint, line ", line, ": ", en));
}

absl::StatusOr<Head> ParseText(absl::string_view text) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  // The text ends with a line feed, so the last piece is empty.
  if (lines.size() < 4) return BadNote(1, "缺少来源、大小或根", "origin, size and root are needed");
  Head head;
  head.origin = std::string(lines[0].data(), lines[0].size());
  if (!IsKeyName(lines[0])) return BadNote(1, "没有来源", "no origin");
  const bool canonical = !lines[1].empty() && (lines[1] == "0" || lines[1][0] != '0');
  if (!canonical ||
      !std::all_of(lines[1].begin(), lines[1].end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      !absl::SimpleAtoi(lines[1], &head.tree_size)) {
    return BadNote(2, "没有树的大小", "no tree size");
  }
  std::string root;
  if (!Unescape(lines[2], &root) || root.size() != head.root.size()) {
    return BadNote(3, "没有 base64 写的 32 字节根", "no root of 32 bytes in base64");
  }
  std::copy(root.begin(), root.end(), head.root.begin());
  return head;
}

}  // namespace

absl::StatusOr<huiliu::v1::Checkpoint> Sign(absl::string_view origin, int64_t tree_size,
                                            const Digest& root, const SigningKey& key,
                                            absl::Time now) {
  if (!IsKeyName(origin)) {
    return absl::InvalidArgumentError(
        absl::StrCat("lineage origin \"", absl::CEscape(origin),
                     "\": must not be empty nor hold white space, control characters or '+'"));
  }
  if (tree_size < 0) return absl::InvalidArgumentError("a negative tree size");
  const std::string text = TextOf(origin, tree_size, root);
  ASSIGN_OR_RETURN(const std::string signature, key.Sign(text));
  huiliu::v1::Checkpoint checkpoint;
  checkpoint.set_origin(origin.data(), origin.size());
  checkpoint.set_tree_size(tree_size);
  checkpoint.set_root(ToString(root));
  checkpoint.set_time_us(absl::ToUnixMicros(now));
  checkpoint.set_public_key(key.public_key());
  checkpoint.set_signature(signature);
  checkpoint.set_note(absl::StrCat(
      text, "\n", kDash, origin, " ",
      absl::Base64Escape(absl::StrCat(KeyHash(origin, key.public_key()), signature)), "\n"));
  return checkpoint;
}

absl::StatusOr<Head> VerifyNote(absl::string_view note, absl::string_view public_key) {
  if (note.size() > kMaxNoteBytes) return BadNote(1, "过长", "too long");
  const size_t gap = note.rfind("\n\n");
  if (gap == absl::string_view::npos)
    return BadNote(4, "签名之前没有空行", "no empty line before the signatures");
  const absl::string_view text = note.substr(0, gap + 1);
  absl::string_view signatures = note.substr(gap + 2);
  ASSIGN_OR_RETURN(Head head, ParseText(text));
  if (signatures.empty() || signatures.back() != '\n')
    return BadNote(5, "没有签名行", "no signature line");
  signatures.remove_suffix(1);
  const std::string key_hash = KeyHash(head.origin, public_key);
  int line_number = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  bool named = false;
  bool holds = false;
  for (absl::string_view line : absl::StrSplit(signatures, '\n')) {
    ++line_number;
    if (!absl::StartsWith(line, kDash))
      return BadNote(line_number, "不是签名行", "no signature line");
    line.remove_prefix(kDash.size());
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ');
    std::string bytes;
    if (parts.size() != 2 || !Unescape(parts[1], &bytes) || bytes.size() < 5) {
      return BadNote(line_number, "缺少名称或签名", "name and signature are needed");
    }
    if (parts[0] != head.origin) continue;  // a witness
    named = true;
    const absl::string_view view(bytes);
    if (view.substr(0, 4) != key_hash) continue;  // another key of the same name
    if (!VerifySignature(public_key, text, view.substr(4))) {
      return absl::DataLossError(absl::StrCat("检查点签名不成立 / checkpoint of size ",
                                              head.tree_size, ": the signature does not hold"));
    }
    holds = true;
  }
  if (holds) return head;
  return absl::DataLossError(
      absl::StrCat("检查点不是由所给公钥签发的 / checkpoint of size ", head.tree_size,
                   named ? ": signed with another key" : ": no signature by its origin"));
}

absl::StatusOr<Head> Verify(const huiliu::v1::Checkpoint& checkpoint,
                            absl::string_view public_key) {
  if (public_key.empty()) public_key = checkpoint.public_key();
  ASSIGN_OR_RETURN(Head head, VerifyNote(checkpoint.note(), public_key));
  if (head.origin != checkpoint.origin() || head.tree_size != checkpoint.tree_size() ||
      AsBytes(head.root) != absl::string_view(checkpoint.root()) ||
      absl::string_view(checkpoint.public_key()) != public_key) {
    return absl::DataLossError(absl::StrCat("检查点字段与其签名文本不符 / checkpoint of size ",
                                            head.tree_size,
                                            ": its fields do not agree with its note"));
  }
  return head;
}

absl::Status VerifyProgress(const huiliu::v1::Checkpoint& older,
                            const huiliu::v1::Checkpoint& newer,
                            absl::Span<const std::string> consistency_proof,
                            absl::string_view public_key) {
  if (public_key.empty()) public_key = older.public_key();
  ASSIGN_OR_RETURN(const Head from, Verify(older, public_key));
  ASSIGN_OR_RETURN(const Head to, Verify(newer, public_key));
  if (from.origin != to.origin) {
    return absl::DataLossError("两个检查点属于不同的日志 / the checkpoints are of two logs");
  }
  const absl::Status status = merkle::VerifyConsistency(
      static_cast<uint64_t>(from.tree_size), static_cast<uint64_t>(to.tree_size), consistency_proof,
      AsBytes(from.root), AsBytes(to.root));
  if (status.ok()) return status;
  return absl::DataLossError(absl::StrCat(
      "检查点 ", from.tree_size, " 与 ", to.tree_size, " 不一致 / checkpoints of sizes ",
      from.tree_size, " and ", to.tree_size, " are not consistent: ", status.message()));
}

}  // namespace huiliu::lineage
