// The artefacts that FFmpeg's libraries write: JPEG pictures and MP4 films, to descriptors that the host opened.
#pragma once

#include <memory>

#include "base/result.h"
#include "engines/forensics/picture.h"

namespace toll::engines::forensics {

// One baseline JPEG. Reason::storage_full.
Result<void> write_jpeg(const Picture& picture, int fd);

// One film without sound: H.264 (libx264 of Debian's libavcodec; where that is missing MPEG-4 part 2) in MP4. Pictures
// have one size, with even sides. The same pictures give the same bytes.
class FilmWriter {
 public:
  FilmWriter(int fd, int width, int height, double frames_per_second);
  ~FilmWriter();
  FilmWriter(FilmWriter&&) noexcept;
  FilmWriter& operator=(FilmWriter&&) noexcept;
  int width() const;
  int height() const;
  Result<void> write(const Picture& picture);  // storage_full; std::logic_error for a picture of another size
  Result<void> finish();                       // once, last; storage_full

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace toll::engines::forensics
