// The words of plan.h and manifest.h.
#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "engines/forensics/plan.h"

namespace toll::engines::forensics {
namespace {

template <class T, std::size_t N>
using Names = std::array<std::pair<T, std::string_view>, N>;

constexpr Names<Role, 5> roles{{{Role::df1, "DF-1"},
                                {Role::ac1, "AC-1"},
                                {Role::fd1, "FD-1"},
                                {Role::fe1, "FE-1"},
                                {Role::fi1_liveness, "FI-1.liveness"}}};
constexpr Names<ModelType, 5> model_types{{{ModelType::df1, "DF-1"},
                                           {ModelType::ac1, "AC-1"},
                                           {ModelType::fd1, "FD-1"},
                                           {ModelType::fe1, "FE-1"},
                                           {ModelType::fi1, "FI-1"}}};
constexpr Names<MediaKind, 2> kinds{{{MediaKind::image, "image"}, {MediaKind::video, "video"}}};
constexpr Names<Failure, 5> failures{{{Failure::media_type_mismatch, "MEDIA_TYPE_MISMATCH"},
                                      {Failure::undecodable_media, "UNDECODABLE_MEDIA"},
                                      {Failure::media_limit_exceeded, "MEDIA_LIMIT_EXCEEDED"},
                                      {Failure::decode_error, "DECODE_ERROR"},
                                      {Failure::no_face, "NO_FACE"}}};
constexpr Names<Verdict, 3> verdicts{
    {{Verdict::fake, "fake"}, {Verdict::real, "real"}, {Verdict::inconclusive, "inconclusive"}}};

template <class T, std::size_t N>
std::string_view name_in(const Names<T, N>& names, T value) {
  return std::ranges::find(names, value, &std::pair<T, std::string_view>::first)->second;
}
template <class T, std::size_t N>
std::optional<T> value_in(const Names<T, N>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name, &std::pair<T, std::string_view>::second);
  return found == names.end() ? std::nullopt : std::optional(found->first);
}

}  // namespace

std::string_view name_of(Role role) {
  return name_in(roles, role);
}
std::string_view name_of(ModelType type) {
  return name_in(model_types, type);
}
std::string_view name_of(MediaKind kind) {
  return name_in(kinds, kind);
}
std::string_view name_of(Failure failure) {
  return name_in(failures, failure);
}
std::string_view name_of(Verdict verdict) {
  return name_in(verdicts, verdict);
}
std::optional<Role> role_of(std::string_view name) {
  return value_in(roles, name);
}
std::optional<MediaKind> media_kind_of(std::string_view name) {
  return value_in(kinds, name);
}
std::optional<Failure> failure_of(std::string_view name) {
  return value_in(failures, name);
}
std::optional<Verdict> verdict_of(std::string_view name) {
  return value_in(verdicts, name);
}
std::optional<ModelType> model_type_of(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return value_in(model_types, upper);
}

}  // namespace toll::engines::forensics
