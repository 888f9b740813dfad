#include "engines/htdemucs/hyperparameters.h"

#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "engines/onnx/refuse.h"

namespace toll::engines::htdemucs {
namespace json = boost::json;
namespace {

using onnx::refuse;

Fault out_of_bounds(std::string_view name) {
  return refuse("the model's " + std::string(name) + " is out of bounds");
}

// A number, or the reference's Fraction, as a fraction.
struct Fraction {
  std::int64_t numerator = 0, denominator = 1;
};
std::optional<Fraction> fraction_of(const json::value& value) {
  if (value.is_int64()) return Fraction{value.get_int64(), 1};
  if (value.is_double() && std::abs(value.get_double()) < 1e6)
    return Fraction{std::llround(value.get_double() * 1e9), 1'000'000'000};
  const auto* object = value.if_object();
  if (!object) return std::nullopt;
  const auto *numerator = object->if_contains("numerator"), *denominator = object->if_contains("denominator");
  if (!numerator || !denominator || !numerator->is_int64() || !denominator->is_int64()) return std::nullopt;
  return Fraction{numerator->get_int64(), denominator->get_int64()};
}

// Reads members of one object; the first that is wrong is kept.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  void integer(std::string_view name, int& out, int least, int most) {
    const auto* value = object_.if_contains(name);
    if (!value || value->is_null()) return;
    if (!value->is_int64() || value->get_int64() < least || value->get_int64() > most) return fail(name);
    out = static_cast<int>(value->get_int64());
  }
  void real(std::string_view name, double& out, double least, double most) {
    const auto* value = object_.if_contains(name);
    if (!value || value->is_null()) return;
    if (value->is_bool()) {
      out = value->get_bool() ? 1 : 0;
    } else if (value->is_int64() || value->is_double()) {
      out = value->to_number<double>();
    } else {
      return fail(name);
    }
    if (!(out >= least && out <= most)) fail(name);
  }
  void flag(std::string_view name, bool& out) {
    double number = out ? 1 : 0;
    real(name, number, 0, 1e9);
    out = number != 0;
  }
  // An argument whose other values make another network.
  void only(std::string_view name, const json::value& wanted) {
    const auto* value = object_.if_contains(name);
    if (!value || *value == wanted || (is_nothing(*value) && is_nothing(wanted))) return;
    if (!fault_) fault_ = refuse("the model is of an architecture that is not run here (" + std::string(name) + ")");
  }
  void fail(std::string_view name) {
    if (!fault_) fault_ = out_of_bounds(name);
  }
  const json::value* member(std::string_view name) const { return object_.if_contains(name); }
  std::optional<Fault> fault() const { return fault_; }

 private:
  static bool is_nothing(const json::value& value) {
    return value.is_null() || (value.is_bool() && !value.get_bool()) ||
           (value.is_array() && value.get_array().empty()) || (value.is_int64() && value.get_int64() == 0);
  }
  const json::object& object_;
  std::optional<Fault> fault_;
};

Result<std::vector<std::string>> parse_sources(const json::value* value) {
  if (!value || !value->is_array()) return refuse("the model does not name its sources");
  std::vector<std::string> sources;
  std::set<std::string> seen;
  for (const auto& source : value->get_array()) {
    if (!source.is_string() || source.get_string().empty() || source.get_string().size() > 40)
      return out_of_bounds("sources");
    sources.emplace_back(source.get_string());
    for (char c : sources.back())
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) return out_of_bounds("sources");
    if (!seen.insert(sources.back()).second) return out_of_bounds("sources");
  }
  if (sources.empty() || sources.size() > 16) return out_of_bounds("sources");
  return sources;
}

void refuse_other_architectures(Reader& reader) {
  reader.only("channels_time", nullptr);
  reader.only("cac", true);
  reader.only("multi_freqs", nullptr);
  reader.only("t_emb", "sin");
  reader.only("t_norm_in_group", false);
  reader.only("t_group_norm", false);
  reader.only("t_norm_first", true);
  reader.only("t_sin_random_shift", 0);
  reader.only("t_sparse_self_attn", false);
  reader.only("t_sparse_cross_attn", false);
  reader.only("t_auto_sparsity", false);
  reader.only("use_train_segment", true);
}

// Position embeddings are constants of the network, for every token of a segment: 1.4 million numbers in the published
// ones.
constexpr std::int64_t most_positions = 1 << 26;

bool consistent(const Hyperparameters& hyper) {
  // Every layer divides the frequencies, and the last one must leave more than a kernel's width of them: otherwise the
  // reference merges the two branches.
  int frequencies = hyper.nfft / 2;
  for (int layer = 0; layer < hyper.depth; ++layer, frequencies /= hyper.stride)
    if (frequencies <= hyper.kernel_size || frequencies % hyper.stride) return false;
  if (frequencies * hyper.stft_frames() > most_positions / hyper.transformer_channels()) return false;
  const double comp = hyper.channels / hyper.dconv_comp;
  return hyper.kernel_size % 4 == 0 && hyper.kernel_size == 2 * hyper.stride && hyper.nfft % 4 == 0 && comp >= 1 &&
         (hyper.t_layers == 0 ||
          (hyper.transformer_channels() % hyper.t_heads == 0 && hyper.transformer_channels() % 4 == 0)) &&
         hyper.transformer_channels() <= 8192 && hyper.segment_frames > 2 * hyper.nfft &&
         hyper.segment_frames <= 120ll * 48000;
}

}  // namespace

