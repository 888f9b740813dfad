// A published checkpoint of HTDemucs: its weights and what they are for.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engines/htdemucs/hyperparameters.h"
#include "engines/htdemucs/stored_tensor.h"

namespace toll::engines::htdemucs {

struct Checkpoint {
  Hyperparameters hyper;
  State state;  // views into the file
};

// Either format, told by its first bytes:
//   - `.th` as torch.save writes it: a zip archive with data.pkl and data/<n>, single or half precision;
//   - safetensors with the class and its arguments in the metadata, as the reference's authors publish them.
// `file` must outlive the checkpoint. Reads what is claimed, copies nothing, runs nothing. Reason::model_unusable with
// the argument why: cut short, renamed, compressed, another architecture, quantised, operations that a checkpoint does
// not need, tensors outside the file.
Result<Checkpoint> read_checkpoint(std::span<const std::byte> file);

// The YAML that names the checkpoints of a bag, as the reference publishes it:
//   models: ['f7e0c4bc', 'd12395a8']
//   weights: [[1., 0.], [0., 1.]]
//   segment: 44
struct Bag {
  std::vector<std::string> models;           // signatures: the first part of their files' names
  std::vector<std::vector<double>> weights;  // one row a model, one column a source; empty: all 1
  std::optional<double> segment;             // seconds; see shorten()
};
// Reason::model_unusable, argument why. Only flow lists and scalars are read; at most 64 KiB, 16 models.
Result<Bag> read_bag(std::string_view yaml);

// The segment that a bag asks for, in seconds: that of its models when it is no longer than theirs, as the reference
// takes it; a longer one changes nothing. Reason::model_unusable when it is too short for the network.
Result<void> shorten(Hyperparameters& hyper, double segment);

}  // namespace toll::engines::htdemucs
