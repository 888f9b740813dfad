// Any picture or film, through one descriptor, as frames in the order in which they are shown. Parses untrusted bytes:
// only in a sandboxed worker.
//
// Formats that read other files (playlists, concat, image sequences) are not among the demuxers, and nothing is opened
// but the descriptor. A GIF, an animated PNG and a JPEG with more pictures behind the first are images: their first
// picture. HEIC and AVIF are read as far as FFmpeg's mov demuxer knows them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>

#include "engines/forensics/picture.h"
#include "engines/forensics/plan.h"

namespace toll::engines::forensics {

struct ReaderOptions {
  Limits limits;
  Orientation orientation;  // of an image, which the container's reader found; a film says its own
  unsigned threads = 1;
};

class Reader {
 public:
  // Faults: failed() with undecodable_media (the container is unknown or damaged, there is no video stream with a known
  // decoder) or media_limit_exceeded (pixels, and what the headers claim of seconds); cancelled.
  static Result<Reader> open(int fd, const ReaderOptions& options, std::stop_token stop);
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  // What is known by now: claims before the end of next(), counts after it.
  Media media() const;
  // Goes through all packets of a film without decoding them, and says how many frames and seconds there are. Not
  // together with next(). Faults: media_limit_exceeded, cancelled.
  Result<Media> count();

  // Decodes the next frame; false behind the last one. Faults: decode_error when the file breaks off, or more than one
  // frame in ten is damaged (of an image, any damage, as undecodable_media); media_limit_exceeded; cancelled.
  Result<bool> next();
  std::int64_t index() const;  // of the frame, from 0
  double seconds() const;      // when it is shown
  double position() const;     // how far the file is read, 0..1
  // The frame. Upright, as it is shown; square pixels are assumed.
  Picture picture();
  // Its brightness as it is stored: on the grid that its encoder used, without rotation, full range.
  Luma stored_luma();
  Orientation orientation() const;

 private:
  struct State;
  explicit Reader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace toll::engines::forensics
