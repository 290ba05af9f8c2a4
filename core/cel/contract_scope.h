// The names of a dataset's expressions: its fields by name (and as record.name), `division`,
// `conflict`, the constants of its enums.
#ifndef HUILIU_CORE_CEL_CONTRACT_SCOPE_H_
#define HUILIU_CORE_CEL_CONTRACT_SCOPE_H_

#include <string>

#include "core/cel/checker.h"
#include "core/schema/contract.h"

namespace huiliu::cel {

class ContractScope : public Scope {
 public:
  // The contract must outlive the scope.
  ContractScope(const schema::Contract& contract, bool has_divisions,
                bool resolves_divisions = false);
  bool Find(const std::string& name, Declaration* declaration) const override;
  const std::string& container() const override { return container_; }
  std::string Suggest(const std::string& name) const override;
  const google::protobuf::DescriptorPool* pool() const override;
  bool has_divisions() const override { return has_divisions_; }
  bool resolves_divisions() const override { return resolves_divisions_; }

 private:
  bool FindField(absl::string_view name, Declaration* declaration) const;

  const schema::Contract& contract_;
  const std::string container_;
  const bool has_divisions_;
  const bool resolves_divisions_;
};

}  // namespace huiliu::cel

#endif  // HUILIU_CORE_CEL_CONTRACT_SCOPE_H_
