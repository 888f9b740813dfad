#include "engines/documents/archive.h"

#include <array>

#include "engines/documents/reading.h"

namespace toll::engines::documents {

namespace {

constexpr zip_int64_t most_entries = 20'000;

}  // namespace

Result<Archive> Archive::open(std::string_view bytes) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (!source) return unreadable("it is no archive");
  zip_t* zip = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (!zip) {
    zip_source_free(source);
    return unreadable("it is no archive", zip_error_strerror(&error));
  }
  Archive out(zip);
  if (zip_get_num_entries(zip, 0) > most_entries) return unreadable("it has too many parts");
  return out;
}

bool Archive::has(const std::string& name) const {
  return zip_name_locate(zip_.get(), name.c_str(), 0) >= 0;
}

Result<std::string> Archive::read(const std::string& name) {
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen(zip_.get(), name.c_str(), 0), zip_fclose);
  if (!file) return unreadable("a part of it is missing or locked", name + ": " + zip_strerror(zip_.get()));
  std::string out;
  std::array<char, 64 << 10> buffer;
  for (;;) {
    const auto got = zip_fread(file.get(), buffer.data(), buffer.size());
    if (got < 0) return unreadable("a part of it is damaged", name);
    if (got == 0) return out;
    unpacked_ += static_cast<std::size_t>(got);
    if (unpacked_ > most_unpacked_bytes) return unreadable("it unpacks to more than 256 MiB");
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace toll::engines::documents
