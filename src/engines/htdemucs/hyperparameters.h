// What makes one HTDemucs differ from another: the arguments of the reference's constructor that change its result
// (Rouard, Massa and Defossez, "Hybrid Transformers for Music Source Separation", ICASSP 2023; package demucs 4).
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace toll::engines::htdemucs {

struct Hyperparameters {
  std::vector<std::string> sources;
  int audio_channels = 2;
  int channels = 48;
  int growth = 2;
  int nfft = 4096;
  int depth = 4;
  bool rewrite = true;
  double freq_emb = 0.2;
  double emb_scale = 10;
  int kernel_size = 8;
  int stride = 4;
  int context = 1;
  int context_enc = 0;
  int dconv_mode = 1;  // 1: encoder, 2: decoder, 3: both
  int dconv_depth = 2;
  double dconv_comp = 8;
  int bottom_channels = 0;
  int t_layers = 5;
  double t_hidden_scale = 4;
  int t_heads = 8;
  double t_max_period = 10000;
  double t_weight_pos_embed = 1;
  bool t_norm_in = true;
  bool t_norm_out = true;
  bool t_layer_scale = true;
  bool t_gelu = true;
  bool t_cross_first = false;
  int samplerate = 44100;
  std::int64_t segment_frames = 441000;  // the one length that the network is run with

  int hop() const { return nfft / 4; }
  std::int64_t stft_frames() const { return (segment_frames + hop() - 1) / hop(); }
  int channels_at(int layer) const;  // of encoder layer 0..depth-1
  int transformer_channels() const { return bottom_channels ? bottom_channels : channels_at(depth - 1); }
};

// From the arguments as JSON (fractions as {"_type":"fraction","numerator":39,"denominator":5}); what is absent has the
// reference's default, names it does not know are passed over, as the reference does. Reason::model_unusable, argument
// why, for architectures that are not written here and for values out of bounds.
Result<Hyperparameters> parse_hyperparameters(const boost::json::array& args, const boost::json::object& kwargs);
std::string write_hyperparameters(const Hyperparameters& hyper);
Result<Hyperparameters> read_hyperparameters(const std::string& text);  // what write_hyperparameters() wrote

}  // namespace toll::engines::htdemucs
