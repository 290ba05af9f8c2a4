#include "adapters/agent/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/addresses.h"
#include "core/base/files.h"
#include "core/base/loopback.h"
#include "core/base/status.h"

namespace huiliu::agent {
namespace {

using absl::StrCat;
using Readers = std::map<std::string, std::function<absl::Status(const YAML::Node&)>>;

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  absl::Status Fail(const YAML::Node& node, absl::string_view why) const {
    return absl::InvalidArgumentError(
        StrCat(path_, ":", node.Mark().line + 1, ":", node.Mark().column + 1, ": ", why));
  }

  absl::Status Mapping(const YAML::Node& node, const Readers& readers) const {
    if (!node.IsMap()) return Fail(node, "此处应为键值映射 / a mapping is expected");
    for (const auto& item : node) {
      const auto reader = readers.find(item.first.Scalar());
      if (reader == readers.end()) {
        std::string known;
        for (const auto& [name, r] : readers)
          absl::StrAppend(&known, known.empty() ? "" : ", ", name);
        return Fail(item.first, StrCat("不认识的键 / unknown key \"", item.first.Scalar(),
                                       "\"; known are: ", known));
      }
      RETURN_IF_ERROR(reader->second(item.second));
    }
    return absl::OkStatus();
  }

  auto Text(std::string* out) const {
    return [this, out](const YAML::Node& node) -> absl::Status {
      if (!node.IsScalar()) return Fail(node, "此处应为文本 / a text is expected");
      *out = node.Scalar();
      return absl::OkStatus();
    };
  }

  auto File(std::string* out) const {
    return [this, out](const YAML::Node& node) -> absl::Status {
      RETURN_IF_ERROR(Text(out)(node));
      if (!out->empty() && (*out)[0] != '/') {
        *out = std::filesystem::absolute(std::filesystem::path(path_).parent_path() / *out)
                   .lexically_normal()
                   .string();
      }
      return absl::OkStatus();
    };
  }

  auto Number(int* out, int least, int most) const {
    return [this, out, least, most](const YAML::Node& node) -> absl::Status {
      if (!node.IsScalar() || !absl::SimpleAtoi(node.Scalar(), out) || *out < least ||
          *out > most) {
        return Fail(node, StrCat("此处应为整数 / a whole number from ", least, " to ", most,
                                 " is expected"));
      }
      return absl::OkStatus();
    };
  }

  // Options pass to the plugin as JSON. A plain scalar that reads as a number or truth value is
  // one; a quoted one is a text.
  auto Options(std::string* out) const {
    return [this, out](const YAML::Node& node) -> absl::Status {
      if (!node.IsMap()) return Fail(node, "options 应为键值映射 / options: a mapping is expected");
      *out = ToJson(node).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      return absl::OkStatus();
    };
  }

 private:
  static nlohmann::json ToJson(const YAML::Node& node) {
    if (node.IsMap()) {
      nlohmann::json object = nlohmann::json::object();
      for (const auto& item : node) object[item.first.Scalar()] = ToJson(item.second);
      return object;
    }
    if (node.IsSequence()) {
      nlohmann::json list = nlohmann::json::array();
      for (const YAML::Node& item : node) list.push_back(ToJson(item));
      return list;
    }
    if (node.IsNull()) return nullptr;
    const std::string& text = node.Scalar();
    if (node.Tag() != "!") {
      if (text == "true") return true;
      if (text == "false") return false;
      uint64_t number = 0;
      if (absl::SimpleAtoi(text, &number) && StrCat(number) == text) return number;
    }
    return text;
  }