int Hyperparameters::channels_at(int layer) const {
  int out = channels;
  for (int i = 0; i < layer; ++i) out *= growth;
  return out;
}

Result<Hyperparameters> parse_hyperparameters(const json::array& args, const json::object& kwargs) {
  if (args.size() > 1) return refuse("the model's arguments are not named");
  Hyperparameters hyper;
  hyper.sources = TOLL_TRY(parse_sources(args.empty() ? kwargs.if_contains("sources") : &args.front()));
  Reader reader(kwargs);
  refuse_other_architectures(reader);
  reader.integer("audio_channels", hyper.audio_channels, 2, 2);
  reader.integer("channels", hyper.channels, 1, 512);
  reader.integer("growth", hyper.growth, 1, 4);
  reader.integer("nfft", hyper.nfft, 256, 16384);
  reader.integer("depth", hyper.depth, 1, 6);
  reader.flag("rewrite", hyper.rewrite);
  reader.real("freq_emb", hyper.freq_emb, 0, 100);
  reader.real("emb_scale", hyper.emb_scale, 0, 1000);
  reader.integer("kernel_size", hyper.kernel_size, 4, 16);
  reader.integer("stride", hyper.stride, 2, 8);
  reader.integer("context", hyper.context, 0, 4);
  reader.integer("context_enc", hyper.context_enc, 0, 4);
  reader.integer("dconv_mode", hyper.dconv_mode, 0, 3);
  reader.integer("dconv_depth", hyper.dconv_depth, -8, 8);
  reader.real("dconv_comp", hyper.dconv_comp, 1, 64);
  reader.integer("bottom_channels", hyper.bottom_channels, 0, 4096);
  reader.integer("t_layers", hyper.t_layers, 0, 32);
  reader.real("t_hidden_scale", hyper.t_hidden_scale, 0.1, 16);
  reader.integer("t_heads", hyper.t_heads, 1, 64);
  reader.real("t_max_period", hyper.t_max_period, 1, 1e9);
  reader.real("t_weight_pos_embed", hyper.t_weight_pos_embed, -100, 100);
  reader.flag("t_norm_in", hyper.t_norm_in);
  reader.flag("t_norm_out", hyper.t_norm_out);
  reader.flag("t_layer_scale", hyper.t_layer_scale);
  reader.flag("t_gelu", hyper.t_gelu);
  reader.flag("t_cross_first", hyper.t_cross_first);
  reader.integer("samplerate", hyper.samplerate, 44100, 44100);
  int norm_starts = 4;
  reader.integer("norm_starts", norm_starts, hyper.depth, 1000);
  Fraction segment{10, 1};
  if (const auto* value = reader.member("segment")) {
    const auto given = fraction_of(*value);
    if (!given || given->denominator < 1 || given->numerator < 1 || given->numerator > 1'000'000'000'000) {
      reader.fail("segment");
    } else {
      segment = *given;
    }
  }
  if (auto fault = reader.fault()) return *fault;
  hyper.segment_frames = segment.numerator * hyper.samplerate / segment.denominator;
  if (!consistent(hyper)) return refuse("the model's sizes do not fit together, or make an architecture not run here");
  return hyper;
}

std::string write_hyperparameters(const Hyperparameters& h) {
  return json::serialize(json::object{{"sources", json::array(h.sources.begin(), h.sources.end())},
                                      {"audio_channels", h.audio_channels},
                                      {"channels", h.channels},
                                      {"growth", h.growth},
                                      {"nfft", h.nfft},
                                      {"depth", h.depth},
                                      {"rewrite", h.rewrite},
                                      {"freq_emb", h.freq_emb},
                                      {"emb_scale", h.emb_scale},
                                      {"kernel_size", h.kernel_size},
                                      {"stride", h.stride},
                                      {"context", h.context},
                                      {"context_enc", h.context_enc},
                                      {"dconv_mode", h.dconv_mode},
                                      {"dconv_depth", h.dconv_depth},
                                      {"dconv_comp", h.dconv_comp},
                                      {"bottom_channels", h.bottom_channels},
                                      {"t_layers", h.t_layers},
                                      {"t_hidden_scale", h.t_hidden_scale},
                                      {"t_heads", h.t_heads},
                                      {"t_max_period", h.t_max_period},
                                      {"t_weight_pos_embed", h.t_weight_pos_embed},
                                      {"t_norm_in", h.t_norm_in},
                                      {"t_norm_out", h.t_norm_out},
                                      {"t_layer_scale", h.t_layer_scale},
                                      {"t_gelu", h.t_gelu},
                                      {"t_cross_first", h.t_cross_first},
                                      {"samplerate", h.samplerate},
                                      {"segment", {{"numerator", h.segment_frames}, {"denominator", h.samplerate}}}});
}

Result<Hyperparameters> read_hyperparameters(const std::string& text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return refuse("the model does not say what it is");
  return parse_hyperparameters({}, value.get_object());
}

}  // namespace toll::engines::htdemucs
