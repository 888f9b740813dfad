#include "engines/htdemucs/checkpoint.h"

#include <boost/json.hpp>
#include <cstring>

#include "engines/htdemucs/pickle.h"
#include "engines/htdemucs/safetensors.h"
#include "engines/htdemucs/zip.h"
#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace json = boost::json;
namespace {

using onnx::refuse;
using Bytes = std::span<const std::byte>;
using Kind = PickleNode::Kind;

// Of a text in a network's description.
constexpr std::size_t longest_argument = 1000;
constexpr int deepest_argument = 6;
constexpr std::size_t most_arguments = 20'000, largest_pickle = 16 << 20;
constexpr std::string_view architecture = "demucs.htdemucs.HTDemucs";

Fault not_a_checkpoint() {
  return refuse("this is not a checkpoint of HTDemucs");
}

Result<json::value> fraction_json(const PickleNode& call) {
  // Fraction("39/5"), as Python pickles it, or Fraction(39, 5).
  const auto& arguments = call.items[1]->items;
  json::object out{{"_type", "fraction"}};
  if (arguments.size() == 2 && arguments[0]->kind == Kind::integer && arguments[1]->kind == Kind::integer) {
    out["numerator"] = arguments[0]->integer;
    out["denominator"] = arguments[1]->integer;
    return json::value(std::move(out));
  }
  if (arguments.size() != 1 || arguments[0]->kind != Kind::text || arguments[0]->text.size() > 40)
    return not_a_checkpoint();
  long long numerator = 0, denominator = 1;
  if (std::sscanf(arguments[0]->text.c_str(), "%lld/%lld", &numerator, &denominator) < 1) return not_a_checkpoint();
  out["numerator"] = numerator;
  out["denominator"] = denominator;
  return json::value(std::move(out));
}

// Arguments of the constructor as JSON. `left` counts down: a pickle says a list or a text once and means it a thousand
// times.
Result<json::value> to_json(const PickleNode& node, std::size_t& left, int depth = 0) {
  if (depth > deepest_argument || left == 0) return refuse("the network's description is too large");
  --left;
  switch (node.kind) {
    case Kind::none:
      return json::value(nullptr);
    case Kind::boolean:
      return json::value(node.integer != 0);
    case Kind::integer:
      return json::value(node.integer);
    case Kind::real:
      return json::value(node.real);
    case Kind::text:
      if (node.text.size() > longest_argument) return refuse("the network's description is too large");
      return json::value(node.text);
    case Kind::list:
    case Kind::tuple: {
      json::array out;
      for (const auto* item : node.items) out.push_back(TOLL_TRY(to_json(*item, left, depth + 1)));
      return json::value(std::move(out));
    }
    case Kind::dict: {
      json::object out;
      for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
        if (node.items[i]->kind != Kind::text || node.items[i]->text.size() > longest_argument)
          return not_a_checkpoint();
        out[node.items[i]->text] = TOLL_TRY(to_json(*node.items[i + 1], left, depth + 1));
      }
      return json::value(std::move(out));
    }
    case Kind::call:
      if (node.is_call_of("fractions.Fraction")) return fraction_json(node);
      return not_a_checkpoint();
    default:
      return not_a_checkpoint();
  }
}

// torch.save's archive: the storages by their number.
class Storages {
 public:
  Storages(const std::map<std::string, Bytes>& entries, std::string prefix)
      : entries_(entries), prefix_(std::move(prefix)) {
    for (const auto& [name, content] : entries) bytes_ += content.size();
  }
  std::size_t bytes() const { return bytes_; }

  // _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)
  Result<StoredTensor> tensor(const std::string& name, const PickleNode& node) const {
    const PickleNode* call = &node;
    if (call->is_call_of("torch._utils._rebuild_parameter") && !call->items[1]->items.empty())
      call = call->items[1]->items[0];
    if (!call->is_call_of("torch._utils._rebuild_tensor_v2") || call->items[1]->items.size() < 4)
      return refuse("the weights of " + name + " are of a kind that is not read");
    const auto& arguments = call->items[1]->items;
    StoredTensor out;
    TOLL_TRY(storage(name, *arguments[0], out));
    if (!integers(*arguments[2], out.shape) || !integers(*arguments[3], out.strides)) return not_a_checkpoint();
    const auto offset = arguments[1]->kind == Kind::integer ? arguments[1]->integer : -1;
    if (offset < 0 || static_cast<std::size_t>(offset) > out.bytes.size() / size_of(out.type))
      return not_a_checkpoint();
    out.bytes = out.bytes.subspan(static_cast<std::size_t>(offset) * size_of(out.type));
    if (!lies_within_bytes(out)) return refuse("the weights of " + name + " are not in the file");
    return out;
  }

 private:
  static bool integers(const PickleNode& node, std::vector<std::int64_t>& out) {
    if (node.kind != Kind::tuple || node.items.size() > 8) return false;
    for (const auto* item : node.items) {
      if (item->kind != Kind::integer) return false;
      out.push_back(item->integer);
    }
    return true;
  }