  const std::string& path_;
};

// A worker's id names its status file and its stores.
absl::Status TakeId(const Reader& r, const YAML::Node& node, const std::string& id,
                    const Config& config) {
  const bool good = id[0] != '.' && std::all_of(id.begin(), id.end(), [](char c) {
                      return static_cast<uint8_t>(c) > ' ' && c != '/' && c != '\x7f';
                    });
  if (!good)
    return r.Fail(node, StrCat("id 不能用作文件名 / id \"", id,
                               "\" cannot be a file name: no blank, no /, no first ."));
  const auto same = [&](const auto& other) { return other.id == id; };
  if (std::any_of(config.sources.begin(), config.sources.end(), same) ||
      std::any_of(config.landings.begin(), config.landings.end(), same)) {
    return r.Fail(node,
                  StrCat("id 重复 / id \"", id, "\" stands twice among sources and landings"));
  }
  return absl::OkStatus();
}

// How the agent says who it is: a certificate over TLS, or a token.
absl::Status CheckLogin(const std::string& path, const NodeConfig& node) {
  const auto refuse = [&](absl::string_view why) {
    return absl::InvalidArgumentError(StrCat(path, ": node: ", why));
  };
  if (node.certificate.empty() != node.key.empty())
    return refuse("certificate and key belong together (证书与私钥须同时配置)");
  if (node.certificate.empty() && node.token_file.empty()) {
    return refuse(
        "certificate and key, or token_file, say who the agent is "
        "(须配置证书与私钥，或令牌文件，节点才能识别本代理)");
  }
  if (!node.certificate.empty() && !node.token_file.empty())
    return refuse("certificate or token_file, not both (证书与令牌只能用一种)");
  if (!node.certificate.empty() && node.ca.empty())
    return refuse("ca is required with a certificate (使用证书须配置 ca)");
  if (!node.ca.empty() && IsList(node.address) && node.server_name.empty()) {
    return refuse(
        "server_name is required where address names several nodes: the name that all their "
        "certificates have (配置多个节点地址时须给出各节点证书共有的名称 server_name)");
  }
  if (node.ca.empty() && !IsLoopback(node.address)) {
    return refuse(
        StrCat(node.address,
               " is not loopback: set ca, so that TLS is used (非本机地址须配置 ca 并使用 "
               "TLS)"));
  }
  return absl::OkStatus();
}

absl::Status ReadSource(const Reader& r, const YAML::Node& node, Config* out) {
  SourceConfig source;
  RETURN_IF_ERROR(r.Mapping(node, {{"id", r.Text(&source.id)},
                                   {"plugin", r.Text(&source.plugin)},
                                   {"options", r.Options(&source.options_json)},
                                   {"dataset", r.Text(&source.dataset)},
                                   {"mapping", r.File(&source.mapping)},
                                   {"signing_key", r.File(&source.signing_key)},
                                   {"batch_rows", r.Number(&source.batch_rows, 1, 10000)},
                                   {"linger_ms", r.Number(&source.linger_ms, 1, 60000)}}));
  if (source.id.empty() || source.plugin.empty() || source.dataset.empty()) {
    return r.Fail(node,
                  "数据源须写明 id、plugin 与 dataset / a source needs id, plugin and dataset");
  }
  RETURN_IF_ERROR(TakeId(r, node, source.id, *out));
  out->sources.push_back(std::move(source));
  return absl::OkStatus();
}

absl::Status ReadLanding(const Reader& r, const YAML::Node& node, Config* out) {
  LandingConfig landing;
  RETURN_IF_ERROR(r.Mapping(node, {{"id", r.Text(&landing.id)},
                                   {"plugin", r.Text(&landing.plugin)},
                                   {"options", r.Options(&landing.options_json)},
                                   {"receiver", r.Text(&landing.receiver)},
                                   {"dataset", r.Text(&landing.dataset)},
                                   {"purpose", r.Text(&landing.purpose)},
                                   {"batch_rows", r.Number(&landing.batch_rows, 1, 10000)}}));
  if (landing.id.empty() || landing.plugin.empty() || landing.dataset.empty() ||
      landing.receiver.empty() || landing.purpose.empty()) {
    return r.Fail(node,
                  "落地须写明 id、plugin、receiver、dataset 与 purpose / a landing needs id, "
                  "plugin, receiver, dataset and purpose");
  }
  RETURN_IF_ERROR(TakeId(r, node, landing.id, *out));
  out->landings.push_back(std::move(landing));
  return absl::OkStatus();
}

template <typename T>
absl::StatusOr<T> FindIn(const std::vector<T>& all, const std::string& id, absl::string_view kind,
                         const std::string& path) {
  std::string known;
  for (const T& item : all) {
    if (item.id == id) return item;
    absl::StrAppend(&known, known.empty() ? "" : ", ", item.id);
  }
  return absl::NotFoundError(StrCat(path, ": 配置中没有它 / no ", kind, " \"", id,
                                    "\"; there are: ", known.empty() ? "none" : known));
}

}  // namespace

absl::StatusOr<SourceConfig> Config::FindSource(const std::string& id) const {
  return FindIn(sources, id, "source", path);
}
absl::StatusOr<LandingConfig> Config::FindLanding(const std::string& id) const {
  return FindIn(landings, id, "landing", path);
}

std::string Config::PluginPath(const std::string& plugin) const {
  return StrCat(plugins, "/huiliu_", plugin, ".so");
}

absl::StatusOr<Config> LoadConfig(const std::string& path, ConfigUse use) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Config config;
  config.path = path;
  const Reader r(config.path);
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(
        StrCat(path, ":", e.mark.line + 1, ":", e.mark.column + 1, ": ", e.msg));
  }
  const auto list = [&](auto read) {
    return [&, read](const YAML::Node& node) -> absl::Status {
      if (!node.IsSequence()) return r.Fail(node, "此处应为列表 / a list is expected");
      for (const YAML::Node& item : node) RETURN_IF_ERROR(read(r, item, &config));
      return absl::OkStatus();
    };
  };
  const auto node = [&](const YAML::Node& n) {
    return r.Mapping(n, {{"address", r.Text(&config.node.address)},
                         {"ca", r.File(&config.node.ca)},
                         {"certificate", r.File(&config.node.certificate)},
                         {"key", r.File(&config.node.key)},
                         {"token_file", r.File(&config.node.token_file)},
                         {"server_name", r.Text(&config.node.server_name)}});
  };
  RETURN_IF_ERROR(r.Mapping(root, {{"agent", r.Text(&config.agent)},
                                   {"node", node},
                                   {"state_dir", r.File(&config.state_dir)},
                                   {"plugins", r.File(&config.plugins)},
                                   {"divisions", r.File(&config.divisions)},
                                   {"sources", list(ReadSource)},
                                   {"landings", list(ReadLanding)}}));
  if (use == ConfigUse::kLook) {
    if (config.plugins.empty())
      return absl::InvalidArgumentError(StrCat(path, ": plugins 必须配置 / plugins is required"));
    return config;
  }
  if (config.state_dir.empty() || config.plugins.empty() || config.node.address.empty()) {
    return absl::InvalidArgumentError(
        StrCat(path,
               ": node.address、state_dir、plugins 必须配置 / node.address, state_dir and "
               "plugins are required"));
  }
  RETURN_IF_ERROR(CheckLogin(path, config.node));
  for (SourceConfig& source : config.sources) {
    if (source.signing_key.empty())
      source.signing_key = StrCat(config.state_dir, "/keys/", source.id, ".pem");
  }
  return config;
}

}  // namespace huiliu::agent
