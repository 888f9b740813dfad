#include "engines/htdemucs/import.h"

#include "engines/htdemucs/bundle.h"
#include "engines/htdemucs/network.h"
#include "engines/onnx/mapped_file.h"

namespace toll::engines::htdemucs {
namespace {

constexpr std::array<std::string_view, 1> htdemucs{"955717e8-8726e21a.th"};
constexpr std::array<std::string_view, 1> six_sources{"5c90dfd2-34c22ccb.th"};
constexpr std::array<std::string_view, 4> fine_tuned{"f7e0c4bc-ba3fe64a.th", "d12395a8-e57c48e6.th",
                                                     "92cfc3b6-ef3bcb9c.th", "04573f0d-f3cf25b2.th"};
constexpr std::string_view fine_tuned_bag =
    "models: ['f7e0c4bc', 'd12395a8', '92cfc3b6', '04573f0d']\n"
    "weights: [[1., 0., 0., 0.], [0., 1., 0., 0.], [0., 0., 1., 0.], [0., 0., 0., 1.]]\n";
constexpr std::array published{PublishedModel{"htdemucs", published_licence, htdemucs, {}},
                               PublishedModel{"htdemucs_6s", published_licence, six_sources, {}},
                               PublishedModel{"htdemucs_ft", published_licence, fine_tuned, fine_tuned_bag}};

// The eight digits; empty for a name that has none.
std::string_view promised_by(std::string_view file_name) {
  const auto dash = file_name.rfind('-'), dot = file_name.rfind('.');
  if (dash == file_name.npos || dot == file_name.npos || dot < dash || dot - dash != 9) return {};
  const auto promised = file_name.substr(dash + 1, 8);
  return promised.find_first_not_of("0123456789abcdef") == promised.npos ? promised : std::string_view{};
}

}  // namespace

Result<Imported> import_checkpoint(int checkpoint_fd, int model_fd, std::optional<double> segment) {
  const auto file = TOLL_TRY(onnx::MappedFile::open(checkpoint_fd));
  auto checkpoint = TOLL_TRY(read_checkpoint(file.bytes()));
  if (segment)
    if (auto shortened = shorten(checkpoint.hyper, *segment); !shortened) return std::move(shortened).error();
  Imported imported{checkpoint.hyper, onnx::file_digest(file.bytes()), {}};
  if (auto written = write_network(checkpoint, {.source_digest = imported.source_sha256}, model_fd); !written)
    return std::move(written).error();
  const auto model = TOLL_TRY(onnx::MappedFile::open(model_fd));
  imported.model_sha256 = onnx::file_digest(model.bytes());
  return imported;
}

std::span<const PublishedModel> published_models() {
  return published;
}

bool promises_digest(std::string_view file_name) {
  return file_name.size() <= 200 && file_name.find('/') == file_name.npos && !file_name.starts_with('.') &&
         !promised_by(file_name).empty();
}

bool name_fits_digest(std::string_view file_name, std::string_view sha256) {
  return sha256.starts_with(promised_by(file_name));
}

}  // namespace toll::engines::htdemucs