  // The id of a storage: ('storage', <class>, '12', 'cpu', elements)
  Result<bool> storage(const std::string& name, const PickleNode& node, StoredTensor& out) const {
    if (node.kind != Kind::persistent || node.items[0]->kind != Kind::tuple || node.items[0]->items.size() < 5)
      return not_a_checkpoint();
    const auto& id = node.items[0]->items;
    if (id[1]->kind != Kind::global || id[2]->kind != Kind::text) return not_a_checkpoint();
    if (id[1]->text == "torch.HalfStorage") {
      out.type = StoredTensor::Type::float16;
    } else if (id[1]->text == "torch.BFloat16Storage") {
      out.type = StoredTensor::Type::bfloat16;
    } else if (id[1]->text == "torch.FloatStorage") {
      out.type = StoredTensor::Type::float32;
    } else if (id[1]->text == "torch.DoubleStorage") {
      out.type = StoredTensor::Type::float64;
    } else {
      return refuse("the weights of " + name + " are no floating point numbers");
    }
    auto found = entries_.find(prefix_ + "data/" + id[2]->text);
    if (found == entries_.end()) return refuse("the weights of " + name + " are not in the file");
    out.bytes = found->second;
    return true;
  }

  const std::map<std::string, Bytes>& entries_;
  std::string prefix_;
  std::size_t bytes_ = 0;
};

// The folder inside the archive; its name is whatever the file was called when it was saved.
Result<std::string> prefix_of(const std::map<std::string, Bytes>& entries) {
  constexpr std::string_view wanted = "data.pkl";
  for (const auto& [name, content] : entries)
    if (name.ends_with(wanted) && (name.size() == wanted.size() || name[name.size() - wanted.size() - 1] == '/'))
      return name.substr(0, name.size() - wanted.size());
  return not_a_checkpoint();
}

Result<State> read_state(const PickleNode& node, const Storages& storages) {
  if (node.kind != Kind::dict) return not_a_checkpoint();
  if (node.find("__quantized")) return refuse("quantised checkpoints are not read");
  State state;
  std::size_t claimed = 0;
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    if (node.items[i]->kind != Kind::text) return not_a_checkpoint();
    const auto& name = node.items[i]->text;
    auto tensor = TOLL_TRY(storages.tensor(name, *node.items[i + 1]));
    claimed += static_cast<std::size_t>(element_count(tensor.shape)) * size_of(tensor.type);
    // Tensors that share their place would let a small file claim a large network.
    if (claimed > storages.bytes()) return refuse("the weights claim more than the file holds");
    state[name] = std::move(tensor);
  }
  return state;
}

Result<Checkpoint> read_torch(Bytes file) {
  const auto entries = TOLL_TRY(read_zip(file));
  const auto prefix = TOLL_TRY(prefix_of(entries));
  const auto order = entries.find(prefix + "byteorder");
  if (order != entries.end() && (order->second.size() != 6 || std::memcmp(order->second.data(), "little", 6) != 0))
    return refuse("the checkpoint is big endian");
  const auto content = entries.at(prefix + "data.pkl");
  if (content.size() > largest_pickle) return refuse("the pickle is too long");
  const auto pickle = TOLL_TRY(Pickle::parse(content));
  const auto& root = pickle.root();
  const auto *klass = root.find("klass"), *args = root.find("args"), *kwargs = root.find("kwargs"),
             *state = root.find("state");
  if (!klass && root.kind == Kind::dict)
    return refuse("the file holds no description of its network, as the authors' own files do");
  if (!klass || klass->kind != Kind::global || !kwargs || kwargs->kind != Kind::dict || !state)
    return not_a_checkpoint();
  if (klass->text != architecture)
    return refuse("the checkpoint is of " + klass->text.substr(0, 80) + ", not of HTDemucs");
  json::array positional;
  auto left = most_arguments;
  if (args) {
    auto given = TOLL_TRY(to_json(*args, left));
    if (!given.is_array()) return not_a_checkpoint();
    positional = std::move(given.get_array());
  }
  const auto named = TOLL_TRY(to_json(*kwargs, left));
  Checkpoint checkpoint;
  checkpoint.hyper = TOLL_TRY(parse_hyperparameters(positional, named.get_object()));
  checkpoint.state = TOLL_TRY(read_state(*state, Storages(entries, prefix)));
  return checkpoint;
}

Result<Checkpoint> read_published_safetensors(Bytes file) {
  auto content = TOLL_TRY(read_safetensors(file));
  const auto klass = content.metadata.find("klass"), kwargs = content.metadata.find("kwargs"),
             args = content.metadata.find("args");
  if (klass == content.metadata.end() || kwargs == content.metadata.end()) return not_a_checkpoint();
  if (klass->second != architecture)
    return refuse("the checkpoint is of " + klass->second.substr(0, 80) + ", not of HTDemucs");
  if (content.metadata.contains("structure")) return refuse("quantised checkpoints are not read");
  boost::system::error_code error;
  const auto named = json::parse(kwargs->second, error);
  if (error || !named.is_object()) return not_a_checkpoint();
  const auto positional = json::parse(args == content.metadata.end() ? "[]" : args->second, error);
  if (error || !positional.is_array()) return not_a_checkpoint();
  return Checkpoint{TOLL_TRY(parse_hyperparameters(positional.get_array(), named.get_object())),
                    std::move(content.state)};
}

}  // namespace

Result<Checkpoint> read_checkpoint(Bytes file) {
  const auto begins_with = [&](std::string_view magic) {
    return file.size() >= 16 && std::memcmp(file.data(), magic.data(), magic.size()) == 0;
  };
  if (begins_with("PK")) return read_torch(file);
  if (file.size() >= 16 && file[8] == std::byte{'{'}) return read_published_safetensors(file);
  if (begins_with("\x1f\x8b")) return refuse("the file is compressed with gzip, which checkpoints of HTDemucs are not");
  // torch.save before 1.6: the first published generations of Demucs.
  if (begins_with("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46"))
    return refuse("the file is of an older Demucs, before HTDemucs, which is not read");
  return not_a_checkpoint();
}

}  // namespace toll::engines::htdemucs
