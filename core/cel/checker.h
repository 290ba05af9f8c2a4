// Static typing: resolves names and overloads, and finds what would go wrong before it is run.
#ifndef HUILIU_CORE_CEL_CHECKER_H_
#define HUILIU_CORE_CEL_CHECKER_H_

#include <string>
#include <vector>

#include "core/cel/ast.h"
#include "core/cel/lexer.h"

namespace google::protobuf {
class DescriptorPool;
}  // namespace google::protobuf

namespace huiliu::cel {

struct Declaration {
  Reference reference;
  Type type;
};

// The names that an expression may use beside the standard ones.
class Scope {
 public:
  virtual ~Scope() = default;
  // By fully qualified name.
  virtual bool Find(const std::string& name, Declaration* declaration) const = 0;
  // Names are looked up in it and then in what encloses it: "a.b".
  virtual const std::string& container() const = 0;
  // A name to propose where `name` is unknown; may be empty.
  virtual std::string Suggest(const std::string& name) const { return {}; }
  // Message types and enums by full name; null where there are none. Must outlive what is compiled.
  virtual const google::protobuf::DescriptorPool* pool() const { return nullptr; }
  // Whether inDivision has someone to ask.
  virtual bool has_divisions() const { return false; }
  // The same for divisionOf.
  virtual bool resolves_divisions() const { return false; }
};

// Annotates the tree with types and references. True where there are no findings. `typed` = false
// resolves names only and leaves types to the evaluation (disable_check); what is not supported is
// a finding even then.
bool Check(Expr* root, const Scope& scope, bool typed, std::vector<Finding>* findings);

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_CHECKER_H_
