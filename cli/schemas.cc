#include "cli/schemas.h"

#include <cstdlib>
#include <filesystem>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/files.h"
#include "core/base/status.h"
#include "huiliu/v1/registry.pb.h"

namespace huiliu::cli {
namespace {

namespace fs = std::filesystem;

bool IsSchemas(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path / "datasets", error) && fs::is_directory(path / "divisions", error);
}

}  // namespace

absl::StatusOr<std::string> FindSchemas(const std::string& named) {
  std::vector<std::string> places;
  if (!named.empty()) {
    places.push_back(named);
  } else {
    if (const char* set = std::getenv("HUILIU_SCHEMAS"); set != nullptr && *set != '\0')
      places.emplace_back(set);
    places.emplace_back("schemas");
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    if (!error) {
      for (fs::path up = program.parent_path(); up.has_relative_path() && places.size() < 6;
           up = up.parent_path())
        places.push_back(up / "schemas");
    }
    places.emplace_back("/usr/share/huiliu/schemas");
  }
  for (const std::string& place : places) {
    if (IsSchemas(place)) return place;
  }
  return absl::NotFoundError(
      absl::StrCat("找不到含 datasets/ 与 divisions/ 的目录，请用 --schemas 指明 / no folder with "
                   "datasets/ and divisions/ in ",
                   absl::StrJoin(places, ", "), "; name one with --schemas"));
}

absl::StatusOr<std::shared_ptr<const schema::Contract>> ReadContract(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return schema::Contract::Parse(path, text);
}

absl::StatusOr<std::shared_ptr<const schema::Contract>> FindContractFile(
    const std::string& schemas, const std::string& dataset) {
  std::error_code error;
  std::set<std::string> ids;
  for (const auto& entry : fs::recursive_directory_iterator(schemas + "/datasets", error)) {
    if (entry.path().extension() != ".proto") continue;
    ASSIGN_OR_RETURN(std::shared_ptr<const schema::Contract> contract, ReadContract(entry.path()));
    if (contract->id().value() == dataset) return contract;
    ids.insert(contract->id().value());
  }
  return absl::NotFoundError(absl::StrCat(schemas, "/datasets 中没有该数据集 / has no dataset ",
                                          dataset, "; it has ", absl::StrJoin(ids, ", ")));
}

absl::StatusOr<std::shared_ptr<const schema::Contract>> RegisteredContract(
    Command& command, const std::string& dataset) {
  huiliu::v1::GetDatasetRequest request;
  request.set_id(dataset);
  huiliu::v1::GetDatasetResponse response;
  RETURN_IF_ERROR(command.Call("Registry/GetDataset", request, &response));
  const huiliu::v1::Dataset& found = response.dataset();
  return schema::Contract::Parse(found.source_name(), found.source_text(), found.version());
}

absl::StatusOr<std::shared_ptr<const schema::Contract>> ContractOf(Command& command,
                                                                   const std::string& dataset,
                                                                   const std::string& file,
                                                                   const std::string& schemas) {
  if (!file.empty()) return ReadContract(file);
  const Profile& profile = command.profile;
  const bool known = !profile.certificate.empty() || !profile.token_file.empty();
  if (profile.address.empty() || !known || !schemas.empty()) {
    ASSIGN_OR_RETURN(const std::string folder, FindSchemas(schemas));
    return FindContractFile(folder, dataset);
  }
  return RegisteredContract(command, dataset);
}

absl::StatusOr<std::shared_ptr<const territory::Divisions>> LoadDivisions(
    const std::string& schemas) {
  return territory::Divisions::Load(schemas + "/divisions");
}

absl::StatusOr<std::shared_ptr<const territory::Divisions>> DivisionsAtHand(
    const std::string& named) {
  const auto schemas = FindSchemas(named);
  if (schemas.ok()) return LoadDivisions(*schemas);
  if (!named.empty()) return schemas.status();
  return std::shared_ptr<const territory::Divisions>();
}

}  // namespace huiliu::cli
