// Where the halves of broken downloads wait for the next attempt: <data>/mirror/<repo>/, one process at a time in each.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace toll::app::hub {

class Halves {
 public:
  // nullopt: another process works on this model. Throws std::system_error.
  static std::optional<Halves> open(const std::filesystem::path& data, std::string_view repo);
  Halves(Halves&& other) noexcept;
  ~Halves();  // lets go; what is in the folder stays

  const std::filesystem::path& folder() const { return folder_; }
  // Of one file of one commit.
  std::filesystem::path part(std::string_view commit, std::string_view file) const;
  // All is done: the folder goes.
  void remove();

 private:
  Halves(std::filesystem::path folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
  std::filesystem::path folder_;
  int lock_;
};

// Removes the folders that nobody works in; how many.
std::size_t remove_halves(const std::filesystem::path& data);

}  // namespace toll::app::hub
